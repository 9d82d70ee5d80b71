package snapshot

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/repo"
)

// ErrMirror: a repository cannot be the model for deletions in another one.
var ErrMirror = errors.New("nothing can be deleted in the copy")

// Extra gives the snapshots of a copy that its model does not have any more:
// those to delete, and those that are held there. Both are empty when all is
// well. ErrMirror where it cannot be known what the model has, and where it has
// nothing at all: it is more likely the wrong one than meant.
func Extra(ctx context.Context, model, copied *repo.Repository) (remove, held []repo.Snapshot, err error) {
	list, err := model.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	if damaged := model.Damaged(); len(damaged) > 0 {
		return nil, nil, fmt.Errorf("%w: %s is damaged: %w", ErrMirror, model.Location(), damaged[0])
	}
	if len(list) == 0 {
		return nil, nil, fmt.Errorf("%w: %s has no snapshot", ErrMirror, model.Location())
	}
	have := make(map[chunk.ID]bool, len(list))
	for _, s := range list {
		have[s.Origin()] = true
	}
	there, err := copied.Snapshots(ctx)
	if err != nil {
		return nil, nil, err
	}
	notes, err := copied.Annotations(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range there {
		if have[s.Origin()] {
			continue
		}
		if _, hold := notes[s.ID].Held(); hold {
			held = append(held, s)
		} else {
			remove = append(remove, s)
		}
	}
	return remove, held, nil
}
