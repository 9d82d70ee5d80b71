package restore_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/tree"
)

// countingStore keeps chunks in memory and counts what is loaded.
type countingStore struct {
	hasher *chunk.Hasher
	chunks map[chunk.ID][]byte
	loads  int
	bytes  int
}

func newCountingStore() *countingStore {
	return &countingStore{hasher: chunk.Plain(), chunks: map[chunk.ID][]byte{}}
}

func (s *countingStore) Hasher() *chunk.Hasher { return s.hasher }
func (s *countingStore) Has(id chunk.ID) bool  { return s.chunks[id] != nil }

func (s *countingStore) Save(_ context.Context, id chunk.ID, b []byte) error {
	s.chunks[id] = slices.Clone(b)
	return nil
}

func (s *countingStore) Load(_ context.Context, id chunk.ID) ([]byte, error) {
	b, ok := s.chunks[id]
	if !ok {
		return nil, fmt.Errorf("no chunk %v", id)
	}
	s.loads++
	s.bytes += len(b)
	return b, nil
}

// described is a collection to be saved.
type described struct {
	name, serverID string
	description    chunk.CollectionDescription
	records        []chunk.Record
	earlier        *tree.Collection
}

// saved makes a snapshot's record of collections, as far as a comparison needs
// it.
func saved(t *testing.T, store *countingStore, cs ...described) (repo.Snapshot, []tree.Collection) {
	t.Helper()
	var s repo.Snapshot
	var trees []tree.Collection
	for _, c := range cs {
		id, err := tree.SaveDescription(t.Context(), store, c.description)
		if err != nil {
			t.Fatal(err)
		}
		b := tree.NewBuilder(store, c.description.Dimension)
		if c.earlier != nil {
			if b, err = tree.NewBuilderOn(t.Context(), store, c.description.Dimension, *c.earlier); err != nil {
				t.Fatal(err)
			}
		}
		recs := chunk.NewRecords(c.description.Dimension)
		for _, r := range c.records {
			recs.Append(r)
		}
		if err := b.Add(t.Context(), recs); err != nil {
			t.Fatal(err)
		}
		x := tree.Collection{Name: c.name, Description: id}
		if x.Height, x.Top, err = b.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, x)
		s.Collections = append(s.Collections, repo.CollectionInfo{Name: c.name, ServerID: c.serverID})
	}
	var err error
	if s.Root, err = tree.SaveRoot(t.Context(), store, slices.Clone(trees), tree.Root{}); err != nil {
		t.Fatal(err)
	}
	return s, trees
}

// diffed compares two snapshots with a reader of their own.
func diffed(t *testing.T, store *countingStore, a, b repo.Snapshot, o restore.DiffOptions) restore.DiffReport {
	t.Helper()
	r := tree.NewReader(store)
	sa, err := restore.StateOf(t.Context(), r, a)
	if err != nil {
		t.Fatal(err)
	}
	sb, err := restore.StateOf(t.Context(), r, b)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := restore.Diff(t.Context(), r, sa, sb, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func tiny(i int) chunk.Record {
	text := fmt.Sprint("text ", i)
	return chunk.Record{
		ID: fmt.Sprintf("r%06d", i), Embedding: []float32{float32(i), 1, 2, 3}, Document: &text,
		Metadata: chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: int64(i)}}},
	}
}

// TestDiffReadsWhatDiffers: one changed record in 100,000 costs the way to it
// on both sides, and no more than in a collection a tenth of the size.
func TestDiffReadsWhatDiffers(t *testing.T) {
	loads := map[int]int{}
	for _, n := range []int{10_000, 100_000} {
		store := newCountingStore()
		records := make([]chunk.Record, n)
		for i := range records {
			records[i] = tiny(i)
		}
		d := chunk.CollectionDescription{Dimension: 4}
		a, trees := saved(t, store, described{"c", "1", d, records, nil}, described{"other", "2", d, records[:5000], nil})
		changed := slices.Clone(records)
		changed[n/2].Metadata = chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: -1}}}
		b, _ := saved(t, store, described{"c", "1", d, changed, &trees[0]}, described{"other", "2", d, records[:5000], &trees[1]})

		store.loads, store.bytes = 0, 0
		var got []restore.RecordDiff
		rep := diffed(t, store, a, b, restore.DiffOptions{Record: func(x restore.RecordDiff) error {
			got = append(got, x)
			return nil
		}})
		if c := rep.Collections[0]; c.Changed != 1 || c.Added+c.Removed+c.Moved != 0 || c.Columns["metadatas"] != 1 || !rep.Collections[1].Same() {
			t.Errorf("%+v", rep)
		}
		if len(got) != 1 || got[0].ID != changed[n/2].ID || len(got[0].Metadata) != 1 || got[0].Metadata[0].After.Int != -1 || got[0].Document != nil {
			t.Errorf("%+v", got)
		}
		t.Logf("%d records in %d chunks: %d loads, %d bytes", n, len(store.chunks), store.loads, store.bytes)
		loads[n] = store.loads
	}
	if n := loads[100_000]; n > 12 || n > loads[10_000]+6 {
		t.Errorf("%d chunks are loaded for one record of 100,000, and %d for one of 10,000", n, loads[10_000])
	}
}

// TestDiffOfNothingReadsNothing: equal collections cost the roots alone.
func TestDiffOfNothingReadsNothing(t *testing.T) {
	store := newCountingStore()
	records := make([]chunk.Record, 2000)
	for i := range records {
		records[i] = tiny(i)
	}
	var cs []described
	for i := range 50 {
		cs = append(cs, described{fmt.Sprintf("c%02d", i), fmt.Sprint(i), chunk.CollectionDescription{Dimension: 4}, records, nil})
	}
	a, _ := saved(t, store, cs...)
	store.loads = 0
	if rep := diffed(t, store, a, a, restore.DiffOptions{}); !rep.Same() || len(rep.Collections) != 50 {
		t.Errorf("%+v", rep)
	}
	if store.loads > 2 {
		t.Errorf("%d loads", store.loads)
	}
}

// TestDiffRandom compares with two plain maps.
func TestDiffRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 7))
	for range 40 {
		var before []chunk.Record
		for i := range random.IntN(2000) {
			before = append(before, tiny(i))
		}
		after := slices.DeleteFunc(slices.Clone(before), func(chunk.Record) bool { return random.IntN(30) == 0 })
		want := map[string]string{}
		for _, r := range before {
			want[r.ID] = "removed"
		}
		for i := range after {
			delete(want, after[i].ID)
			switch random.IntN(40) {
			case 0:
				after[i].Document = nil
				want[after[i].ID] = "changed [documents]"
			case 1:
				after[i].Embedding, after[i].Metadata = []float32{9, 9, 9, float32(i)}, nil
				want[after[i].ID] = "changed [embeddings metadatas]"
			}
		}
		for i := range random.IntN(300) {
			after = append(after, tiny(10_000+i))
			want[tiny(10_000+i).ID] = "added"
		}
		store := newCountingStore()
		d := chunk.CollectionDescription{Dimension: 4}
		a, trees := saved(t, store, described{"c", "1", d, before, nil})
		b, _ := saved(t, store, described{"c", "1", d, after, &trees[0]})
		got := map[string]string{}
		var counted restore.CollectionDiff
		listed := diffed(t, store, a, b, restore.DiffOptions{
			Record: func(x restore.RecordDiff) error {
				got[x.ID] = x.Op.String()
				if x.Op == tree.Changed {
					var names []string
					for _, k := range chunk.Columns {
						if x.Columns.Has(k) {
							names = append(names, k.String())
						}
					}
					got[x.ID] += fmt.Sprint(" ", names)
				}
				return nil
			},
			Collection: func(c restore.CollectionDiff) error { counted = c; return nil },
		})
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("have %v\nwant %v", got, want)
		}
		if n := counted.Added + counted.Removed + counted.Changed; int(n) != len(want) || counted.After-counted.Before != counted.Added-counted.Removed {
			t.Errorf("%+v", counted)
		}
		if rep := diffed(t, store, a, b, restore.DiffOptions{}); !reflect.DeepEqual(rep, listed) {
			t.Errorf("counted alone %+v\nwith records %+v", rep, listed)
		}
	}
}

// TestDiffCollections: renamed, taken over, on one side only, and not looked
// for.
func TestDiffCollections(t *testing.T) {
	store := newCountingStore()
	d := chunk.CollectionDescription{Dimension: 4}
	some := []chunk.Record{tiny(1), tiny(2), tiny(3)}
	a, _ := saved(t, store,
		described{"docs", "1", d, some, nil}, described{"faqs", "2", d, some[:2], nil},
		described{"gone", "3", d, some, nil}, described{"unread", "4", d, some, nil})
	b, _ := saved(t, store,
		described{"faqs", "1", d, some, nil}, described{"docs", "2", d, some, nil},
		described{"new", "5", d, some[:1], nil}, described{"hidden", "6", d, some, nil})
	a.Scope.Collections = []string{"docs", "faqs", "gone", "new", "unread"}
	b.Unreadable = []string{"unread"}
	for _, listed := range []bool{false, true} {
		o, seen := restore.DiffOptions{}, 0
		if listed {
			o.Record = func(restore.RecordDiff) error { seen++; return nil }
		}
		rep := diffed(t, store, a, b, o)
		var text []string
		for _, c := range rep.Collections {
			text = append(text, fmt.Sprintf("%s %s %q +%d -%d", c.Name, c.In, c.RenamedFrom, c.Added, c.Removed))
		}
		want := []string{`docs both "faqs" +1 -0`, `faqs both "docs" +0 -0`, `gone a "" +0 -3`, `new b "" +1 -0`}
		if !slices.Equal(text, want) {
			t.Errorf("%q", text)
		}
		if !slices.Equal(rep.NotCompared, []string{"hidden", "unread"}) {
			t.Errorf("not compared: %q", rep.NotCompared)
		}
		if listed && seen != 5 {
			t.Errorf("%d records are listed", seen)
		}
	}
	rep := diffed(t, store, a, b, restore.DiffOptions{Collections: []string{"gone", "hidden"}})
	if len(rep.Collections) != 1 || !slices.Equal(rep.NotCompared, []string{"hidden"}) {
		t.Errorf("%+v", rep)
	}
}

func TestDiffDescriptions(t *testing.T) {
	store := newCountingStore()
	text := func(s string) chunk.Value { return chunk.Value{Type: chunk.String, Str: s} }
	a, _ := saved(t, store, described{name: "c", description: chunk.CollectionDescription{
		Dimension:     3,
		Metadata:      chunk.Metadata{{Key: "a", Value: text("old")}, {Key: "b", Value: text("same")}},
		Configuration: []byte(`{"embedding_function":{"name":"x"},"hnsw":{"ef_search":100,"only_here":1},"spann":null}`),
		Schema:        []byte(`{"keys":{"k":{"float":1}}}`),
	}})
	b, _ := saved(t, store, described{name: "c", description: chunk.CollectionDescription{
		Metadata:      chunk.Metadata{{Key: "a", Value: text("new")}, {Key: "b", Value: text("same")}},
		Configuration: []byte(`{"embedding_function":{"name":"y"},"hnsw":{"ef_search":200},"later":1,"spann":null}`),
		Schema:        []byte(`{"keys":{}}`),
	}})
	rep := diffed(t, store, a, b, restore.DiffOptions{})
	show := func(v *chunk.Value) string {
		switch {
		case v == nil:
			return "none"
		case v.Type == chunk.Int:
			return fmt.Sprint(v.Int)
		}
		return v.Str
	}
	var got []string
	for _, f := range rep.Collections[0].Fields {
		got = append(got, f.Name+" "+show(f.Before)+" "+show(f.After))
	}
	want := []string{
		"dimension 3 none", "metadata.a old new", `configuration.embedding_function {"name":"x"} {"name":"y"}`,
		"configuration.hnsw.ef_search 100 200", `schema.keys.k {"float":1} none`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestDiffEmbeddings: what is said of two embeddings, also of damaged ones.
func TestDiffEmbeddings(t *testing.T) {
	negative := float32(math.Copysign(0, -1))
	for _, x := range []struct {
		a, b       chunk.Record
		comparable bool
		cosine     float64
		largest    float64
		at         int
	}{
		{chunk.Record{Embedding: []float32{1, 0, 0}}, chunk.Record{Embedding: []float32{0, 1, 0}}, true, 1, 1, 0},
		{chunk.Record{Embedding: []float32{1, 0, 2}}, chunk.Record{Embedding: []float32{-1, 0, -2}}, true, 2, 4, 2},
		{chunk.Record{Embedding: []float32{1, 2, 2}}, chunk.Record{Embedding: []float32{2, 4, 4}}, true, 0, 2, 1},
		{chunk.Record{Embedding: []float32{0, 0, 0}}, chunk.Record{Embedding: []float32{0, 3, 0}}, true, math.NaN(), 3, 1},
		{chunk.Record{Embedding: []float32{1, 0, 0}}, chunk.Record{Embedding: []float32{1, negative, 0}}, true, 0, 0, 0},
		{chunk.Record{Embedding: []float32{3e38, 3e38, 0}}, chunk.Record{Embedding: []float32{3e38, 3e38, 1}}, true, 0, 1, 2},
		{chunk.Record{}, chunk.Record{Embedding: []float32{1, 2, 3}}, false, 0, 0, 0},
		{chunk.Record{Embedding: []float32{1, 0, 3}, Null: []bool{false, true, false}}, chunk.Record{Embedding: []float32{1, 2, 3}}, false, 0, 0, 0},
	} {
		x.a.ID, x.b.ID = "r", "r"
		store := newCountingStore()
		d := chunk.CollectionDescription{Dimension: 3}
		a, _ := saved(t, store, described{"c", "", d, []chunk.Record{x.a}, nil})
		b, _ := saved(t, store, described{"c", "", d, []chunk.Record{x.b}, nil})
		var e *restore.EmbeddingDiff
		diffed(t, store, a, b, restore.DiffOptions{Record: func(r restore.RecordDiff) error { e = r.Embedding; return nil }})
		same := math.Abs(e.Cosine-x.cosine) < 1e-12 || math.IsNaN(e.Cosine) && math.IsNaN(x.cosine)
		if e.Comparable != x.comparable || !same || e.Largest != x.largest || e.At != x.at || e.Before != len(x.a.Embedding) || e.After != 3 {
			t.Errorf("%v and %v: %+v", x.a.Embedding, x.b.Embedding, e)
		}
	}
}
