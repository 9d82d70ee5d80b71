package repo

import (
	"context"
	"encoding/binary"

	"autochrome/chunk"
)

// needs is which chunks snapshots need, and which of their rows.
//
// A chunk costs 30 to 38 bytes: what is kept of its id are 64 bits. Two ids
// that share them make one of them needed that is not; it stays, and nothing
// is lost. Entries are walked through, and kept by their whole ids.
type needs struct {
	walk  *walk
	whole map[uint64]struct{}
	parts map[uint64]rowSet // of chunks that nothing needs as a whole, yet
}

func (r *Repository) newNeeds() *needs {
	n := &needs{walk: newWalk(r.Load), whole: map[uint64]struct{}{}, parts: map[uint64]rowSet{}}
	n.walk.visit = func(kind chunk.Kind, run chunk.Run, whole bool) error {
		if kind == chunk.Collections || kind == chunk.Nodes {
			return nil // the walk has them
		}
		if !r.Has(run.Chunk) {
			return &DamagedError{Chunk: run.Chunk, Err: r.missing()}
		}
		key := shortID(run.Chunk)
		if _, ok := n.whole[key]; ok {
			return nil
		}
		if whole {
			n.whole[key] = struct{}{}
			delete(n.parts, key)
			return nil
		}
		n.parts[key] = n.parts[key].with(run.First, run.Count)
		return nil
	}
	return n
}

func shortID(id chunk.ID) uint64 { return binary.LittleEndian.Uint64(id[8:]) }

// add adds what a snapshot needs.
func (n *needs) add(ctx context.Context, s Snapshot) error { return n.walk.root(ctx, s.Root) }

func (n *needs) has(id chunk.ID) bool {
	if _, ok := n.walk.seen[id]; ok {
		return true
	}
	key := shortID(id)
	if _, ok := n.whole[key]; ok {
		return true
	}
	_, ok := n.parts[key]
	return ok
}

// waste is how many of n stored bytes of a chunk are, at least, in rows that
// nothing refers to. How many rows stand behind the last one that is needed is
// not known without reading the chunk.
func (n *needs) waste(id chunk.ID, stored int64) int64 {
	rows, ok := n.parts[shortID(id)]
	if !ok {
		rows, ok = n.walk.seen[id]
	}
	if !ok {
		return 0
	}
	used, last := rows.count()
	if last == 0 {
		return 0
	}
	return stored * int64(last-used) / int64(last)
}
