package repo

import (
	"cmp"
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
	if err := p.sweepPoints(ctx, gone); err != nil || p.late() {
		return err
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

// sweepPoints deletes point packs before all else: while a record stands, what
// it needs is there. The newest go first, since a point may need an older one.
func (p *prune) sweepPoints(ctx context.Context, gone map[chunk.ID]bool) error {
	var points []*holder
	for id := range gone {
		if h := p.holders[pointFile(id)]; h != nil && p.packs[id] != nil {
			points = append(points, h)
		}
	}
	slices.SortFunc(points, func(a, b *holder) int {
		return cmp.Or(-a.info.Modified.Compare(b.info.Modified), cmp.Compare(a.info.Name, b.info.Name))
	})
	for _, h := range points {
		id, _, _ := parseRoot(h.info.Name)
		if err := p.sweepPack(ctx, id); err != nil || p.late() {
			return err
		}
	}
	return nil
}

// sweepPack deletes a pack that is there.
func (p *prune) sweepPack(ctx context.Context, id chunk.ID) error {
	u := p.packs[id]
	if u == nil || !u.exists {
		return nil
	}
	if err := p.r.be.Remove(ctx, p.r.packName(id)); err != nil {
		return err
	}
	u.exists = false
	p.report.Swept.add(u.size)
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
		if !gone[id] {
			continue
		}
		if p.late() {
			return nil
		}
		if err := p.sweepPack(ctx, id); err != nil {
			return err
		}
	}
	stays := slices.ContainsFunc(m.packs, func(id chunk.ID) bool { return p.packs[id] != nil && p.packs[id].exists })
	if stays || p.age(m.info.Modified) < markLife {
		return nil
	}
	return p.r.be.Remove(ctx, m.info.Name)
}
