package snapshot

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// Stats is what snapshots take. All sizes are bytes as they are stored, without
// the directories of packs, indexes and records.
type Stats struct {
	Logical     int64 // if each collection of each snapshot were stored by itself
	Stored      int64 // of distinct chunks
	Chunks      int64 // distinct ones
	Snapshots   []SnapshotStats
	Collections []CollectionStats
	Kinds       []KindStats
}

// SnapshotStats is what one snapshot takes.
type SnapshotStats struct {
	Snapshot repo.Snapshot
	Logical  int64
	Alone    int64 // in chunks that no other snapshot needs
}

// CollectionStats is what the collections of one name take in all snapshots of
// a source.
type CollectionStats struct {
	Source, Name string
	Snapshots    int
	Logical      int64
	Stored       int64 // chunks that another collection needs too count for both
}

// KindStats is what the chunks of one kind take.
type KindStats struct {
	Kind   chunk.Kind
	Chunks int64
	Stored int64
}

// Measure goes through the trees of the snapshots and tells what those wanted
// take; nil means all. Only entries are read, no record: sizes come from the
// index. What is kept is some sixty bytes for each chunk.
func Measure(ctx context.Context, r *repo.Repository, list []repo.Snapshot, wanted func(repo.Snapshot) bool) (Stats, error) {
	m := &measure{repo: r, reader: tree.NewReader(r), owners: map[uint64]owner{}, kinds: map[chunk.Kind]*KindStats{}}
	out := Stats{}
	logical := make([]int64, len(list))
	parts, err := m.parts(ctx, list)
	if err != nil {
		return out, err
	}
	for _, part := range parts {
		c := CollectionStats{Source: part.source, Name: part.name}
		stored := map[uint64]struct{}{} // of the collection, in all wanted snapshots
		for _, in := range part.in {
			s := list[in.snapshot]
			counts := wanted == nil || wanted(s)
			once := map[uint64]struct{}{}
			err := m.chunks(ctx, s, in.collection, func(id chunk.ID) error {
				key := binary.LittleEndian.Uint64(id[8:])
				if _, ok := once[key]; ok {
					return nil
				}
				once[key] = struct{}{}
				size, kind, ok := r.ChunkSize(id)
				if !ok {
					return &repo.DamagedError{Chunk: id, Err: repo.ErrMissing}
				}
				m.own(key, in.snapshot, size)
				if !counts {
					return nil
				}
				logical[in.snapshot] += size
				c.Logical += size
				if _, ok := stored[key]; !ok {
					stored[key] = struct{}{}
					c.Stored += size
				}
				m.count(key, kind, size)
				return nil
			})
			if err != nil {
				return out, fmt.Errorf("%s: %w", s.DisplayID(), err)
			}
			if counts {
				c.Snapshots++
			}
		}
		if c.Name != "" && c.Snapshots > 0 {
			out.Collections = append(out.Collections, c)
		}
	}
	alone := make([]int64, len(list))
	for _, o := range m.owners {
		if !o.several {
			alone[o.snapshot] += int64(o.size)
		}
	}
	for i, s := range list {
		if wanted == nil || wanted(s) {
			out.Snapshots = append(out.Snapshots, SnapshotStats{s, logical[i], alone[i]})
			out.Logical += logical[i]
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(m.kinds)) {
		k := *m.kinds[kind]
		out.Kinds = append(out.Kinds, k)
		out.Stored += k.Stored
		out.Chunks += k.Chunks
	}
	return out, nil
}

type measure struct {
	repo   *repo.Repository
	reader *tree.Reader
	owners map[uint64]owner // by 64 bits of a chunk's id
	kinds  map[chunk.Kind]*KindStats
}

// owner is who needs a chunk.
type owner struct {
	snapshot int32
	size     uint32
	several  bool
	counted  bool
}

func (m *measure) own(key uint64, snapshot int, size int64) {
	o, known := m.owners[key]
	if !known {
		o = owner{snapshot: int32(snapshot), size: uint32(size)}
	}
	o.several = o.several || int(o.snapshot) != snapshot
	m.owners[key] = o
}

// count counts a chunk of a wanted snapshot once.
func (m *measure) count(key uint64, kind chunk.Kind, size int64) {
	o := m.owners[key]
	if o.counted {
		return
	}
	o.counted = true
	m.owners[key] = o
	k := m.kinds[kind]
	if k == nil {
		k = &KindStats{Kind: kind}
		m.kinds[kind] = k
	}
	k.Chunks++
	k.Stored += size
}

// part is the collections of one name in a source's snapshots. That without a
// name is the lists of collections.
type part struct {
	source, name string
	in           []occurrence
}

type occurrence struct {
	snapshot   int
	collection tree.Collection
}

func (m *measure) parts(ctx context.Context, list []repo.Snapshot) ([]*part, error) {
	byName := map[[2]string]*part{}
	add := func(source, name string, o occurrence) {
		p := byName[[2]string{source, name}]
		if p == nil {
			p = &part{source: source, name: name}
			byName[[2]string{source, name}] = p
		}
		p.in = append(p.in, o)
	}
	for i, s := range list {
		cs, err := m.reader.Collections(ctx, s.Root)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.DisplayID(), err)
		}
		add(s.Source, "", occurrence{snapshot: i})
		for _, c := range cs {
			add(s.Source, c.Name, occurrence{i, c})
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *part) int {
		return cmp.Or(strings.Compare(a.source, b.source), strings.Compare(a.name, b.name))
	}), nil
}

// chunks calls fn for each chunk that a collection needs, also again; without a
// name, for those of the list of collections.
func (m *measure) chunks(ctx context.Context, s repo.Snapshot, c tree.Collection, fn func(chunk.ID) error) error {
	if c.Name == "" {
		for _, run := range s.Root.Runs {
			if err := fn(run.Chunk); err != nil {
				return err
			}
		}
		return nil
	}
	if err := fn(c.Description); err != nil {
		return err
	}
	if c.Height == 0 {
		return nil
	}
	return m.entries(ctx, c.Height, c.Top.Runs, fn)
}

// entries goes through the entries of nodes of a level.
func (m *measure) entries(ctx context.Context, level int, runs []tree.Run, fn func(chunk.ID) error) error {
	kind := chunk.Nodes
	if level == 1 {
		kind = chunk.Groups
	}
	for _, run := range runs {
		if err := fn(run.Chunk); err != nil {
			return err
		}
		rows, err := m.reader.Rows(ctx, run.Chunk, kind)
		if err != nil {
			return err
		}
		if run.First < 0 || run.Count <= 0 || run.Count > rows.Len()-run.First {
			return fmt.Errorf("chunk %v: %w: a run beyond its rows", run.Chunk, chunk.ErrCorrupt)
		}
		for i := run.First; i < run.First+run.Count; i++ {
			entry, _ := rows.Row(i)
			err := chunk.References(kind, entry, func(k chunk.Kind, below chunk.Run, _ bool) error {
				if level > 1 {
					return m.entries(ctx, level-1, []tree.Run{below}, fn)
				}
				return fn(below.Chunk)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
