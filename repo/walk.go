package repo

import (
	"context"
	"fmt"
	"math/bits"

	"autochrome/chunk"
)

// walk goes through trees from their roots to all that they refer to. Entries
// that it has been through are not gone through again, so a snapshot that
// shares most of its tree with an earlier one costs what it does not share.
type walk struct {
	load func(context.Context, chunk.ID) ([]byte, error) // errLeaveOut: what is below is left out

	// visit is told of each run, also again; of entries, before they are gone
	// through.
	visit func(kind chunk.Kind, run chunk.Run, whole bool) error

	seen map[chunk.ID]rowSet // entries gone through, by chunk

	// last is the chunk that was last read at each depth: a change here and there
	// makes many short runs of one.
	last [maxDepth + 1]struct {
		id   chunk.ID
		rows *chunk.Rows
	}
}

func newWalk(load func(context.Context, chunk.ID) ([]byte, error)) *walk {
	return &walk{load: load, seen: map[chunk.ID]rowSet{}}
}

func (w *walk) root(ctx context.Context, root chunk.Root) error {
	for _, run := range root.Runs {
		if err := w.run(ctx, chunk.Collections, run, false, 0); err != nil {
			return err
		}
	}
	return nil
}

// maxDepth is beyond what 2^63 records need.
const maxDepth = 16

func (w *walk) run(ctx context.Context, kind chunk.Kind, run chunk.Run, whole bool, depth int) error {
	if err := w.visit(kind, run, whole); err != nil {
		return err
	}
	if kind != chunk.Collections && kind != chunk.Nodes {
		return nil
	}
	if w.seen[run.Chunk].all(run.First, run.Count) {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("chunk %v: %w: a tree of more than %d levels", run.Chunk, chunk.ErrCorrupt, maxDepth)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	rows, err := w.rows(ctx, run.Chunk, depth)
	if err == errLeaveOut {
		return nil
	}
	if err != nil {
		return err
	}
	if run.First < 0 || run.Count < 0 || run.Count > rows.Len()-run.First {
		return fmt.Errorf("chunk %v: %w: a run beyond its rows", run.Chunk, chunk.ErrCorrupt)
	}
	for i := run.First; i < run.First+run.Count; i++ {
		if w.seen[run.Chunk].all(i, 1) {
			continue
		}
		entry, _ := rows.Row(i)
		err := chunk.References(rows.Kind(), entry, func(kind chunk.Kind, run chunk.Run, whole bool) error {
			return w.run(ctx, kind, run, whole, depth+1)
		})
		if err != nil {
			return fmt.Errorf("chunk %v: %w", run.Chunk, err)
		}
		w.seen[run.Chunk] = w.seen[run.Chunk].with(i, 1) // only now: nothing below is left out
	}
	return nil
}

func (w *walk) rows(ctx context.Context, id chunk.ID, depth int) (*chunk.Rows, error) {
	last := &w.last[depth]
	if last.rows != nil && last.id == id {
		return last.rows, nil
	}
	b, err := w.load(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := chunk.DecodeRows(b)
	if err != nil {
		return nil, fmt.Errorf("chunk %v: %w", id, err)
	}
	last.id, last.rows = id, rows
	return rows, nil
}

// rowSet is a set of rows of one chunk, a bit each.
type rowSet []uint64

// all reports whether the set has these rows.
func (s rowSet) all(first, count int) bool {
	for i := first; i < first+count; i++ {
		if i/64 >= len(s) || s[i/64]>>(i%64)&1 == 0 {
			return false
		}
	}
	return true
}

// with adds rows, and gives the set, which may have moved.
func (s rowSet) with(first, count int) rowSet {
	if n := (first + count + 63) / 64; n > len(s) {
		s = append(s, make(rowSet, n-len(s))...)
	}
	for i := first; i < first+count; i++ {
		s[i/64] |= 1 << (i % 64)
	}
	return s
}

// count gives how many rows the set has, and the end of the last one.
func (s rowSet) count() (rows, end int) {
	for i, word := range s {
		if word != 0 {
			rows += bits.OnesCount64(word)
			end = 64*i + bits.Len64(word)
		}
	}
	return rows, end
}
