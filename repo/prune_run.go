package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// repackRound is how many packs are copied from before they are marked: what
// is interrupted has lost the copying of so many at most.
const repackRound = 32

// run carries out the plan. Space is freed first, then what will free more.
func (p *prune) run(ctx context.Context) error {
	steps := []func(context.Context) error{p.removeHolders, p.sweep, p.mark, p.copyAndMark}
	if p.o.Grace == 0 {
		steps = append(steps, p.sweep) // what was marked just now
	}
	steps = append(steps, p.seal, p.merge)
	for _, step := range steps {
		if p.late() {
			return nil
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mark marks the packs that nothing needs.
func (p *prune) mark(ctx context.Context) error {
	return p.saveMarks(ctx, p.dead)
}

func (p *prune) saveMarks(ctx context.Context, packs []chunk.ID) error {
	// What another prune has marked or deleted meanwhile is its business.
	packs = slices.DeleteFunc(slices.Clone(packs), func(id chunk.ID) bool { return p.packs[id] == nil || p.packs[id].marked })
	if _, err := p.r.saveMarks(ctx, packs); err != nil {
		return err
	}
	for _, id := range packs {
		p.report.Marked.add(p.packs[id].size)
	}
	return nil
}

// copyAndMark copies what is needed out of packs, makes the copies durable, and
// marks the packs.
func (p *prune) copyAndMark(ctx context.Context) error {
	if len(p.repack) == 0 {
		return nil
	}
	return p.r.Write(ctx, func(w *Writer) error {
		var copied []chunk.ID
		for i, id := range p.repack {
			if err := p.copyPack(ctx, w, id); err != nil {
				return err
			}
			copied = append(copied, id)
			last := i == len(p.repack)-1 || p.late()
			if !last && len(copied) < repackRound {
				continue
			}
			if err := w.Flush(ctx); err != nil {
				return err
			}
			if err := p.saveMarks(ctx, copied); err != nil {
				return err
			}
			copied = nil
			if last {
				break
			}
		}
		return nil
	})
}

// copyPack copies the chunks that are taken from a pack, in their order there.
func (p *prune) copyPack(ctx context.Context, w *Writer, id chunk.ID) error {
	return p.eachEntry(ctx, id, func(e index.Entry) error {
		if !p.needs.has(e.ID) {
			return nil
		}
		if at, ok := p.home(p.r.index().Copies(e.ID)); !ok || at.Pack != id {
			return nil
		}
		return p.keep(ctx, w, e)
	})
}

// keep copies a chunk into a new pack.
func (p *prune) keep(ctx context.Context, w *Writer, e index.Entry) error {
	err := w.keep(ctx, e.ID)
	if errors.Is(err, ErrDamaged) {
		return notPruned(err)
	}
	if err == nil {
		p.report.Copied += int64(e.Length)
	}
	return err
}

// eachEntry calls fn for the chunks of a pack that is there, as the pack itself
// names them.
func (p *prune) eachEntry(ctx context.Context, id chunk.ID, fn func(index.Entry) error) error {
	u, name := p.packs[id], p.r.packName(id)
	if u == nil {
		return nil // another prune has deleted it
	}
	entries, _, err := readDirectory(ctx, p.r.be, p.r.envelope, name, u.size)
	if errors.Is(err, backend.ErrNotExist) {
		return nil
	}
	if err != nil && isDamage(err) && u.marked {
		entries, err = p.r.entriesOf(id), nil // what nobody knows of nobody needs
	}
	if err != nil && isDamage(err) {
		return notPruned(&DamagedFileError{name, err})
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Kind == index.Record {
			continue
		}
		if err := fn(e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// merge joins small index files.
func (p *prune) merge(ctx context.Context) error {
	n, err := p.r.mergeIndexes(ctx, nil, indexFiles)
	p.report.Indexes += n
	return err
}
