package repo

import (
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
)

// sweep deletes the packs that were marked at least the grace ago. Every
// snapshot is read again before, and what is needed again is copied out: a
// mark is not taken back (see mark.go).
func (p *prune) sweep(ctx context.Context) (err error) {
	if p.marks, err = p.r.readMarks(ctx); err != nil {
		return err
	}
	if !slices.ContainsFunc(p.marks, func(m mark) bool { return p.old(m.info.Modified) }) {
		return nil
	}
	if err := p.lookAgain(ctx); err != nil {
		return err
	}
	var due []mark
	gone := map[chunk.ID]bool{}
	for _, m := range p.marks {
		if !p.old(m.info.Modified) {
			continue
		}
		due = append(due, m)
		for _, id := range m.packs {
			// A point pack of a snapshot that was brought back stays.
			if u := p.packs[id]; u == nil || !u.point || u.goes {
				gone[id] = true
			}
		}
	}
	if len(due) == 0 {
		return nil
	}
	if err := p.rescue(ctx, gone); err != nil {
		return err
	}
	if p.late() {
		return nil
	}
	n, err := p.r.mergeIndexes(ctx, gone, indexFiles)
	p.report.Indexes += n
	if err != nil {
		return err
	}
	for _, m := range due {
		if err := p.sweepMark(ctx, m, gone); err != nil || p.late() {
			return err
		}
	}
	return nil
}

// rescue copies what is needed, and is only in packs that are marked, out of
// those that go. Snapshots that were deleted count here as long as their records
// stand: they can be brought back.
func (p *prune) rescue(ctx context.Context, gone map[chunk.ID]bool) error {
	return p.r.Write(ctx, func(w *Writer) error {
		for id := range gone {
			if u := p.packs[id]; u == nil || !u.exists {
				continue
			}
			err := p.eachEntry(ctx, id, func(e index.Entry) error {
				if !p.needs.has(e.ID) && !p.deleted.has(e.ID) {
					return nil
				}
				if _, ok := p.home(p.r.index().Copies(e.ID)); ok {
					return nil
				}
				return p.keep(ctx, w, e)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepMark deletes the packs of a mark, and the mark when it is old enough to
// have been seen by all who began before.
func (p *prune) sweepMark(ctx context.Context, m mark, gone map[chunk.ID]bool) error {
	for _, id := range m.packs {
		u := p.packs[id]
		if u == nil || !u.exists || !gone[id] {
			continue
		}
		if p.late() {
			return nil
		}
		if err := p.r.be.Remove(ctx, p.r.packName(id)); err != nil {
			return err
		}
		u.exists = false
		p.report.Swept.add(u.size)
	}
	stays := slices.ContainsFunc(m.packs, func(id chunk.ID) bool { return p.packs[id] != nil && p.packs[id].exists })
	if stays || p.age(m.info.Modified) < markLife {
		return nil
	}
	return p.r.be.Remove(ctx, m.info.Name)
}
