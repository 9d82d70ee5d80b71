// Package chroma is Chroma as records, both ways: reading exactly what a
// server holds, and writing so that it holds exactly what is wanted.
//
// Start with [Open] and [Database]. Records are read in two steps: IDs lists
// them, Read gets some of them by their ids into a [chunk.Records]. The
// control calls (heartbeat, tenants, databases, deleting a collection) go
// through chroma-go; records and descriptions do not, because its types lose
// what must not be lost: see the comments at each call.
//
// How a real server behaves is the reason for most of what is here and stands
// beside it; docs/architecture.md lists the measurements.
package chroma
