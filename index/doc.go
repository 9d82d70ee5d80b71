// Package index knows where each chunk lies: in which pack, from which byte
// on, how long. It does no I/O.
//
// Start with [Index], which holds the places of all chunks of a repository in
// memory, and [Pack], one pack's directory as it stands at the pack's end and
// again in an index file ([AppendFile], [DecodeFile]).
package index
