package archive

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"filippo.io/age"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/tree"
)

func newRepository(t testing.TB, o repo.InitOptions) *repo.Repository {
	t.Helper()
	r, err := repo.Init(t.Context(), &backend.Memory{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// keyed makes a repository with ids of its own.
func keyed(t testing.TB) *repo.Repository {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return newRepository(t, repo.InitOptions{Keys: []repo.NewKey{{Recipient: id.Recipient().String()}}})
}

// collection is one to be stored.
type collection struct {
	name    string
	d       chunk.CollectionDescription
	records []chunk.Record
}

// store makes a snapshot of collections.
func store(t testing.TB, r *repo.Repository, change func(*repo.Snapshot), cs ...collection) repo.Snapshot {
	t.Helper()
	ctx := t.Context()
	s := repo.Snapshot{
		Name: "good", Time: time.Date(2026, 11, 24, 3, 4, 5, 678e6, time.UTC), Kind: repo.KindSnapshot, Source: "test",
		Scope: repo.Scope{Tenant: "default_tenant", Database: "default_database"}, Capture: repo.CaptureStill,
		Tags: map[string]string{"reason": "test <&> \u2028", "b": "2", "a": "1"}, Server: repo.Server{URL: "http://localhost:8000"},
	}
	err := r.Write(ctx, func(w *repo.Writer) error {
		var trees []tree.Collection
		for i, c := range cs {
			b := tree.NewBuilder(w, c.d.Dimension)
			for _, rec := range c.records {
				recs := chunk.NewRecords(c.d.Dimension)
				recs.Append(rec)
				if err := b.Add(ctx, recs); err != nil {
					return err
				}
			}
			out := tree.Collection{Tenant: s.Scope.Tenant, Database: s.Scope.Database, Name: c.name}
			var err error
			if out.Description, err = tree.SaveDescription(ctx, w, c.d); err != nil {
				return err
			}
			if out.Height, out.Top, err = b.Finish(ctx); err != nil {
				return err
			}
			trees = append(trees, out)
			s.Collections = append(s.Collections, repo.CollectionInfo{
				Name: c.name, ServerID: fmt.Sprintf("0000-%d", i), Records: out.Top.Count, Capture: repo.CaptureStill,
			})
		}
		var err error
		if s.Root, err = tree.SaveRoot(ctx, w, trees, tree.Root{}); err != nil {
			return err
		}
		if change != nil {
			change(&s)
		}
		s, err = w.SaveSnapshot(ctx, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample has one of everything, and enough records for several batches.
func sample() []collection {
	text := func(s string) *string { return &s }
	nasty := collection{name: "nasty", d: chunk.CollectionDescription{
		Dimension:     4,
		Metadata:      chunk.Metadata{{Key: "big", Value: chunk.Value{Type: chunk.Int, Int: math.MaxInt64}}, {Key: "one", Value: chunk.Value{Type: chunk.Float, Float: 1}}},
		Configuration: []byte(`{"hnsw":{"space":"cosine"}}`), Schema: []byte(`{"a":[1,1.0,null]}`),
	}, records: []chunk.Record{
		{ID: "nasty \x00 \u2028 🦊 \"\\ ../..", Embedding: []float32{0.1, float32(math.Copysign(0, -1)), 1e-40, 16777216}, Document: text(""), URI: text("file:///x")},
		{ID: "nulls", Embedding: []float32{0, 1, math.MaxFloat32, 0}, Null: []bool{true, false, false, true}, Document: text("a\nb\u0001")},
		{ID: "nothing"},
		{ID: "values", Embedding: []float32{1, 2, 3, 4}, Metadata: chunk.Metadata{
			{Key: "array", Value: chunk.Value{Type: chunk.Array, Array: []chunk.Value{{Type: chunk.Int, Int: 1}, {Type: chunk.Float, Float: 1}, {Type: chunk.String, Str: "x"}}}},
			{Key: "big", Value: chunk.Value{Type: chunk.Int, Int: math.MinInt64 + 1}},
			{Key: "object", Value: chunk.Value{Type: chunk.JSON, Str: `{"a":null}`}},
			{Key: "third", Value: chunk.Value{Type: chunk.Float, Float: 1.0 / 3}},
		}},
	}}
	many := collection{name: "many.", d: chunk.CollectionDescription{Dimension: 2, Configuration: []byte(`{}`)}}
	for i := range 1234 {
		many.records = append(many.records, chunk.Record{ID: fmt.Sprint("record-", i), Embedding: []float32{float32(i) / 7, 1}, Document: text(fmt.Sprint("document ", i))})
	}
	return []collection{{name: "empty"}, nasty, many}
}

// exported gives an archive.
func exported(t testing.TB, r *repo.Repository, s repo.Snapshot, o Options) ([]byte, Written) {
	t.Helper()
	var b bytes.Buffer
	w, err := Export(t.Context(), r, s, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w
}
