// Package snapshot takes snapshots: it reads a [Source] page by page, builds
// its trees, and makes them durable. Start with [Take]; [Capture] is the part
// that reads, without the repository's record.
package snapshot
