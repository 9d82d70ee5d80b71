package repo

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

const (
	// smallShare: packs below this part of a full one are small, and joined
	// when there are smallPacks of them: so each byte is copied a few times in
	// its life at most.
	smallShare = 4
	smallPacks = 8
)

// look finds out what is there and what is needed. The order is that of the
// proof in format.md: marks, then snapshots, then packs.
func (p *prune) look(ctx context.Context) (err error) {
	p.needs = p.r.newNeeds()
	if err := p.lookAgain(ctx); err != nil {
		return err
	}
	p.toSeal()
	small, err := p.r.smallIndexes(ctx)
	if len(small) >= indexFiles {
		p.report.Plan.Indexes = len(small)
	}
	return err
}

// lookAgain adds what came since. What was needed before stays so.
func (p *prune) lookAgain(ctx context.Context) (err error) {
	if p.now, err = p.r.be.Now(ctx); err != nil {
		if !p.o.DryRun || !errors.Is(err, backend.ErrReadOnly) {
			return err
		}
		p.now = time.Now() // nothing depends on it
	}
	if p.marks, err = p.r.readMarks(ctx); err != nil {
		return err
	}
	if err := p.r.Refresh(ctx); err != nil {
		return err
	}
	if err := p.lookAtSnapshots(ctx); err != nil {
		if errors.Is(err, ErrDamaged) {
			err = notPruned(err)
		}
		return err
	}
	return p.lookAtPacks(ctx)
}

// age is how long ago the store got something.
func (p *prune) age(modified time.Time) time.Duration { return p.now.Sub(modified) }

// old reports whether the grace is over for what the store got then. (Its clock
// may be rounded down, so that without a grace it does not tell.)
func (p *prune) old(modified time.Time) bool { return p.o.Grace == 0 || p.age(modified) >= p.o.Grace }

func (p *prune) lookAtSnapshots(ctx context.Context) error {
	list, err := p.r.records(ctx)
	if err != nil {
		return err
	}
	notes, err := p.r.Annotations(ctx)
	if err != nil {
		return err
	}
	if damaged := p.r.Damaged(); len(damaged) > 0 {
		return damaged[0]
	}
	for _, m := range p.marks {
		if m.err != nil && p.age(m.info.Modified) < markLife {
			return &DamagedFileError{m.info.Name, m.err}
		}
	}
	p.lookAtHolders(notes)
	p.deleted, p.due, p.snapshots = p.r.newNeeds(), 0, 0
	for _, s := range list {
		switch {
		case !notes[s.ID].Deleted():
			p.snapshots++
			err = p.needs.add(ctx, s)
		case p.leaves(s):
			p.due++
		default:
			if p.goesWhole(s) {
				p.due++
			}
			// It may lack something: see seal.
			if err = p.deleted.add(ctx, s); errors.Is(err, ErrDamaged) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaves reports whether a deleted snapshot's record goes before any pack does
// that it needs. In a point pack it stands until the grace is over for the mark:
// so long the snapshot can be brought back.
func (p *prune) leaves(s Snapshot) bool {
	return p.goesWhole(s) && !slices.ContainsFunc(p.holding[s.ID], func(h *holder) bool {
		id, _, _ := parseRoot(h.info.Name)
		return h.point && !slices.ContainsFunc(p.marks, func(m mark) bool {
			return p.old(m.info.Modified) && slices.Contains(m.packs, id)
		})
	})
}

func (p *prune) lookAtPacks(ctx context.Context) error {
	listed, err := p.r.listPacks(ctx)
	if err != nil {
		return err
	}
	p.packs = make(map[chunk.ID]*packUse, len(listed))
	for id, info := range listed {
		_, point, _ := parseRoot(info.Name)
		p.packs[id] = &packUse{
			size: info.Size, exists: true, point: point,
			young: !p.old(info.Modified),
			goes:  point && p.holders[info.Name] != nil && p.holders[info.Name].goes,
		}
	}
	for _, m := range p.marks {
		for _, id := range m.packs {
			if u := p.packs[id]; u != nil {
				u.marked = true
			}
		}
	}
	return nil
}

// home gives the pack that a chunk is taken from: of those that have it the
// largest in packs/. All prunes that see the same packs choose the same.
func (p *prune) home(copies []index.Location) (at index.Location, ok bool) {
	rank := func(at index.Location) (int, int64) {
		u := p.packs[at.Pack]
		if u.point {
			return 0, u.size
		}
		return 1, u.size
	}
	for _, c := range copies {
		if u := p.packs[c.Pack]; u == nil || !u.usable() {
			continue
		}
		if !ok {
			at, ok = c, true
			continue
		}
		a, as := rank(c)
		b, bs := rank(at)
		if cmp.Or(cmp.Compare(a, b), cmp.Compare(as, bs), compareIDs(c.Pack, at.Pack)) > 0 {
			at = c
		}
	}
	return at, ok
}

// exists reports whether any pack that exists has a chunk.
func (p *prune) exists(copies []index.Location) bool {
	return slices.ContainsFunc(copies, func(at index.Location) bool {
		u := p.packs[at.Pack]
		return u != nil && u.exists
	})
}

// plan says what to do. A chunk that is needed and is in no pack is damage.
func (p *prune) plan() error {
	plan := &p.report.Plan
	var missing *DamagedError
	p.r.index().EachChunk(func(id chunk.ID, copies []index.Location) bool {
		needed := p.needs.has(id)
		home, found := p.home(copies)
		exists := p.exists(copies)
		if needed && !exists {
			missing = &DamagedError{Chunk: id, Pack: packFile(copies[0].Pack), Err: ErrMissing}
			return false
		}
		if exists && !found && (needed || p.deleted.has(id)) {
			plan.Rescue += copies[0].Length
		}
		for _, c := range copies {
			u := p.packs[c.Pack]
			switch {
			case u == nil:
			case needed && found && c == home:
				u.need += c.Length
			default:
				u.unused += c.Length
			}
		}
		if needed {
			plan.Needed += copies[0].Length
			plan.RowWaste += p.needs.waste(id, copies[0].Length)
		}
		return true
	})
	if missing != nil {
		return notPruned(missing)
	}
	plan.Snapshots, plan.Deleted = p.snapshots, p.due
	p.planMarks()
	p.planPacks()
	return nil
}

// planMarks counts the packs that are marked already.
func (p *prune) planMarks() {
	plan := &p.report.Plan
	counted := map[chunk.ID]bool{}
	for _, due := range []bool{true, false} {
		for _, m := range p.marks {
			if due != p.old(m.info.Modified) {
				continue
			}
			for _, id := range m.packs {
				if u := p.packs[id]; u != nil && !counted[id] {
					counted[id] = true
					if due {
						plan.Sweep.add(u.size)
					} else {
						plan.Waiting.add(u.size)
					}
				}
			}
		}
	}
}

// planPacks chooses the packs to mark, and those to copy from before.
func (p *prune) planPacks() {
	plan := &p.report.Plan
	var small, rest []chunk.ID
	for id, u := range p.packs {
		plan.All.add(u.size)
		switch {
		case u.marked:
		case u.young:
			plan.Young += u.unused
		case u.point && !u.goes:
			plan.Unused += u.unused
		case u.need == 0:
			p.dead = append(p.dead, id)
			plan.Mark.add(u.size)
		case u.goes:
			p.repack = append(p.repack, id)
		case u.size < int64(p.r.packTarget/smallShare):
			small = append(small, id)
			plan.Unused += u.unused
		default:
			rest = append(rest, id)
			plan.Unused += u.unused
		}
	}
	if len(small) >= smallPacks {
		for _, id := range small {
			plan.Unused -= p.packs[id].unused
		}
		p.repack = append(p.repack, small...)
	} else {
		rest = append(rest, small...)
	}
	// The most wasteful first.
	share := func(id chunk.ID) float64 { return float64(p.packs[id].unused) / float64(p.packs[id].size) }
	slices.SortFunc(rest, func(a, b chunk.ID) int {
		return cmp.Or(-cmp.Compare(share(a), share(b)), compareIDs(a, b))
	})
	limit := p.o.MaxUnused(plan.All.Bytes)
	for _, id := range rest {
		if plan.Unused <= limit || p.packs[id].unused == 0 {
			break
		}
		plan.Unused -= p.packs[id].unused
		p.repack = append(p.repack, id)
	}
	for _, id := range p.repack {
		plan.Repack.add(p.packs[id].size)
		plan.Copy += p.packs[id].need
	}
	slices.SortFunc(p.dead, compareIDs)
}
