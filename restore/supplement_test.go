package restore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/snapshot"
	"autochrome/tree"
)

// opened is a database and an empty repository.
func opened(t *testing.T, c *chromatest.Client, url string) (*chroma.Database, *repo.Repository) {
	t.Helper()
	db, err := chroma.Open(t.Context(), chroma.Options{URL: url, Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return db, r
}

func taken(t *testing.T, r *repo.Repository, db *chroma.Database) repo.Snapshot {
	t.Helper()
	res, err := snapshot.Take(t.Context(), r, db, snapshot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res.Snapshot
}

// recordsIn reads a snapshot's collection; nil: it has none of this name.
func recordsIn(t *testing.T, r *repo.Repository, s repo.Snapshot, name string) map[string]chunk.Record {
	t.Helper()
	reader := tree.NewReader(r)
	c, err := snapshot.Find(t.Context(), reader, s, name)
	if err != nil {
		return nil
	}
	out := map[string]chunk.Record{}
	err = reader.Groups(t.Context(), c, func(_ int64, g tree.Group) error {
		recs, err := reader.Records(t.Context(), g)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			rec, err := recs.Record(i)
			if err != nil {
				return err
			}
			out[rec.ID] = rec
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newest gives the last supplement.
func newest(t *testing.T, rep restore.Report) repo.Snapshot {
	t.Helper()
	if len(rep.Late.Kept) == 0 {
		t.Fatal("there is no supplement")
	}
	return rep.Late.Kept[len(rep.Late.Kept)-1]
}

// meanwhile is a rollback during which somebody writes between the recording of
// the state before and the first write.
func meanwhile(write func()) restore.Options {
	return restore.Options{Confirm: func(*restore.Plan) (bool, bool, error) {
		write()
		return true, true, nil
	}}
}

func numbered(from, to int) map[string]any {
	var ids []string
	var vs, ms, ds []any
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("r%04d", i))
		vs = append(vs, []float32{float32(i), 1, 2})
		ms = append(ms, map[string]any{"n": i})
		ds = append(ds, fmt.Sprint("document ", i))
	}
	return map[string]any{"ids": ids, "embeddings": vs, "metadatas": ms, "documents": ds}
}

// TestSupplement writes between the recording of the state before a rollback
// and its writes, in every way, and demands that what was overwritten can be
// had back.
func TestSupplement(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 3000))
		anew := c.CreateCollection("anew", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "l2"}}})
		c.Add(anew, numbered(0, 10))
		good := taken(t, r, db)

		ids := func(n ...int) (out []string) {
			for _, i := range n {
				out = append(out, fmt.Sprintf("r%04d", i))
			}
			return out
		}
		c.Update(id, map[string]any{"ids": ids(1, 2, 3, 4, 2500), "metadatas": each(5, map[string]any{"bad": true})})
		c.Delete(id, map[string]any{"ids": ids(10, 11, 12)})
		c.Add(id, numbered(5000, 5004))
		undocumented := numbered(20, 22)
		c.Delete(id, map[string]any{"ids": ids(20, 21)})
		c.Add(id, undocumented)
		c.Update(id, map[string]any{"ids": ids(20, 21), "uris": []string{"u", "v"}})
		c.DeleteCollection("anew")
		anew = c.CreateCollection("anew", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "ip"}}})
		c.Add(anew, numbered(0, 5))
		extra := c.CreateCollection("extra", nil)
		c.Add(extra, numbered(0, 4))
		quiet := c.CreateCollection("quiet", nil)
		c.Add(quiet, numbered(0, 4))

		rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() {
			c.Update(id, map[string]any{"ids": ids(1, 2500), "metadatas": each(2, map[string]any{"writer": 1})})
			c.Update(id, map[string]any{"ids": ids(2), "metadatas": each(1, map[string]any{"bad": nil})}) // as it shall be
			c.Update(id, map[string]any{"ids": ids(3), "documents": []string{"another column"}})
			c.Delete(id, map[string]any{"ids": ids(4, 20)})
			c.Update(id, map[string]any{"ids": ids(5000), "documents": []string{"to be deleted"}})
			c.Delete(id, map[string]any{"ids": ids(5001)})
			c.Add(id, map[string]any{"ids": ids(11, 7000), "embeddings": [][]float32{{7, 7, 7}, {8, 8, 8}}})
			c.Update(anew, map[string]any{"ids": ids(1), "documents": []string{"in what is made anew"}})
			c.Update(extra, map[string]any{"ids": ids(2), "documents": []string{"in what is dropped"}})
		}))
		if err != nil {
			t.Fatal(err)
		}
		s := newest(t, rep)
		if s.Kind != repo.KindPreRollback || s.Tags[restore.TagSupplement] != rep.PreRollback.DisplayID() || s.Capture != repo.CaptureMoving {
			t.Errorf("the supplement says %+v", s)
		}
		before, got := recordsIn(t, r, *rep.PreRollback, "docs"), recordsIn(t, r, s, "docs")
		for rid, b := range before {
			g, ok := got[rid]
			switch n := slices.Index(ids(1, 2500, 4, 20, 5000, 5001, 3), rid); {
			case n == 0 || n == 1:
				if v, _ := g.Metadata.Get("writer"); v.Int != 1 {
					t.Errorf("%s: %+v", rid, g)
				}
			case n == 6: // of which another column was to be overwritten
				if bad, _ := g.Metadata.Get("bad"); !bad.Bool || *g.Document != "another column" {
					t.Errorf("%s: %+v", rid, g)
				}
			case n == 2 || n == 3:
				if ok {
					t.Errorf("%s was deleted: %+v", rid, g)
				}
			case n == 4:
				if !ok || g.Document == nil || *g.Document != "to be deleted" {
					t.Errorf("%s: %+v", rid, g)
				}
			case n == 5: // was to be deleted
			case fmt.Sprintf("%+v", b.Metadata) != fmt.Sprintf("%+v", g.Metadata) || !slices.Equal(b.Embedding, g.Embedding):
				t.Errorf("%s: %+v, want %+v", rid, g, b)
			}
		}
		if g := recordsIn(t, r, s, "anew")["r0001"]; g.Document == nil || *g.Document != "in what is made anew" {
			t.Errorf("made anew: %+v", g)
		}
		if g := recordsIn(t, r, s, "extra")["r0002"]; g.Document == nil || *g.Document != "in what is dropped" {
			t.Errorf("dropped: %+v", g)
		}
		if n := rep.Late.Records; n != 8 || len(rep.Late.Named) != 8 || rep.Late.Unsettled != 0 {
			t.Errorf("late: %+v", rep.Late)
		}
		for _, k := range rep.Late.Kept {
			for _, col := range k.Collections {
				if n := len(recordsIn(t, r, k, col.Name)); int64(n) != col.Records {
					t.Errorf("%s: %s has %d records and says %d", k.DisplayID(), col.Name, n, col.Records)
				}
			}
		}
		// What the writer added under ids that were to be added is still there.
		if g := c.Get(id, map[string]any{"ids": ids(11, 7000), "include": []string{"embeddings"}}); fmt.Sprint(g["embeddings"]) != "[[7 7 7] [8 8 8]]" &&
			fmt.Sprint(g["embeddings"]) != "[[7.0 7.0 7.0] [8.0 8.0 8.0]]" {
			t.Errorf("added meanwhile: %v", g)
		}
		// Going back to the supplement gives all of it.
		back, err := restore.Rollback(t.Context(), r, db, s, restore.Options{})
		if err != nil || !back.Verified() || back.Late.Records != 0 || len(back.Late.Kept) != 0 {
			t.Fatalf("%v %+v %+v", err, back.Compared, back.Late)
		}
		again, err := restore.Rollback(t.Context(), r, db, good, restore.Options{DropExtra: true})
		if err != nil || !again.Verified() || len(again.Late.Kept) != 0 {
			t.Fatalf("%v %+v %+v", err, again.Compared, again.Late)
		}
	})
}

// TestStrict demands that nothing is overwritten where somebody writes.
func TestStrict(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 100))
		good := taken(t, r, db)
		c.Update(id, map[string]any{"ids": []string{"r0001", "r0002"}, "metadatas": each(2, map[string]any{"bad": true})})
		extra := c.CreateCollection("extra", nil)
		c.Add(extra, numbered(0, 4))

		strict := func(write func()) {
			t.Helper()
			o := meanwhile(write)
			o.Strict = true
			rep, err := restore.Rollback(t.Context(), r, db, good, o)
			var e *restore.WritingError
			if !errors.Is(err, restore.ErrWriting) || !errors.As(err, &e) || len(e.IDs) != 1 || e.IDs[0] != "r0002" {
				t.Fatalf("%v", err)
			}
			if len(rep.Late.Kept) != 0 {
				t.Errorf("%+v", rep.Late)
			}
		}
		strict(func() {
			c.Update(id, map[string]any{"ids": []string{"r0002"}, "metadatas": each(1, map[string]any{"writer": 1})})
		})
		for _, rec := range c.Dump("docs")[1:3] {
			if rec.Metadata["bad"] != true {
				t.Errorf("%s was overwritten: %v", rec.ID, rec.Metadata)
			}
		}
		strict(func() { c.Update(extra, map[string]any{"ids": []string{"r0002"}, "documents": []string{"new"}}) })
		if n := c.Count(extra); n != 4 {
			t.Errorf("%d records", n)
		}
		o := restore.Options{DropExtra: true, Strict: true}
		if rep, err := restore.Rollback(t.Context(), r, db, good, o); err != nil || !rep.Verified() {
			t.Fatalf("%v", err)
		}
	})
}

// TestManyLate: of many records that were written late the first are named, and
// all are counted.
func TestManyLate(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		c.CreateCollection("docs", nil)
		good := taken(t, r, db)
		extra := c.CreateCollection("extra", nil)
		c.Add(extra, numbered(0, 4))
		o := meanwhile(func() { c.Add(extra, numbered(100, 400)) })
		o.Strict = true
		_, err := restore.Rollback(t.Context(), r, db, good, o)
		var e *restore.WritingError
		if !errors.As(err, &e) || e.Records != 300 || len(e.IDs) != 100 || !strings.HasSuffix(err.Error(), `"r0109", and 290 more`) {
			t.Errorf("%v", err)
		}
		rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() { c.Add(extra, numbered(400, 700)) }))
		if err != nil || rep.Late.Records != 300 || len(rep.Late.Named) != 100 {
			t.Errorf("%v, %d records late, %d named", err, rep.Late.Records, len(rep.Late.Named))
		}
		if got := recordsIn(t, r, newest(t, rep), "extra"); len(got) != 604 {
			t.Errorf("%d records are kept", len(got))
		}
	})
}

// TestSupplementsAddUp goes through several batches with deletions and returns
// in each, so that positions shift.
func TestSupplementsAddUp(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		all := numbered(0, 3500)
		c.Add(id, all)
		good := taken(t, r, db)
		every := all["ids"].([]string)
		c.Update(id, map[string]any{"ids": every, "documents": each(len(every), "bad")})
		var updated, deleted []string
		rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() {
			for _, x := range every {
				switch rnd.IntN(20) {
				case 0:
					updated = append(updated, x)
				case 1:
					deleted = append(deleted, x)
				}
			}
			c.Update(id, map[string]any{"ids": updated, "documents": each(len(updated), "the writer's")})
			c.Delete(id, map[string]any{"ids": deleted})
		}))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(rep.Late.Kept); n != 4 {
			t.Errorf("%d supplements, want one for each batch", n)
		}
		if rep.Late.Records != len(updated)+len(deleted) {
			t.Errorf("%d records, want %d", rep.Late.Records, len(updated)+len(deleted))
		}
		got := recordsIn(t, r, newest(t, rep), "docs")
		if len(got) != len(every)-len(deleted) {
			t.Errorf("%d records", len(got))
		}
		for _, x := range every {
			g, there := got[x]
			want := "bad"
			if slices.Contains(updated, x) {
				want = "the writer's"
			}
			if slices.Contains(deleted, x) == there || there && *g.Document != want {
				t.Fatalf("%s: %+v", x, g)
			}
		}
	})
}
