package repo

import (
	"context"
	"fmt"
)

// Delete makes a snapshot count as gone: Snapshots and Find leave it out at
// once. Its record and what only it needs stay until prune removes them, and so
// long Undelete brings it back.
func (r *Repository) Delete(ctx context.Context, s Snapshot, why string) error {
	return r.Annotate(ctx, Annotation{Snapshot: s.ID, Key: KeyDeleted, Value: why})
}

// Undelete takes Delete back. ErrNoSnapshot when prune was faster.
func (r *Repository) Undelete(ctx context.Context, s Snapshot) error {
	if err := r.Annotate(ctx, Annotation{Snapshot: s.ID, Key: KeyDeleted, Removed: true}); err != nil {
		return err
	}
	// Prune removes the record before what it needs; so what is seen now, after
	// the annotation, is whole.
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	list, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.ID == s.ID {
			return nil
		}
	}
	return fmt.Errorf("%v: %w: prune has removed it meanwhile", s, ErrNoSnapshot)
}
