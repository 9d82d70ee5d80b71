package tree

import (
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/chunk"
)

// applyTo does to a sequence what Apply does to a tree.
func applyTo(recs []chunk.Record, splices []modelSplice) []chunk.Record {
	var out []chunk.Record
	at := 0
	for _, s := range splices {
		out = append(out, recs[at:s.at]...)
		out = append(out, s.insert...)
		at = s.at + s.remove
	}
	return append(out, recs[at:]...)
}

// modelSplice is a Splice whose records can be looked at.
type modelSplice struct {
	at, remove int
	insert     []chunk.Record
}

func asSplices(model []modelSplice, dim int) []Splice {
	out := make([]Splice, len(model))
	for i, s := range model {
		out[i] = Splice{At: int64(s.at), Remove: int64(s.remove)}
		if len(s.insert) > 0 {
			out[i].Insert = asRecords(s.insert, dim)
		}
	}
	return out
}

// splices makes up to limit splices of a sequence: deletions, insertions,
// changes in place and records that move from one splice to another.
func (m *maker) splices(recs []chunk.Record, limit int) []modelSplice {
	n := len(recs)
	var out []modelSplice
	var moved []chunk.Record
	at := 0
	for range m.IntN(limit + 1) {
		switch m.IntN(4) {
		case 0: // adjacent to the last one
		case 1:
			at = min(n, at+m.IntN(5))
		default:
			at += m.IntN(n - at + 1)
		}
		s := modelSplice{at: at}
		switch m.IntN(8) {
		case 0: // nothing
		case 1, 2:
			s.remove = min(n-at, 1)
		case 3:
			s.remove = m.IntN(n - at + 1)
		default:
			s.remove = min(n-at, m.IntN(200))
		}
		at += s.remove
		gone := recs[s.at:at]
		switch m.IntN(6) {
		case 0: // gone
		case 1: // moved on to a later splice
			moved = append(moved, gone...)
		case 2, 3: // changed in place
			s.insert = slices.Clone(gone)
			for i := range s.insert {
				m.change(&s.insert[i], chunk.Columns[1+m.IntN(4)])
			}
		default:
			s.insert = m.records(m.IntN(60))
			if m.IntN(10) == 0 {
				s.insert = m.records(m.IntN(1000))
			}
		}
		if m.IntN(3) == 0 {
			s.insert = append(s.insert, moved...)
			moved = nil
		}
		out = append(out, s)
	}
	return out
}

func apply(t testing.TB, s Store, c Collection, dim int, splices []modelSplice) Collection {
	t.Helper()
	height, top, err := Apply(t.Context(), s, c, dim, asSplices(splices, dim))
	if err != nil {
		t.Fatal(err)
	}
	return Collection{Name: c.Name, Height: height, Top: top}
}

func TestApply(t *testing.T) {
	t.Parallel()
	r := random(t)
	cases := 2000
	if testing.Short() {
		cases = 300
	}
	m := &maker{Rand: r, dim: 1}
	s := newMemStore()
	var recs []chunk.Record
	var c Collection
	heights := map[[2]int]int{}
	for i := range cases {
		if i%30 == 0 {
			recs = m.records([]int{0, 1, 33, 300, 1000, 4000}[r.IntN(6)])
			s = newMemStore()
			c = buildFresh(t, r, s, m.dim, recs)
		}
		if c.Height == 0 && r.IntN(2) == 0 {
			recs = m.records(r.IntN(500))
			c = apply(t, s, c, m.dim, []modelSplice{{insert: recs}})
		}
		splices := m.splices(recs, 1+r.IntN(8))
		recs = applyTo(recs, splices)
		next := apply(t, s, c, m.dim, splices)
		heights[[2]int{c.Height, next.Height}]++
		c = next
		sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
		if i%5 == 0 {
			readsBack(t, s, c, m.dim, recs)
		}
	}
	t.Log("from height to height, how often:", heights)
}

// High trees, whose levels come and go.
func TestApplyHigh(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long")
	}
	r := random(t)
	heights := map[[2]int]int{}
	for range 5 {
		m := &maker{Rand: r, dim: 1}
		s := newMemStore()
		recs := m.records(20_000 + r.IntN(40_000))
		c := buildFresh(t, r, s, m.dim, recs)
		for range 6 {
			var splices []modelSplice
			switch n := len(recs); r.IntN(4) {
			case 0: // most of it
				from := r.IntN(n/10 + 1)
				splices = []modelSplice{{at: from, remove: r.IntN(n - from + 1)}}
			case 1: // much at the end
				splices = []modelSplice{{at: n, insert: m.records(r.IntN(30_000))}}
			case 2: // much in the middle
				splices = []modelSplice{{at: r.IntN(n + 1), insert: m.records(r.IntN(30_000))}}
			default:
				splices = m.splices(recs, 10)
			}
			recs = applyTo(recs, splices)
			next := apply(t, s, c, m.dim, splices)
			heights[[2]int{c.Height, next.Height}]++
			c = next
			sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
		}
		readsBack(t, s, c, m.dim, recs)
	}
	t.Log("from height to height, how often:", heights)
}

func TestApplyRefuses(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 2}
	s := newMemStore()
	c := buildFresh(t, r, s, m.dim, m.records(500))
	for name, splices := range map[string][]Splice{
		"before the beginning": {{At: -1}},
		"behind the end":       {{At: 501}},
		"removal too long":     {{At: 499, Remove: 2}},
		"removal overflows":    {{At: 1, Remove: 1<<63 - 1}},
		"negative removal":     {{At: 10, Remove: -1}},
		"overlap":              {{At: 10, Remove: 5}, {At: 14}},
		"out of order":         {{At: 10}, {At: 9}},
	} {
		if _, _, err := Apply(t.Context(), s, c, m.dim, splices); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, _, err := Apply(t.Context(), s, Collection{}, m.dim, []Splice{{At: 1}}); err == nil {
		t.Error("a splice behind the end of nothing: taken")
	}
	if height, top, err := Apply(t.Context(), s, c, m.dim, nil); err != nil || height != c.Height || top.Logical != c.Top.Logical {
		t.Errorf("no splices: height %d, %v", height, err)
	}
}

// One changed record of 100,000 costs a dozen chunks read and written.
func TestApplyTouchesLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	r := random(t)
	m := &maker{Rand: r, dim: 2}
	s := newMemStore()
	recs := m.records(100_000)
	c := buildFresh(t, r, s, m.dim, recs)
	for name, f := range map[string]func(at int) modelSplice{
		"change": func(at int) modelSplice {
			rec := recs[at]
			m.change(&rec, chunk.Embeddings)
			return modelSplice{at, 1, []chunk.Record{rec}}
		},
		"nothing": func(at int) modelSplice { return modelSplice{at, 1, recs[at : at+1]} },
		"delete":  func(at int) modelSplice { return modelSplice{at, 1, nil} },
		"insert":  func(at int) modelSplice { return modelSplice{at, 0, m.records(1)} },
		"append":  func(int) modelSplice { return modelSplice{len(recs), 0, m.records(1)} },
	} {
		most := counts{}
		for range 50 {
			s.reset()
			splice := f(r.IntN(len(recs)))
			apply(t, s, c, m.dim, []modelSplice{splice})
			got := s.reset()
			most.loads, most.saves = max(most.loads, got.loads), max(most.saves, got.saves)
		}
		t.Logf("%s: at the most %d chunks loaded, %d saved", name, most.loads, most.saves)
		if limit := map[bool]int{true: 24, false: 12}[name == "delete" || name == "insert"]; most.loads > limit || most.saves > 12 {
			t.Errorf("%s: %d chunks loaded, %d saved", name, most.loads, most.saves)
		}
		if name == "nothing" && most.saves > 0 {
			t.Errorf("nothing changed, %d chunks saved", most.saves)
		}
	}
}

// A splice over many groups that changes one column stores that column alone.
func TestApplyRefersAcrossGroups(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 64}
	s := newMemStore()
	s.packed = true
	recs := m.records(3000)
	c := buildFresh(t, r, s, m.dim, recs)
	s.reset()
	changed := slices.Clone(recs[500:2500])
	for i := range changed {
		m.change(&changed[i], chunk.Metadatas)
	}
	splices := []modelSplice{{500, 2000, changed}}
	c = apply(t, s, c, m.dim, splices)
	stored := s.reset()
	t.Logf("%d chunks, %d bytes by kind %v", stored.saves, stored.bytes(), stored.stored[1:])
	if stored.stored[chunk.Embeddings]+stored.stored[chunk.Documents]+stored.stored[chunk.IDs] > 0 {
		t.Error("columns that did not change are stored again")
	}
	readsBack(t, s, c, m.dim, applyTo(recs, splices))
}

// chain applies one changed record at a time and gives what was stored.
func chain(t *testing.T, n, steps, dim int, kind chunk.Kind, pick func(r *rand.Rand, i int) int) (total counts, changed int) {
	r := rand.New(rand.NewPCG(9, 9))
	m := &maker{Rand: r, dim: dim}
	recs := m.records(n)
	s := newMemStore()
	c := buildFresh(t, r, s, dim, recs)
	root := saveRoot(t, s, Root{}, c)
	s.reset()
	s.packed = true
	for i := range steps {
		at := pick(r, i)
		m.change(&recs[at], kind)
		one := asRecords(recs[at:at+1], dim)
		changed += one.Column(kind).Bytes()
		c = apply(t, s, c, dim, []modelSplice{{at, 1, recs[at : at+1]}})
		root = saveRoot(t, s, root, c)
	}
	total = s.reset()
	sameTree(t, c, buildFresh(t, r, newMemStore(), dim, recs))
	readsBack(t, s, c, dim, recs)
	return total, changed
}

func saveRoot(t testing.TB, s Store, earlier Root, cs ...Collection) Root {
	t.Helper()
	root, err := SaveRoot(t.Context(), s, cs, earlier)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// What 500 points in a row store, each of one changed record.
func TestChains(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long")
	}
	const steps = 500
	for _, c := range []struct {
		name string
		n    int
		kind chunk.Kind
		pick func(n int) func(*rand.Rand, int) int
	}{
		{"embeddings at random", 9832, chunk.Embeddings, atRandom},
		{"embeddings in a row", 9832, chunk.Embeddings, inARow},
		{"embeddings at random in few", 1000, chunk.Embeddings, atRandom},
		{"metadatas at random", 9832, chunk.Metadatas, atRandom},
		{"metadatas in a row", 9832, chunk.Metadatas, inARow},
		{"metadatas at random in few", 1000, chunk.Metadatas, atRandom},
	} {
		total, changed := chain(t, c.n, steps, 384, c.kind, c.pick(c.n))
		limit := changed*5/2 + steps*2048
		t.Logf("%-28s %6d bytes a step (limit %d): changed %d; %.2f chunks saved, %.0f loaded; columns %v, groups %d, nodes %d, root %d",
			c.name, total.bytes()/steps, limit/steps, changed/steps, float64(total.saves)/steps, float64(total.loads)/steps,
			total.stored[1:6], total.stored[chunk.Groups]/steps, total.stored[chunk.Nodes]/steps, total.stored[chunk.Collections]/steps)
		if total.bytes() > limit {
			t.Errorf("%s: %d bytes stored, limit %d", c.name, total.bytes(), limit)
		}
	}
}

func atRandom(n int) func(*rand.Rand, int) int {
	return func(r *rand.Rand, _ int) int { return r.IntN(n) }
}
func inARow(int) func(*rand.Rand, int) int { return func(_ *rand.Rand, i int) int { return 100 + i } }

// Steps of every kind on top of each other: each tree says what the model
// says, and the earlier ones stay readable.
func TestManySteps(t *testing.T) {
	t.Parallel()
	r := random(t)
	steps := 2000
	if testing.Short() {
		steps = 200
	}
	type state struct {
		c    Collection
		recs []chunk.Record
	}
	var kept []state
	m := &maker{Rand: r, dim: 3}
	s := newMemStore()
	recs := m.records(600)
	c := buildFresh(t, r, s, m.dim, recs)
	for i := range steps {
		switch {
		case len(recs) == 0 || len(recs) > 3000:
			recs = m.records(600)
			c = buildOn(t, r, s, m.dim, c, recs)
		case r.IntN(3) > 0:
			splices := m.splices(recs, 4)
			recs = applyTo(recs, splices)
			c = apply(t, s, c, m.dim, splices)
		default:
			recs = edits[r.IntN(len(edits))].edit(m, slices.Clone(recs))
			c = buildOn(t, r, s, m.dim, c, recs)
		}
		sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
		if i%50 == 0 {
			kept = append(kept, state{c, slices.Clone(recs)})
		}
	}
	for _, k := range kept {
		readsBack(t, s, k.c, m.dim, k.recs)
	}
}
