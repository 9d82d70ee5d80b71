// Package guard runs a migration behind a recording proxy: every write that
// Chroma acknowledges becomes a point, an ordinary snapshot that can be rolled
// back to, and a migration that fails is rolled back.
package guard
