package repo

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/index"
)

// secureTries bounds how often a Writer copies what is marked while it copies.
const secureTries = 10

// secure makes sure that nothing which a snapshot needs lies in packs that are
// to be deleted: from there it is copied into a new pack, with which it is
// durable. A SweptError when something is gone already. own is a point pack
// that is written next, or nil; clock says whether to ask for the time.
func (w *Writer) secure(ctx context.Context, root chunk.Root, own *packBuilder, clock bool) error {
	for range secureTries {
		if err := w.look(ctx, clock); err != nil {
			return err
		}
		lost, err := w.lost(ctx, root, own)
		if err != nil {
			return w.swept(ctx, err)
		}
		if len(lost) == 0 {
			return nil
		}
		for _, id := range lost {
			if err := w.keep(ctx, id); err != nil {
				return w.swept(ctx, err)
			}
		}
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("what the snapshot needs is marked for deletion again and again: is more than one prune without a grace running?")
}

// lost gives the chunks that a tree needs and that are in no pack which may be
// counted on.
func (w *Writer) lost(ctx context.Context, root chunk.Root, own *packBuilder) ([]chunk.ID, error) {
	w.mu.Lock()
	walk := w.standing.walk
	w.mu.Unlock()
	if walk == nil {
		walk = newWalk(w.Load)
	}
	var lost []chunk.ID
	seen := map[chunk.ID]bool{}
	walk.visit = func(_ chunk.Kind, run chunk.Run, _ bool) error {
		if !seen[run.Chunk] && !w.durable(run.Chunk, own) {
			seen[run.Chunk] = true
			lost = append(lost, run.Chunk)
		}
		return nil
	}
	if err := walk.root(ctx, root); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.standing.walk = nil
	if len(lost) == 0 {
		w.standing.walk = walk
	}
	return lost, nil
}

// swept tells what a prune deleted from what is damaged: where there is a mark,
// it was a prune.
func (w *Writer) swept(ctx context.Context, err error) error {
	d := new(DamagedError)
	if !errors.As(err, &d) || w.look(ctx, false) != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.standing.marks) == 0 {
		return err
	}
	return &SweptError{d.Chunk, err}
}

// keep copies a chunk as it is stored into a new pack.
func (w *Writer) keep(ctx context.Context, id chunk.ID) error {
	kind, stored, raw, err := w.r.loadStored(ctx, id)
	if err != nil {
		return err
	}
	return w.put(ctx, kind, id, stored, raw)
}

// durable reports whether a chunk is in a pack that may be counted on, or in
// own.
func (w *Writer) durable(id chunk.ID, own *packBuilder) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, pending := w.pending[id]
	return pending && p.pack == own || w.storedLocked(id)
}

// takeBack removes the file of a snapshot of which it cannot be said that it
// lacks nothing, and gives why.
func (w *Writer) takeBack(ctx context.Context, name string, err error) error {
	if e := w.r.be.Remove(context.WithoutCancel(ctx), name); e != nil {
		err = fmt.Errorf("%w; and %s, which may lack something, cannot be removed: %w", err, name, e)
	}
	w.r.mu.Lock()
	delete(w.r.known.roots, name)
	w.r.mu.Unlock()
	return w.fail(err)
}

// loadStored gives a chunk as it lies in a pack, after it was found to be what
// its id says, and the length of its canonical bytes.
func (r *Repository) loadStored(ctx context.Context, id chunk.ID) (kind chunk.Kind, stored []byte, raw int, err error) {
	for try := range 2 {
		err = error(&DamagedError{Chunk: id, Err: r.missing()})
		for _, at := range r.index().Copies(id) {
			if stored, raw, err = r.loadStoredAt(ctx, id, at); err == nil || !errors.Is(err, ErrDamaged) {
				return at.Kind, stored, raw, err
			}
		}
		if try == 0 { // another process may have moved it to another pack
			if err := r.Refresh(ctx); err != nil {
				return 0, nil, 0, err
			}
		}
	}
	return 0, nil, 0, err
}

func (r *Repository) loadStoredAt(ctx context.Context, id chunk.ID, at index.Location) (stored []byte, raw int, err error) {
	name := r.packName(at.Pack)
	size, _ := r.index().PackSize(at.Pack)
	for range 2 { // the store may have been at fault only once
		var b []byte
		if stored, err = r.reader.read(ctx, r.be, name, at, size, new([]byte)); err == nil {
			if b, err = r.decode(at.Kind, id, stored); err == nil {
				return stored, len(b), nil
			}
		}
		if !isDamage(err) {
			return nil, 0, err
		}
		r.reader.forget(at.Pack)
	}
	return nil, 0, &DamagedError{Chunk: id, Pack: name, Offset: at.Offset, Err: err}
}
