package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autochrome/chunk"
)

// Delete makes a snapshot count as gone: Snapshots and Find leave it out at
// once. Its record and what only it needs stay until prune removes them, and so
// long Undelete brings it back.
func (r *Repository) Delete(ctx context.Context, s Snapshot, why string) error {
	return r.Annotate(ctx, Annotation{Snapshot: s.ID, Key: KeyDeleted, Value: why})
}

// Undelete takes Delete back. ErrNoSnapshot when prune was faster.
//
// A prune may have read before that the snapshot is deleted, and be about to
// remove its record. So the record is written once more, into a list that no
// such prune knows; why it lacks nothing is said in format.md, 15.
func (r *Repository) Undelete(ctx context.Context, s Snapshot) error {
	if err := r.Annotate(ctx, Annotation{Snapshot: s.ID, Key: KeyDeleted, Removed: true}); err != nil {
		return err
	}
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	all, err := r.records(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(x Snapshot) bool { return x.ID == s.ID })
	if at < 0 {
		return fmt.Errorf("%v: %w: prune has removed it meanwhile", s, ErrNoSnapshot)
	}
	list, err := r.saveList(ctx, all[at:at+1])
	if err != nil {
		return err
	}
	if whole, err := r.standsStill(ctx, s.ID, list); whole || err != nil {
		return err
	}
	err = r.Write(ctx, func(w *Writer) error { return w.secure(ctx, s.Root, nil, true) })
	if d := new(DamagedError); !errors.As(err, &d) {
		return err
	}
	if e := r.be.Remove(context.WithoutCancel(ctx), list); e != nil {
		return fmt.Errorf("%v lacks something that prune has deleted meanwhile; and %s, which says that it is there, cannot be removed: %w", s, list, e)
	}
	return fmt.Errorf("%v: %w: prune has deleted what it needs meanwhile: %v", s, ErrNoSnapshot, err)
}

// standsStill reports whether a snapshot's record stands in another file than a
// list, and not only in point packs that are marked: so long no prune deletes
// what it needs.
func (r *Repository) standsStill(ctx context.Context, id chunk.ID, list string) (bool, error) {
	marks, err := r.readMarks(ctx)
	if err != nil {
		return false, err
	}
	if err := r.Refresh(ctx); err != nil {
		return false, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, f := range r.known.roots {
		pack, point, _ := parseRoot(name)
		marked := point && slices.ContainsFunc(marks, func(m mark) bool { return m.err != nil || slices.Contains(m.packs, pack) })
		if name != list && !marked && slices.ContainsFunc(f.snapshots, func(s Snapshot) bool { return s.ID == id }) {
			return true, nil
		}
	}
	return false, nil
}
