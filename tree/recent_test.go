package tree

import (
	"context"
	"testing"

	"autochrome/chunk"
)

// reusing is a store whose chunks are given in memory that is used again, as the
// repository gives them.
type reusing struct{ *memStore }

func (s reusing) LoadWith(ctx context.Context, id chunk.ID, alloc func(int) []byte) ([]byte, error) {
	b, err := s.memStore.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	into := alloc(len(b))
	for i := range into[:cap(into)] {
		into[:cap(into)][i] = 0xdb // what is still used of it shows
	}
	return append(into[:0], b...), nil
}

// keptRows is a Recent that has forgotten some of it.
type keptRows struct {
	*maker
	chunks map[chunk.ID]*chunk.Rows
	given  int
	spoilt bool // what it gives is wrong
}

func (k *keptRows) Add(id chunk.ID, rows *chunk.Rows) {
	copied := chunk.NewRows(rows.Kind(), rows.Dim())
	copied.AppendRows(rows, 0, rows.Len())
	k.chunks[id] = copied
}

func (k *keptRows) AppendTo(rows *chunk.Rows, run Run) bool {
	have, ok := k.chunks[run.Chunk]
	if !ok || k.IntN(3) == 0 {
		return false
	}
	if rows.Len() == 0 {
		rows.Reset(have.Dim())
	}
	k.given++
	if k.spoilt {
		run.First = (run.First + 1) % (have.Len() - run.Count + 1)
	}
	rows.AppendRows(have, run.First, run.Count)
	return true
}

// TestApplierAgain changes a collection again and again with one Applier, that
// takes its memory again after each chunk, and with rows that were kept and
// forgotten again. What comes out is what building afresh gives.
func TestApplierAgain(t *testing.T) {
	t.Parallel()
	r := random(t)
	m := &maker{Rand: r, dim: 3}
	for range 10 {
		s := reusing{newMemStore()}
		recs := m.records(300 + r.IntN(2000))
		c := buildFresh(t, r, s, m.dim, recs)
		kept := &keptRows{maker: m, chunks: map[chunk.ID]*chunk.Rows{}}
		x := NewApplier(s, kept)
		x.reader.most = 1 + r.IntN(20_000)
		x.reader.spare.least = 1
		for range 40 {
			splices := m.scattered(recs)
			if r.IntN(4) == 0 {
				splices = m.splices(recs, 4)
			}
			recs = applyTo(recs, splices)
			var err error
			if c.Height, c.Top, err = x.Apply(t.Context(), c, m.dim, asSplices(splices, m.dim)); err != nil {
				t.Fatal(err)
			}
			sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
		}
		if x.reader.recent == nil {
			t.Error("what was kept was not right")
		}
		if kept.given == 0 {
			t.Error("nothing was taken from what was kept")
		}
		readsBack(t, s, c, m.dim, recs)
	}
}

// scattered changes single records here and there, as updates at random do.
func (m *maker) scattered(recs []chunk.Record) (out []modelSplice) {
	for at := m.IntN(50); at < len(recs); at += 1 + m.IntN(100) {
		rec := recs[at]
		m.change(&rec, chunk.Columns[1+m.IntN(4)])
		out = append(out, modelSplice{at: at, remove: 1, insert: []chunk.Record{rec}})
	}
	return out
}

// TestRecentSpoilt: rows that were kept and are wrong cost nothing but time.
func TestRecentSpoilt(t *testing.T) {
	t.Parallel()
	r := random(t)
	m := &maker{Rand: r, dim: 3}
	s := reusing{newMemStore()}
	recs := m.records(1000)
	c := buildFresh(t, r, s, m.dim, recs)
	kept := &keptRows{maker: m, chunks: map[chunk.ID]*chunk.Rows{}, spoilt: true}
	x := NewApplier(s, kept)
	x.reader.most = 1
	for range 12 {
		splices := m.scattered(recs)
		recs = applyTo(recs, splices)
		var err error
		if c.Height, c.Top, err = x.Apply(t.Context(), c, m.dim, asSplices(splices, m.dim)); err != nil {
			t.Fatal(err)
		}
		sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
	}
	if x.reader.recent != nil {
		t.Error("it was not found out")
	}
	readsBack(t, s, c, m.dim, recs)
}
