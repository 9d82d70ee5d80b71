package tree

import "autochrome/chunk"

// Recent keeps rows of records that were stored lately and scattered: rows of many
// groups in one chunk. There each can be read by itself. The content id of a
// column finds out whether they are right.
type Recent interface {
	// Add keeps the rows of a chunk, or does not.
	Add(id chunk.ID, rows *chunk.Rows)
	// AppendTo appends the rows of a run to rows of its kind, if they are there.
	// Rows that are empty take the dimension of the run.
	AppendTo(rows *chunk.Rows, run Run) bool
}

// scattered is how many rows of a chunk lie together on average, at the most, where
// it is worth while to keep each for itself.
const scattered = 8
