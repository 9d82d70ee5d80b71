package guard_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/tree"
)

// TestWriters lets several writers at a guarded database, one for each
// collection, and demands that every point holds of each collection what it was
// after one of its writes, later ones in later points, and that points bring a
// database back to it. AUTOCHROME_TEST_WRITES says how many writes each does.
func TestWriters(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		writes, err := strconv.Atoi(cmp.Or(os.Getenv("AUTOCHROME_TEST_WRITES"), "15"))
		if err != nil {
			t.Fatal(err)
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		g := newGuarded(t, c)
		o := g.options("")
		o.Command, o.MaxLoss = nil, 1
		ctx, end := context.WithCancel(t.Context())
		states := map[string]*writer{}
		for i, space := range []string{"l2", "cosine", "ip"} {
			name := "c-" + space
			id := c.CreateCollection(name, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": space}}})
			states[name] = &writer{T: t, c: c, name: name, id: id, rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
			states[name].saw()
		}
		o.Started = func(proxy string, _ repo.Snapshot) {
			go func() {
				var wg sync.WaitGroup
				for _, w := range states {
					w.migration = &migration{proxy + c.Path()}
					wg.Go(func() {
						for range writes {
							w.write()
						}
					})
				}
				wg.Go(func() { structural(t, &migration{proxy + c.Path()}) })
				wg.Wait()
				end()
			}()
		}
		rep, err := guard.Run(ctx, o)
		if err != nil || rep.Outcome != guard.Succeeded || rep.Unrecorded {
			t.Fatalf("%v, %s %s, unrecorded %v", err, rep.Outcome, rep.Reason, rep.Unrecorded)
		}
		ran, err := guard.FindRun(t.Context(), g.r, rep.Run)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d points of %d writes", len(ran.Points), rep.Writes)
		at := map[string]int{}
		for n, p := range ran.Points {
			for name, w := range states {
				k, ok := w.find(recordsOf(t, g.r, p, name), at[name])
				if !ok {
					t.Fatalf("point %d: %s is not what it was after any write from %d on", n+1, name, at[name])
				}
				at[name] = k
			}
		}
		for name, w := range states {
			if at[name] != len(w.states)-1 && !maps.Equal(w.states[at[name]], w.states[len(w.states)-1]) {
				t.Errorf("%s: the last point has write %d of %d", name, at[name], len(w.states)-1)
			}
		}
		for range 3 {
			p := ran.Points[rand.IntN(len(ran.Points))]
			back, err := restore.Rollback(t.Context(), g.r, g.db, p, restore.Options{DropExtra: true})
			if err != nil || !back.Verified() {
				t.Fatalf("%v %+v", err, back.Compared)
			}
			for name := range states {
				if !maps.Equal(textOf(c.Dump(name)), recordsOf(t, g.r, p, name)) {
					t.Errorf("%s: %s did not come back as it was", p.DisplayID(), name)
				}
			}
		}
	})
}

// structural makes, changes and deletes collections of its own.
func structural(t *testing.T, m *migration) {
	for i := range 4 {
		made, err := m.ask("POST", "", map[string]any{"name": fmt.Sprint("made-", i)})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := m.ask("PUT", "/"+made["id"].(string), map[string]any{"new_name": fmt.Sprint("renamed-", i), "new_metadata": map[string]any{"i": i}}); err != nil {
			t.Error(err)
		}
		if i%2 == 0 {
			if _, err := m.ask("DELETE", fmt.Sprint("/renamed-", i), nil); err != nil {
				t.Error(err)
			}
		}
	}
}

// writer is the only one to write to its collection.
type writer struct {
	*testing.T
	c         *chromatest.Client
	migration *migration
	name, id  string
	rnd       *rand.Rand
	states    []map[string]string // after each write, the first before any
}

func (w *writer) saw() { w.states = append(w.states, textOf(w.c.Dump(w.name))) }

func (w *writer) write() {
	ids := []string{}
	for _, n := range w.rnd.Perm(300)[:1+w.rnd.IntN(40)] {
		ids = append(ids, fmt.Sprint("r", n))
	}
	body := map[string]any{"ids": ids}
	column := func(f func() any) []any {
		out := make([]any, len(ids))
		for i := range out {
			out[i] = f()
		}
		return out
	}
	vectors := func() any {
		return []float32{float32(w.rnd.NormFloat64()), float32(w.rnd.NormFloat64()), float32(w.rnd.NormFloat64())}
	}
	metadata := func() any {
		if w.rnd.IntN(3) == 0 {
			return nil
		}
		return map[string]any{"n": w.rnd.IntN(10), "f": w.rnd.Float64(), fmt.Sprint("k", w.rnd.IntN(3)): "v"}
	}
	document := func() any {
		if w.rnd.IntN(3) == 0 {
			return nil
		}
		return fmt.Sprint("document ", w.rnd.IntN(100))
	}
	verb := []string{"add", "upsert", "upsert", "update", "delete", "filter"}[w.rnd.IntN(6)]
	switch verb {
	case "add", "upsert":
		body["embeddings"], body["metadatas"], body["documents"] = column(vectors), column(metadata), column(document)
	case "update":
		body["metadatas"] = column(metadata)
		if w.rnd.IntN(2) == 0 {
			body["embeddings"] = column(vectors)
		}
	case "filter":
		verb, body = "delete", map[string]any{"where": map[string]any{"n": map[string]any{"$lt": w.rnd.IntN(3)}}}
	}
	if _, err := w.migration.ask("POST", "/"+w.id+"/"+verb, body); err != nil {
		w.Error(err)
	}
	w.saw()
}

// find gives the first write from one on after which the collection was so.
func (w *writer) find(records map[string]string, from int) (int, bool) {
	for k := from; k < len(w.states); k++ {
		if maps.Equal(w.states[k], records) {
			return k, true
		}
	}
	return 0, false
}

func textOf(records []chromatest.RawRecord) map[string]string {
	out := map[string]string{}
	for _, r := range records {
		for k, v := range r.Metadata {
			if n, ok := v.(json.Number); ok && strings.ContainsAny(n.String(), ".e") {
				f, _ := n.Float64()
				r.Metadata[k] = f
			}
		}
		b, _ := json.Marshal(r)
		out[r.ID] = string(b)
	}
	return out
}

// recordsOf reads a point's collection as an independent reader would tell it.
func recordsOf(t *testing.T, r *repo.Repository, s repo.Snapshot, name string) map[string]string {
	t.Helper()
	reader := tree.NewReader(r)
	cs, err := reader.Collections(t.Context(), s.Root)
	if err != nil {
		t.Fatal(err)
	}
	var out []chromatest.RawRecord
	for _, c := range cs {
		if c.Name != name {
			continue
		}
		err := reader.Groups(t.Context(), c, func(_ int64, g tree.Group) error {
			recs, err := reader.Records(t.Context(), g)
			if err != nil {
				return err
			}
			for i := range recs.Len() {
				rec, err := recs.Record(i)
				if err != nil {
					return err
				}
				out = append(out, rawOf(rec))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return textOf(out)
}

// rawOf is a record as the server tells it.
func rawOf(rec chunk.Record) chromatest.RawRecord {
	raw := chromatest.RawRecord{ID: rec.ID, Document: rec.Document, URI: rec.URI}
	for _, x := range rec.Embedding {
		raw.Embedding = append(raw.Embedding, &x)
	}
	for _, f := range rec.Metadata {
		if raw.Metadata == nil {
			raw.Metadata = map[string]any{}
		}
		switch f.Value.Type {
		case chunk.Int:
			raw.Metadata[f.Key] = json.Number(strconv.FormatInt(f.Value.Int, 10))
		case chunk.Float:
			raw.Metadata[f.Key] = f.Value.Float
		default:
			raw.Metadata[f.Key] = f.Value.Str
		}
	}
	return raw
}
