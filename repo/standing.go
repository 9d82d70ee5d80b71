package repo

import (
	"context"
	"fmt"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// standing is what a Writer may count on: packs that existed and were not
// marked when it began, and its own. Another prune may mark any of them at any
// time; marks stay for markLife, so looking at them again before and after a
// snapshot is written shows what was deleted in between.
type standing struct {
	since time.Time         // by the store's clock; marks and packs were listed after it
	marks map[string]bool   // that were looked at
	alive map[chunk.ID]bool // packs
	walk  *walk             // of the snapshots that were found to lack nothing
}

// begin looks at all packs there are.
func (w *Writer) begin(ctx context.Context) error {
	since, err := w.r.be.Now(ctx)
	if err != nil {
		return err
	}
	marks, err := w.r.readMarks(ctx)
	if err != nil {
		return err
	}
	if err := w.r.Refresh(ctx); err != nil {
		return err
	}
	// A pack that an index names may be gone all the same: somebody deleted it,
	// or a prune that was suspended for long wrote the index late.
	packs, err := w.r.listPacks(ctx)
	if err != nil {
		return err
	}
	known := w.r.index()
	alive := make(map[chunk.ID]bool, len(packs))
	for id := range packs {
		if _, ok := known.PackSize(id); ok {
			alive[id] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.done {
		_, alive[p.ID] = packs[p.ID]
	}
	w.standing = standing{since: since, marks: map[string]bool{}, alive: alive}
	return w.take(marks)
}

// take counts on marked packs no more. w.mu is held.
func (w *Writer) take(marks []mark) error {
	for _, m := range marks {
		if m.err != nil {
			return &DamagedFileError{m.info.Name, fmt.Errorf("%w; which packs it marks for deletion is not known: a prune takes it away when it is a day old", m.err)}
		}
		if w.standing.marks[m.info.Name] {
			continue
		}
		w.standing.marks[m.info.Name] = true
		for _, id := range m.packs {
			delete(w.standing.alive, id)
		}
		w.standing.walk = nil
	}
	return nil
}

// look looks at the marks again. It is late when half of their life is over
// since the Writer began: then all packs are looked at.
func (w *Writer) look(ctx context.Context, clock bool) error {
	marks, err := w.r.readMarks(ctx)
	if err != nil {
		return err
	}
	if clock { // after the marks were listed, so that none was missed until then
		now, err := w.r.be.Now(ctx)
		if err != nil {
			return err
		}
		if now.Sub(w.standing.since) > markLife/2 || now.Before(w.standing.since) {
			return w.begin(ctx)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.take(marks)
}

// listPacks lists the packs that exist, wherever they stand.
func (r *Repository) listPacks(ctx context.Context) (map[chunk.ID]backend.Info, error) {
	packs := map[chunk.ID]backend.Info{}
	err := r.be.List(ctx, packsFolder, func(info backend.Info) error {
		if id, ok := parsePack(info.Name); ok {
			packs[id] = info
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for name, f := range r.known.roots {
		if id, point, ok := parseRoot(name); ok && point {
			packs[id] = f.info
		}
	}
	return packs, nil
}
