package repo

import (
	"context"
	"errors"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

const (
	// indexTarget is where a merged index file is full, in bytes: some 200,000
	// chunks, which take 20 ms to read. Larger ones would cost memory.
	indexTarget = 8 << 20

	// indexSmall: files below are merged, when there are indexFiles of them.
	indexSmall = indexTarget / 8
	indexFiles = 16
)

// mergeIndexes replaces index files by others: those that name packs of drop,
// without these, and small ones, when there are as many as few. A new file is
// durable before those that it replaces are removed, and no file ever comes back
// under its name, so it does not matter who else does the same. It gives how
// many were replaced.
func (r *Repository) mergeIndexes(ctx context.Context, drop map[chunk.ID]bool, few int) (replaced int, err error) {
	infos, err := r.list(ctx, indexFolder)
	if err != nil {
		return 0, err
	}
	join := len(slices.DeleteFunc(slices.Clone(infos), isLarge))
	m := &merger{r: r, written: map[chunk.ID]bool{}, dropped: len(drop) > 0}
	for _, info := range infos {
		small := !isLarge(info) && join >= few
		if !small && len(drop) == 0 {
			continue
		}
		packs, err := r.readIndexFile(ctx, info)
		if errors.Is(err, backend.ErrNotExist) {
			continue // somebody else merged it
		}
		if err != nil {
			return m.replaced, notPruned(&DamagedFileError{info.Name, err})
		}
		if !small && !slices.ContainsFunc(packs, func(p index.Pack) bool { return drop[p.ID] }) {
			continue
		}
		packs = slices.DeleteFunc(packs, func(p index.Pack) bool { return drop[p.ID] })
		if err := m.add(ctx, info, packs); err != nil {
			return m.replaced, err
		}
	}
	err = m.flush(ctx)
	return m.replaced, err
}

func isLarge(info backend.Info) bool { return info.Size >= indexSmall }

// smallIndexes lists the index files that a merge would join.
func (r *Repository) smallIndexes(ctx context.Context) ([]backend.Info, error) {
	infos, err := r.list(ctx, indexFolder)
	return slices.DeleteFunc(infos, isLarge), err
}

// manyIndexes is how many index files a Writer leaves behind without merging the
// small ones: a prune that never comes shall not make opening slow.
const manyIndexes = 4 * indexFiles

// mergeMany merges index files where there are many. What was written stands
// whether it can or not, so the next one tries again.
func (r *Repository) mergeMany(ctx context.Context) {
	r.mu.RLock()
	many := len(r.known.indexFiles) >= manyIndexes
	r.mu.RUnlock()
	if many {
		_, _ = r.mergeIndexes(ctx, nil, manyIndexes)
	}
}

// merger writes index files.
type merger struct {
	r        *Repository
	packs    []index.Pack
	bytes    int64
	sources  []string          // whose packs are in packs, or in files already
	written  map[chunk.ID]bool // packs that stand in one of the new files
	dropped  bool              // whether packs are left out
	replaced int
}

func (m *merger) add(ctx context.Context, info backend.Info, packs []index.Pack) error {
	for _, p := range packs {
		if !m.written[p.ID] {
			m.written[p.ID] = true
			m.packs = append(m.packs, p)
		}
	}
	m.bytes += info.Size
	m.sources = append(m.sources, info.Name)
	if m.bytes < indexTarget {
		return nil
	}
	return m.flush(ctx)
}

func (m *merger) flush(ctx context.Context) error {
	if len(m.sources) == 0 || len(m.sources) == 1 && !m.dropped {
		return nil
	}
	if len(m.packs) > 0 {
		file := index.AppendFile(nil, m.packs)
		name := indexFile(index.FileName(file))
		if err := m.r.be.Save(ctx, name, file); err != nil {
			return err
		}
		m.r.addIndexed(name, m.packs)
	}
	for _, name := range m.sources {
		if err := m.r.be.Remove(ctx, name); err != nil {
			return err
		}
		m.replaced++
		if !m.dropped { // else Refresh shall read all anew, without what was dropped
			m.r.forgetIndexed(name)
		}
	}
	m.packs, m.sources, m.bytes = nil, nil, 0
	return nil
}

// forgetIndexed drops the name of an index file that was merged into another.
func (r *Repository) forgetIndexed(name string) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known.indexFiles, name)
}
