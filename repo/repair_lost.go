package repo

import (
	"context"
	"errors"

	"autochrome/chunk"
)

// Losses are chunks that snapshots need and that neither the repository nor the
// copy has, and by whom the others are had.
type Losses struct {
	Chunks map[chunk.ID]chunk.Kind // Nodes stands for Groups, too
	List   []Snapshot
	Has    func(chunk.ID) bool // whether the repository has a chunk, and it is not damaged
	// Load gives what anybody has.
	Load func(context.Context, chunk.ID) ([]byte, error)
}

// errLeaveOut says that a walk cannot go further here.
var errLeaveOut = errors.New("left out")

// lookForLost finds what snapshots need and this repository does not have, and
// who has it.
func (p *packRepair) lookForLost(ctx context.Context) error {
	for sought := map[chunk.ID]bool{}; ; {
		order, lost, err := p.walkLost(ctx)
		if err != nil {
			return err
		}
		if p.noIndex && len(order)+len(p.missing) > 0 {
			return ErrIndexFirst
		}
		more, err := p.seek(ctx, lost, sought)
		if err != nil {
			return err
		}
		if !more {
			return p.share(ctx, order)
		}
	}
}

// walkLost walks all trees, also through what somebody else has of them.
func (p *packRepair) walkLost(ctx context.Context) (order []chunk.ID, lost map[chunk.ID]chunk.Kind, err error) {
	lost = map[chunk.ID]chunk.Kind{}
	w := newWalk(func(ctx context.Context, id chunk.ID) ([]byte, error) {
		b, err := p.load(ctx, id)
		if errors.Is(err, ErrDamaged) {
			return nil, errLeaveOut
		}
		return b, err
	})
	w.visit = func(kind chunk.Kind, run chunk.Run, _ bool) error {
		if _, known := lost[run.Chunk]; !known && p.health.Chunk(run.Chunk) != nil {
			lost[run.Chunk] = kind
			order = append(order, run.Chunk)
		}
		return nil
	}
	for _, s := range p.list {
		if err := w.root(ctx, s.Root); err != nil {
			return nil, nil, err
		}
	}
	return order, lost, nil
}

// load gives what anybody has, or a DamagedError.
func (p *packRepair) load(ctx context.Context, id chunk.ID) ([]byte, error) {
	b, err := p.r.Load(ctx, id)
	if err == nil || !errors.Is(err, ErrDamaged) {
		return b, err
	}
	other, _, e := p.elsewhere(ctx, id)
	if errors.Is(e, ErrMissing) {
		return nil, err
	}
	return other, e
}

// seek has what is lost and was not sought before looked for, also what was found
// by the way, and reports whether parts of trees were found, under which more may
// be lost.
func (p *packRepair) seek(ctx context.Context, lost map[chunk.ID]chunk.Kind, sought map[chunk.ID]bool) (more bool, err error) {
	if p.o.Seek == nil {
		return false, nil
	}
	l := Losses{Chunks: map[chunk.ID]chunk.Kind{}, List: p.list, Load: p.load,
		Has: func(id chunk.ID) bool { return p.health.Chunk(id) == nil }}
	for id, kind := range lost {
		if sought[id] {
			continue
		}
		sought[id] = true
		_, found, err := p.elsewhere(ctx, id)
		if err != nil && !errors.Is(err, ErrMissing) {
			return false, err
		}
		if err != nil || found {
			l.Chunks[id] = kind
		}
	}
	if len(l.Chunks) == 0 {
		return false, nil
	}
	if err := p.o.Seek(ctx, l); err != nil {
		return false, err
	}
	for id, kind := range l.Chunks {
		if kind != chunk.Collections && kind != chunk.Nodes {
			continue
		}
		if _, _, err := p.elsewhere(ctx, id); err == nil {
			more = true
		} else if !errors.Is(err, ErrMissing) {
			return false, err
		}
	}
	return more, nil
}

// share notes what is to be fetched, and counts what stays lost.
func (p *packRepair) share(ctx context.Context, order []chunk.ID) error {
	for _, id := range order {
		_, found, err := p.elsewhere(ctx, id)
		switch {
		case err == nil:
			p.fetch = append(p.fetch, id)
			if found {
				p.plan.Found++
			}
		case errors.Is(err, ErrMissing):
			p.plan.Lost++
		default:
			return err
		}
	}
	p.plan.Fetch = len(p.fetch)
	return nil
}

// elsewhere gives canonical bytes, whose hash is their id, of a chunk that the
// repository does not have, and whether they were found and not copied.
// ErrMissing where nobody has it.
func (p *packRepair) elsewhere(ctx context.Context, id chunk.ID) (b []byte, found bool, err error) {
	if p.o.Copy != nil {
		b, err := p.o.Copy.Load(ctx, id)
		if err == nil || !errors.Is(err, ErrDamaged) {
			return b, false, err
		}
	}
	if p.o.Find != nil {
		b, err := p.o.Find(ctx, id)
		if err != nil {
			return nil, false, err
		}
		if p.r.hasher.ID(b) == id {
			return b, true, nil
		}
	}
	return nil, false, ErrMissing
}
