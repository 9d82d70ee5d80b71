package snapshot_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/snapshot"
)

// written is a source, and how somebody else writes to it.
type written struct {
	snapshot.Source
	create func(name string) (id string)
	put    func(id string, r chunk.Record)
	remove func(id, record string)
	drop   func(id, name string)
}

func fakeWritten() written {
	f := newFake()
	return written{f, f.create, f.put, f.remove, func(id, _ string) { f.drop(id) }}
}

func realWritten(t *testing.T, c *chromatest.Client) written {
	t.Helper()
	db, err := chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	return written{
		db, func(name string) string { return c.CreateCollection(name, nil) },
		func(id string, r chunk.Record) {
			v, _ := r.Metadata.Get("n")
			c.Upsert(id, map[string]any{"ids": []string{r.ID}, "embeddings": [][]float32{r.Embedding}, "documents": []any{r.Document},
				"uris": []any{r.URI}, "metadatas": []any{map[string]any{"n": v.Int}}})
		},
		func(id, record string) { c.Delete(id, map[string]any{"ids": []string{record}}) },
		func(_, name string) { c.DeleteCollection(name) },
	}
}

// TestSources holds the fake to what Chroma does.
func TestSources(t *testing.T) {
	t.Run("fake", func(t *testing.T) { testSource(t, fakeWritten()) })
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) { testSource(t, realWritten(t, c)) })
}

func testSource(t *testing.T, w written) {
	ctx := t.Context()
	id := w.create("docs")
	described := func() chunk.Collection {
		t.Helper()
		cs, err := w.Collections(ctx)
		if err != nil || len(cs) != 1 || cs[0].ServerID != id || cs[0].Name != "docs" {
			t.Fatalf("%+v, %v", cs, err)
		}
		return cs[0]
	}
	ids := func(want string) {
		t.Helper()
		var got []string
		if err := w.IDs(ctx, id, func(id []byte) error { got = append(got, string(id)); return nil }); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("ids %v, want %s", got, want)
		}
	}
	fetch := func(want string, asked ...string) {
		t.Helper()
		var list [][]byte
		for _, id := range asked {
			list = append(list, []byte(id))
		}
		var body bytes.Buffer
		if err := w.Fetch(ctx, id, list, &body); err != nil {
			t.Fatal(err)
		}
		recs := chunk.NewRecords(2)
		if err := w.Decode(body.Bytes(), recs); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range recs.Len() {
			r, err := recs.Record(i)
			if err != nil {
				t.Fatal(err)
			}
			_, document, _ := versionsOf(t, r)
			got = append(got, r.ID+"="+strings.Repeat("i", document))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("records %v, want %s", got, want)
		}
	}
	if d := described().Description.Dimension; d != 0 {
		t.Errorf("dimension %d without a record", d)
	}
	ids("")
	for i, r := range []string{"c", "a", "b", "d"} {
		w.put(id, version(r, i+1))
	}
	if d := described().Description.Dimension; d != 2 {
		t.Errorf("dimension %d", d)
	}
	ids("c a b d")
	fetch("c=i b=iii d=iiii", "d", "none", "b", "c", "b") // in its own order, once, and what is there
	w.put(id, version("a", 5))                            // keeps its place
	w.remove(id, "c")
	w.put(id, version("c", 1)) // comes to stand behind
	ids("a b d c")
	fetch("a=iiiii c=i", "c", "a")
	for _, r := range []string{"a", "b", "c", "d"} {
		w.remove(id, r)
	}
	ids("")
	if d := described().Description.Dimension; d != 2 {
		t.Errorf("dimension %d when it was emptied", d)
	}
	w.drop(id, "docs")
	none := func([]byte) error { t.Error("an id of no collection"); return nil }
	if err := w.IDs(ctx, id, none); err == nil || !w.Gone(err) {
		t.Errorf("ids: %v", err)
	}
	if err := w.Fetch(ctx, id, [][]byte{[]byte("a")}, new(bytes.Buffer)); err == nil || !w.Gone(err) {
		t.Errorf("fetch: %v", err)
	}
	if cs, err := w.Collections(ctx); err != nil || slices.ContainsFunc(cs, func(c chunk.Collection) bool { return c.ServerID == id }) {
		t.Errorf("%+v, %v", cs, err)
	}
}
