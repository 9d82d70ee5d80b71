package tree

import (
	"context"

	"autochrome/chunk"
)

// Recent keeps rows of records that were stored lately, where each can be read by
// itself. The content id of a column finds out whether they are right.
type Recent interface {
	// Add keeps the rows of a chunk, or does not.
	Add(id chunk.ID, rows *chunk.Rows)
	// AppendTo appends the rows of a run to rows of its kind, if they are there.
	// Rows that are empty take the dimension of the run.
	AppendTo(rows *chunk.Rows, run Run) bool
}

// recentStore is a Store that keeps the rows of records it takes.
type recentStore struct {
	Store
	recent Recent
}

func (s recentStore) Save(ctx context.Context, id chunk.ID, canonical []byte) error {
	if err := s.Store.Save(ctx, id, canonical); err != nil {
		return err
	}
	if chunk.Kind(canonical[0]).IsColumn() {
		if rows, err := chunk.DecodeRows(canonical); err == nil {
			s.recent.Add(id, rows)
		}
	}
	return nil
}
