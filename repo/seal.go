package repo

import (
	"context"
	"maps"
	"slices"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

const (
	// sealAfter is how many records stand alone, each in a file of its own,
	// before they are put into a list; so many small lists are joined, too.
	sealAfter = 16

	// sealedAge is how old a list is at least before a record is removed from
	// where it stood before: longer than anybody takes to list a folder, so that
	// no listing shows neither of the two.
	sealedAge = time.Hour
)

// holder is a file of roots/ and the snapshots that it holds.
type holder struct {
	info      backend.Info
	list      bool
	point     bool
	snapshots []Snapshot
	goes      bool       // each of its snapshots is deleted or stands in a list that stays
	stay      []Snapshot // of those that are put into a list
}

// recordBytes is how much the records of h take in a list at the most.
func (h *holder) recordBytes() int64 {
	if h.list {
		return h.info.Size
	}
	return min(h.info.Size, maxRecord)
}

// before reports whether a record that stands in both is removed from h and not
// from o: lists stay, and of them the newer. So whoever removes one of the two,
// and whenever he saw them, it is never each of them.
func (h *holder) before(o *holder) bool {
	if h.list != o.list {
		return o.list
	}
	if !h.list {
		return false
	}
	if c := h.info.Modified.Compare(o.info.Modified); c != 0 {
		return c < 0
	}
	return h.info.Name < o.info.Name
}

// lookAtHolders finds out which files of roots/ may go.
func (p *prune) lookAtHolders(notes map[chunk.ID]Notes) {
	p.holders, p.holding, p.gone = map[string]*holder{}, map[chunk.ID][]*holder{}, map[chunk.ID]bool{}
	p.r.mu.RLock()
	defer p.r.mu.RUnlock()
	for name, f := range p.r.known.roots {
		_, list := parseList(name)
		_, point, _ := parseRoot(name)
		h := &holder{info: f.info, list: list, point: point, snapshots: f.snapshots}
		p.holders[name] = h
		for _, s := range f.snapshots {
			p.holding[s.ID] = append(p.holding[s.ID], h)
		}
	}
	for id, holders := range p.holding {
		// Once the records were removed, only those in point packs are left to go:
		// what is due since then can still be brought back.
		late := p.removed && slices.ContainsFunc(holders, func(h *holder) bool { return !h.point })
		p.gone[id] = notes[id].Deleted() && p.old(notes[id][KeyDeleted].Stored) && !late
	}
	for _, h := range p.holders {
		h.goes = len(h.snapshots) > 0 && !slices.ContainsFunc(h.snapshots, func(s Snapshot) bool {
			return !p.gone[s.ID] && !p.stands(s, h, max(p.o.Grace, sealedAge))
		})
	}
}

// stands reports whether a record stands in a list of at least this age that
// stays when h goes.
func (p *prune) stands(s Snapshot, h *holder, age time.Duration) bool {
	return slices.ContainsFunc(p.holding[s.ID], func(o *holder) bool {
		return o != h && o.list && h.before(o) && p.age(o.info.Modified) >= age
	})
}

// goesWhole reports whether every file that holds a snapshot goes.
func (p *prune) goesWhole(s Snapshot) bool {
	return !slices.ContainsFunc(p.holding[s.ID], func(h *holder) bool { return !h.goes })
}

// removeHolders removes the files of roots/ that go, but for point packs, which
// go as packs do. Annotations are read again before: a deletion may have been
// taken back.
func (p *prune) removeHolders(ctx context.Context) error {
	notes, err := p.r.Annotations(ctx)
	if err != nil {
		return err
	}
	p.removed = true
	for _, name := range slices.Sorted(maps.Keys(p.holders)) {
		h := p.holders[name]
		back := slices.ContainsFunc(h.snapshots, func(s Snapshot) bool {
			return !notes[s.ID].Deleted() && !p.stands(s, h, max(p.o.Grace, sealedAge))
		})
		if !h.goes || h.point || back {
			continue
		}
		if p.late() {
			return nil
		}
		if err := p.r.be.Remove(ctx, name); err != nil {
			return err
		}
		for _, s := range h.snapshots {
			if p.goesWhole(s) {
				p.report.Deleted++
			}
		}
	}
	return nil
}

// toSeal chooses what lists shall be made of: records that stand alone, small
// lists, and lists with records that are to go. All are older than the grace and
// than a mark lives: a writer may take back what it has just written.
func (p *prune) toSeal() {
	var alone, lists []*holder
	for _, name := range slices.Sorted(maps.Keys(p.holders)) {
		h := p.holders[name]
		stay := p.toList(h)
		if len(stay) == 0 || p.age(h.info.Modified) < max(p.o.Grace, markLife) {
			continue
		}
		switch {
		case !h.list:
			alone = append(alone, h)
		case len(stay) < len(h.snapshots):
			p.sealing = append(p.sealing, h)
		case len(stay) < maxListed/sealAfter && h.recordBytes() < maxListBytes/sealAfter:
			lists = append(lists, h)
		}
	}
	if len(alone) >= p.r.sealAfter {
		p.sealing = append(p.sealing, alone...)
	}
	if len(lists) >= p.r.sealAfter {
		p.sealing = append(p.sealing, lists...)
	}
	for _, h := range p.sealing {
		// What goes is known now: after records were removed, what became due
		// since stays.
		h.stay = p.toList(h)
		p.report.Plan.Seal += len(h.stay)
	}
}

// toList gives the snapshots of a file that stay and stand in no list that
// stays when it goes.
func (p *prune) toList(h *holder) []Snapshot {
	return slices.DeleteFunc(slices.Clone(h.snapshots), func(s Snapshot) bool { return p.gone[s.ID] || p.stands(s, h, 0) })
}

// seal writes lists. The files whose records stand in them now go with a later
// prune: see sealedAge. A snapshot whose record another prune removes at this
// moment comes back as what it is, a deleted one, and its record goes again. (To
// take the list back instead would be wrong: others may count on it already.)
func (p *prune) seal(ctx context.Context) error {
	for len(p.sealing) > 0 && !p.late() {
		var list []Snapshot
		size := int64(0)
		for len(p.sealing) > 0 && len(list) < maxListed/2 && size < maxListBytes {
			h := p.sealing[0]
			n := h.recordBytes()
			if len(list) > 0 && (len(list)+len(h.stay) > maxListed || size+n > longestList) {
				break
			}
			p.sealing = p.sealing[1:]
			size += n
			list = append(list, h.stay...)
		}
		slices.SortFunc(list, func(a, b Snapshot) int { return compareIDs(a.ID, b.ID) })
		list = slices.CompactFunc(list, func(a, b Snapshot) bool { return a.ID == b.ID })
		if len(list) == 0 {
			continue
		}
		if _, err := p.r.saveList(ctx, list); err != nil {
			return err
		}
		p.report.Sealed += len(list)
	}
	return nil
}
