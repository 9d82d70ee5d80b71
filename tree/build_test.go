package tree

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
)

func TestBuild(t *testing.T) {
	r := random(t)
	for _, n := range []int{0, 1, 31, 32, 33, 160, 512, 513, 5000} {
		m := &maker{Rand: r, dim: 4}
		recs := m.records(n)
		s := newMemStore()
		c := buildFresh(t, r, s, m.dim, recs)
		readsBack(t, s, c, m.dim, recs)
		if (c.Height == 0) != (n == 0) || n > 0 && n < 32 && c.Height != 1 {
			t.Errorf("%d records: height %d", n, c.Height)
		}
		for range 3 { // other pages
			sameTree(t, buildFresh(t, r, newMemStore(), m.dim, recs), c)
		}
	}
}

// numbered is the same n records on every machine, in every release.
func numbered(n int) []chunk.Record {
	recs := make([]chunk.Record, n)
	for i := range recs {
		rec := chunk.Record{
			ID:        fmt.Sprintf("doc_%06d", i),
			Embedding: []float32{float32(i) / 1024, -float32(i % 7), 1},
		}
		if i%3 > 0 {
			rec.Document = ptr(fmt.Sprintf("document %d", i))
		}
		if i%2 > 0 {
			rec.Metadata = chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: int64(i)}}}
		}
		if i%5 == 4 {
			rec.URI = ptr(fmt.Sprintf("file:///%d", i))
		}
		recs[i] = rec
	}
	return recs
}

func TestGoldenTrees(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Trees of the records doc_000000 and so on. Record i has the embedding (i/1024, -(i mod 7), 1),\n")
	fmt.Fprintf(&b, "# the document \"document i\" unless 3 divides i, the metadata {\"n\": i} where i is odd, and the\n")
	fmt.Fprintf(&b, "# uri \"file:///i\" where i mod 5 is 4.\n\nrecords  height  children  logical id of the top node\n")
	r := random(t)
	for _, n := range []int{0, 1, 32, 160, 512, 5000, 200_000} {
		if n == 200_000 && testing.Short() {
			t.Skip("long")
		}
		s := newMemStore()
		recs := numbered(n)
		c := buildFresh(t, r, s, 3, recs)
		fmt.Fprintf(&b, "%7d  %6d  %8d  %v\n", n, c.Height, c.Top.Children, c.Top.Logical)
		readsBack(t, s, c, 3, recs)
		if n == 200_000 {
			tree200k(t, s, c)
		}
	}
	golden(t, "trees.txt", b.String())
}

// tree200k checks the shape of a high tree.
func tree200k(t *testing.T, s *memStore, c Collection) {
	if c.Height != 2 && c.Height != 3 {
		t.Errorf("200,000 records: height %d", c.Height)
	}
	groups := 0
	if err := NewReader(s).Groups(t.Context(), c, func(_ int64, g Group) error {
		groups++
		if g.Count > chunk.MaxGroup {
			t.Errorf("a group of %d", g.Count)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if mean := float64(c.Top.Count) / float64(groups); mean < 140 || mean > 180 {
		t.Errorf("%.1f records in a group", mean)
	}
}

// edits change a sequence in every way that a source may.
var edits = []struct {
	name string
	edit func(m *maker, recs []chunk.Record) []chunk.Record
}{
	{"nothing", func(_ *maker, recs []chunk.Record) []chunk.Record { return recs }},
	{"delete one", func(m *maker, recs []chunk.Record) []chunk.Record {
		at := m.IntN(len(recs))
		return slices.Delete(recs, at, at+1)
	}},
	{"delete some", func(m *maker, recs []chunk.Record) []chunk.Record { return m.thin(recs, 0.02) }},
	{"delete half", func(m *maker, recs []chunk.Record) []chunk.Record { return m.thin(recs, 0.5) }},
	{"delete most", func(m *maker, recs []chunk.Record) []chunk.Record { return m.thin(recs, 0.9) }},
	{"delete a range", func(m *maker, recs []chunk.Record) []chunk.Record {
		from := m.IntN(len(recs))
		return slices.Delete(recs, from, from+m.IntN(len(recs)-from+1))
	}},
	{"delete all", func(*maker, []chunk.Record) []chunk.Record { return nil }},
	{"change embeddings", change(chunk.Embeddings)},
	{"change documents", change(chunk.Documents)},
	{"change metadatas", change(chunk.Metadatas)},
	{"change uris", change(chunk.URIs)},
	{"drop documents", func(m *maker, recs []chunk.Record) []chunk.Record {
		for i := range recs {
			if m.IntN(2) == 0 {
				recs[i].Document = nil
			}
		}
		return recs
	}},
	{"drop all metadatas", func(_ *maker, recs []chunk.Record) []chunk.Record {
		for i := range recs {
			recs[i].Metadata = nil
		}
		return recs
	}},
	{"append", func(m *maker, recs []chunk.Record) []chunk.Record { return append(recs, m.records(1+m.IntN(500))...) }},
	{"add some again at the end", func(m *maker, recs []chunk.Record) []chunk.Record {
		for range 1 + m.IntN(20) {
			at := m.IntN(len(recs))
			rec := recs[at]
			recs = append(slices.Delete(recs, at, at+1), rec)
		}
		return recs
	}},
	{"permute", func(m *maker, recs []chunk.Record) []chunk.Record {
		m.Shuffle(len(recs), func(i, j int) { recs[i], recs[j] = recs[j], recs[i] })
		return recs
	}},
	{"permute a little", func(m *maker, recs []chunk.Record) []chunk.Record {
		for range len(recs) {
			i := m.IntN(len(recs))
			j := min(len(recs)-1, i+m.IntN(300))
			recs[i], recs[j] = recs[j], recs[i]
		}
		return recs
	}},
	{"reverse", func(_ *maker, recs []chunk.Record) []chunk.Record { slices.Reverse(recs); return recs }},
	{"replace all", func(m *maker, recs []chunk.Record) []chunk.Record { return m.records(len(recs)) }},
	{"insert at the beginning", func(m *maker, recs []chunk.Record) []chunk.Record {
		return append(m.records(1+m.IntN(100)), recs...)
	}},
}

func (m *maker) thin(recs []chunk.Record, share float64) []chunk.Record {
	return slices.DeleteFunc(recs, func(chunk.Record) bool { return m.Float64() < share })
}

// change gives one column other values in some rows, or in all.
func change(kind chunk.Kind) func(m *maker, recs []chunk.Record) []chunk.Record {
	return func(m *maker, recs []chunk.Record) []chunk.Record {
		share := []float64{0.01, 0.3, 1}[m.IntN(3)]
		for i := range recs {
			if m.Float64() < share {
				m.change(&recs[i], kind)
			}
		}
		return recs
	}
}

// Whatever is referred to, the tree says what building afresh says.
func TestBuilderOn(t *testing.T) {
	r := random(t)
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			for _, n := range []int{1, 40, 700, 3000} {
				m := &maker{Rand: r, dim: 4}
				s := newMemStore()
				recs := m.records(n)
				c := buildFresh(t, r, s, m.dim, recs)
				for range 3 { // on top of each other
					if len(recs) == 0 {
						recs = m.records(n)
					} else {
						recs = e.edit(m, slices.Clone(recs))
					}
					if m.IntN(2) == 0 {
						other := edits[m.IntN(len(edits))]
						if len(recs) > 0 {
							recs = other.edit(m, slices.Clone(recs))
						}
					}
					c = buildOn(t, r, s, m.dim, c, recs)
					sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))
					readsBack(t, s, c, m.dim, recs)
				}
			}
		})
	}
}

// What a build on an earlier state stores is in proportion to the change.
func TestBuilderOnStores(t *testing.T) {
	t.Parallel()
	const n, dim = 9832, 384
	if testing.Short() {
		t.Skip("long")
	}
	r := rand.New(rand.NewPCG(5, 5))
	m := &maker{Rand: r, dim: dim}
	recs := m.records(n)
	for i := range recs { // no damage: every embedding counts
		for recs[i].Embedding == nil || recs[i].Null != nil {
			m.change(&recs[i], chunk.Embeddings)
		}
	}
	s := newMemStore()
	s.packed = true
	base := buildFresh(t, r, s, dim, recs)
	first := s.reset()
	t.Logf("first: %d chunks, %d bytes; embeddings %d", first.saves, first.bytes(), first.stored[chunk.Embeddings])

	build := func(name string, limit int, recs []chunk.Record) counts {
		t.Helper()
		c := buildOn(t, r, s, dim, base, recs)
		stored := s.reset()
		t.Logf("%s: %d chunks loaded, %d saved, %d bytes, by kind %v", name, stored.loads, stored.saves, stored.bytes(), stored.stored[1:])
		if stored.bytes() > limit {
			t.Errorf("%s: %d bytes stored, limit %d", name, stored.bytes(), limit)
		}
		sameTree(t, c, buildFresh(t, r, newMemStore(), dim, recs))
		readsBack(t, s, c, dim, recs)
		s.reset()
		return stored
	}

	if c := build("unchanged", 0, recs); c.saves != 0 || c.loads > 2 {
		t.Errorf("unchanged: %d chunks saved, %d loaded", c.saves, c.loads)
	}
	edited := slices.Clone(recs)
	for i := range edited {
		m.change(&edited[i], chunk.Metadatas)
	}
	if c := build("every metadata changed", 100<<10, edited); c.stored[chunk.Embeddings]+c.stored[chunk.Documents]+c.stored[chunk.IDs] != 0 {
		t.Errorf("every metadata changed: other columns are stored again")
	}
	edited = slices.Clone(recs)
	for i := range edited {
		m.change(&edited[i], chunk.Embeddings)
	}
	if c := build("every embedding changed", n*dim*4*84/100+n*20, edited); c.stored[chunk.Documents]+c.stored[chunk.Metadatas]+c.stored[chunk.IDs] != 0 {
		t.Errorf("every embedding changed: other columns are stored again")
	}
	build("100 appended", 100*dim*4*84/100+100*70+4<<10, append(slices.Clone(recs), m.records(100)...))
	edited = slices.Clone(recs)
	for _, i := range r.Perm(n)[:98] {
		m.change(&edited[i], chunk.Embeddings)
	}
	build("98 embeddings changed", 300_000, edited)
	edited = slices.Clone(recs)
	for _, i := range r.Perm(n)[:98] {
		edited[i].ID = ""
	}
	build("98 deleted", 64<<10, slices.DeleteFunc(edited, func(rec chunk.Record) bool { return rec.ID == "" }))
	build("5000 in a row deleted", 300<<10, slices.Delete(slices.Clone(recs), 1234, 6234))
	build("half deleted", 500<<10, m.thin(slices.Clone(recs), 0.5))
}

// A chunk that stays open does not hold back more than maxWaiting groups.
func TestBuilderOnWaits(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long")
	}
	r := random(t)
	m := &maker{Rand: r, dim: 1}
	recs := m.records(60_000)
	s := newMemStore()
	base := buildFresh(t, r, s, 1, recs)
	recs = slices.Clone(recs)
	for i := 7; i < len(recs); i += 20_000 {
		m.change(&recs[i], chunk.URIs)
	}
	s.reset()
	b, err := NewBuilderOn(t.Context(), s, 1, base)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for part := range slices.Chunk(recs, 1000) {
		if err := b.Add(t.Context(), asRecords(part, 1)); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(b.groups.waiting))
	}
	height, top, err := b.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := Collection{Height: height, Top: top}
	saves := s.reset().saves
	t.Logf("%d groups waited at the most, %d chunks saved", most, saves)
	if most < 200 || most > maxWaiting || saves > 12 {
		t.Errorf("%d groups waited at the most, %d chunks saved", most, saves)
	}
	sameTree(t, c, buildFresh(t, r, newMemStore(), 1, recs))
	readsBack(t, s, c, 1, recs)
}

// Another dimension: nothing of the old embeddings is referred to, even where
// a row is absent on both sides.
func TestBuilderOnOtherDimension(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 4}
	recs := m.records(1000)
	recs[10].Embedding, recs[11].Embedding = nil, nil
	s := newMemStore()
	c := buildFresh(t, r, s, m.dim, recs)
	m.dim = 5
	recs = slices.Clone(recs)
	for i := range recs {
		if recs[i].Embedding != nil {
			m.change(&recs[i], chunk.Embeddings)
		}
	}
	c = buildOn(t, r, s, m.dim, c, recs)
	readsBack(t, s, c, m.dim, recs)
	sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, recs))

	b := NewBuilder(s, 4)
	if err := b.Add(t.Context(), asRecords(recs, 5)); err == nil {
		t.Error("embeddings of 5 dimensions are taken for 4")
	}
	if _, _, err := Apply(t.Context(), s, c, 5, []Splice{{Insert: asRecords(recs[:1], 4)}}); err == nil {
		t.Error("embeddings of 4 dimensions are taken for 5")
	}
}

func TestIDsStandOnce(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 1}
	recs := m.records(100)
	recs[20].ID = recs[10].ID // in one group: the shortest has 32
	b := NewBuilder(newMemStore(), 1)
	err := b.Add(t.Context(), asRecords(recs, 1))
	if err == nil {
		_, _, err = b.Finish(t.Context())
	}
	if err == nil || errors.Is(err, chunk.ErrCorrupt) || !strings.Contains(err.Error(), recs[10].ID) {
		t.Errorf("an id stands twice: %v", err)
	}
}

// Rows that fill several chunks come back, and those of a column of many
// such chunks as well.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("long")
	}
	r := random(t)
	text := func(n int) *string { return ptr(strings.Repeat(fmt.Sprintf("%016x", r.Uint64()), n/16)) }
	for _, c := range []struct {
		name   string
		sizes  []int
		chunks int // of documents, at least
	}{
		{"one of 5 MB", []int{32, 5 << 20, 32}, 3},
		{"one of 5 MB alone", []int{5 << 20}, 1},
		{"many of 100 KB", slices.Repeat([]int{100 << 10}, 120), 3},
		{"37 of 2 MB", slices.Repeat([]int{2<<20 + 1}, 37), 37},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &maker{Rand: r, dim: 1}
			recs := m.records(len(c.sizes))
			for i, size := range c.sizes {
				recs[i].ID = fmt.Sprintf("%d-%d", i, size)
				recs[i].Document = text(size)
			}
			s := newMemStore()
			col := buildFresh(t, r, s, 1, recs)
			readsBack(t, s, col, 1, recs)
			found := 0
			for _, b := range s.chunks {
				if chunk.Kind(b[0]) == chunk.Documents {
					found++
				}
			}
			if found < c.chunks {
				t.Errorf("%d chunks of documents, want %d", found, c.chunks)
			}
			s.reset()
			recs[0].Document = text(100 << 10)
			col = buildOn(t, r, s, 1, col, recs)
			readsBack(t, s, col, 1, recs)
			insert := asRecords(m.records(1), 1)
			at := len(recs) / 2
			height, top, err := Apply(t.Context(), s, col, 1, []Splice{{At: int64(at), Insert: insert}})
			if err != nil {
				t.Fatal(err)
			}
			rec, err := insert.Record(0)
			if err != nil {
				t.Fatal(err)
			}
			readsBack(t, s, Collection{Height: height, Top: top}, 1, slices.Insert(recs, at, rec))
		})
	}
}

// TestBuilderOnLost: what is lost of the base is stored again, also where nothing
// has changed, and a chunk of a column of its own as it was.
func TestBuilderOnLost(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 3}
	recs := m.records(3000)
	for _, changed := range []bool{false, true} {
		for _, kind := range chunk.Columns {
			s := newMemStore()
			base := buildFresh(t, r, s, m.dim, recs)
			reader := NewReader(s)
			var lost []chunk.ID
			err := reader.Groups(t.Context(), base, func(_ int64, g Group) error {
				if c := g.Columns[kind.Column()]; r.IntN(3) == 0 && c.whole(g.Count) {
					lost = append(lost, c.Content)
				}
				return nil
			})
			if err != nil || len(lost) == 0 {
				t.Fatalf("%d chunks lost, %v", len(lost), err)
			}
			for _, id := range lost {
				delete(s.chunks, id)
			}
			now := slices.Clone(recs)
			if changed {
				for i := 0; i < len(now); i += 40 {
					m.change(&now[i], chunk.Columns[r.IntN(chunk.NumColumns)])
				}
			}
			b, err := NewBuilderOn(t.Context(), s, m.dim, base)
			if err != nil {
				t.Fatal(err)
			}
			b.SkipLost(func(error) bool { return true })
			c := finish(t, r, b, m.dim, now)
			sameTree(t, c, buildFresh(t, r, newMemStore(), m.dim, now))
			readsBack(t, s, c, m.dim, now)
			if !changed {
				readsBack(t, s, base, m.dim, recs)
			}
		}
	}
}
