// Package chunk defines the canonical bytes of records: what is hashed, how a
// hash becomes a name, where a run of records is cut, and the form in which
// chunks are stored. It does no I/O.
//
// Start with [Records], five columns of the same length, and [Rows], one
// column. The byte tables stand in docs/format.md; this package and that
// document change together.
package chunk
