package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// IndexRepair says what making the index whole takes.
type IndexRepair struct {
	Remove     []string  `json:"remove"`      // index files that are damaged
	Add        PackCount `json:"add"`         // packs that no good index file names
	Chunks     int       `json:"add_chunks"`  // in these
	Missing    []string  `json:"missing"`     // packs that the index names and that are not there: it forgets them
	Unreadable []string  `json:"unreadable"`  // packs of no good index file whose own directory is damaged
	Index      []string  `json:"index_files"` // written; none in a plan
}

// Empty reports whether there is nothing to do.
func (x IndexRepair) Empty() bool {
	return len(x.Remove) == 0 && x.Add.Packs == 0 && len(x.Missing) == 0
}

// repairEntries is about how many entries an index file of RepairIndex has, as
// much as is held in memory.
const repairEntries = 200_000

// RepairIndex makes the index whole from the packs' own directories: packs that
// no good index file names are named by new ones, then index files that are
// damaged are removed, and packs that are not there are forgotten. Packs that
// are marked for deletion are named too: what is in them may be needed again,
// and is copied out before they go. planned is told what it takes before
// anything is changed; its error, which is returned, ends it there. It may be
// interrupted, and run beside others.
func (r *Repository) RepairIndex(ctx context.Context, planned func(IndexRepair) error) (IndexRepair, error) {
	x := IndexRepair{Remove: []string{}, Missing: []string{}, Unreadable: []string{}, Index: []string{}}
	if err := r.Refresh(ctx); err != nil {
		return x, err
	}
	packs, err := r.listPacks(ctx)
	if err != nil {
		return x, err
	}
	for _, err := range r.Damaged() {
		if d := new(DamagedFileError); errors.As(err, &d) && strings.HasPrefix(d.File, indexFolder) {
			x.Remove = append(x.Remove, d.File)
		}
	}
	drop := map[chunk.ID]bool{}
	for _, id := range r.index().Packs() {
		if _, ok := packs[id]; !ok {
			drop[id] = true
			x.Missing = append(x.Missing, r.packName(id))
		}
	}
	add, err := r.unindexed(ctx, packs, &x)
	if err != nil {
		return x, err
	}
	if err := planned(x); err != nil || x.Empty() {
		return x, err
	}
	if err := r.writeIndexOf(ctx, add, &x); err != nil {
		return x, err
	}
	for _, name := range x.Remove {
		if err := r.be.Remove(ctx, name); err != nil && !errors.Is(err, backend.ErrNotExist) {
			return x, err
		}
	}
	if len(drop) > 0 {
		if _, err := r.mergeIndexes(ctx, drop, indexFiles); err != nil {
			return x, err
		}
	}
	return x, r.Refresh(ctx)
}

// unindexed gives the packs that the index does not know and whose directories
// can be read.
func (r *Repository) unindexed(ctx context.Context, packs map[chunk.ID]backend.Info, x *IndexRepair) (add []backend.Info, err error) {
	for _, id := range slices.SortedFunc(maps.Keys(packs), func(a, b chunk.ID) int { return strings.Compare(a.String(), b.String()) }) {
		info := packs[id]
		if _, known := r.index().PackSize(id); known || !strings.HasPrefix(info.Name, packsFolder) {
			continue
		}
		entries, _, err := readDirectory(ctx, r.be, r.envelope, info.Name, info.Size)
		if err != nil && isDamage(err) {
			x.Unreadable = append(x.Unreadable, info.Name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", info.Name, err)
		}
		x.Add.add(info.Size)
		x.Chunks += len(entries)
		add = append(add, info)
	}
	return add, nil
}

// writeIndexOf writes index files that name packs.
func (r *Repository) writeIndexOf(ctx context.Context, infos []backend.Info, x *IndexRepair) error {
	var packs []index.Pack
	n := 0
	for i, info := range infos {
		id, _ := parsePack(info.Name)
		entries, _, err := readDirectory(ctx, r.be, r.envelope, info.Name, info.Size)
		if err != nil {
			return fmt.Errorf("%s: %w", info.Name, err)
		}
		packs = append(packs, index.Pack{ID: id, Size: info.Size, Entries: entries})
		if n += len(entries); n < repairEntries && i < len(infos)-1 {
			continue
		}
		file := index.AppendFile(nil, packs)
		name := indexFile(index.FileName(file))
		if err := r.be.Save(ctx, name, file); err != nil {
			return err
		}
		r.addIndexed(name, packs)
		x.Index = append(x.Index, name)
		packs, n = nil, 0
	}
	return nil
}
