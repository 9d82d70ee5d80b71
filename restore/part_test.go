package restore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/filter"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/snapshot"
)

// spoiled is a collection of the nastiest records that was spoiled.
type spoiled struct {
	c      *chromatest.Client
	id     string
	good   repo.Snapshot
	before map[string]chromatest.RawRecord
	after  map[string]chromatest.RawRecord
	order  []string
}

func byID(records []chromatest.RawRecord) map[string]chromatest.RawRecord {
	out := map[string]chromatest.RawRecord{}
	for _, r := range records {
		out[r.ID] = r
	}
	return out
}

// drop deletes the records and then the collection. A collection that is
// deleted with its records leaves the arrays of their metadata behind on server
// 1.4.4, and records that are added later inherit them.
func drop(c *chromatest.Client, name string) {
	if ids := idsOf(c.Dump(name), 1, 0); len(ids) > 0 {
		c.Delete(c.Collection(name)["id"].(string), map[string]any{"ids": ids})
	}
	c.DeleteCollection(name)
}

// stranger is a record that the snapshot does not have.
const stranger = "stranger, with a comma"

func spoil(t *testing.T, c *chromatest.Client) (*spoiled, func(restore.Options) (restore.Report, error)) {
	t.Helper()
	db, r := opened(t, c, c.Server.URL())
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	x := &spoiled{c: c}
	x.id = c.CreateCollection("nasty", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}}})
	c.Add(x.id, nasty(rand.New(rand.NewPCG(seed, 3)), 8, false, c.Server.Version == chromatest.Newest, 40))
	records := c.Dump("nasty")
	x.before, x.order = byID(records), idsOf(records, 1, 0)
	x.good = taken(t, r, db)
	for _, way := range ways {
		switch way.name {
		case "upserted with other keys", "metadata keys removed", "document added where there was none":
			way.do(c, "nasty", x.id, records)
		}
	}
	c.Delete(x.id, map[string]any{"ids": []string{"case", "floats-3", "floats-4"}})
	c.Add(x.id, map[string]any{"ids": []string{stranger, "stranger 2"}, "embeddings": []any{make([]float32, 8), make([]float32, 8)}})
	x.after = byID(c.Dump("nasty"))
	return x, func(o restore.Options) (restore.Report, error) {
		return restore.Rollback(t.Context(), r, db, x.good, o)
	}
}

// field is one column of a record as text.
func field(r chromatest.RawRecord, k chunk.Kind) string {
	only := chromatest.RawRecord{}
	switch k {
	case chunk.Embeddings:
		only.Embedding = r.Embedding
	case chunk.Documents:
		only.Document = r.Document
	case chunk.Metadatas:
		only.Metadata = r.Metadata
	case chunk.URIs:
		only.URI = r.URI
	}
	return rawText(only)
}

func TestPartIDs(t *testing.T) {
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		c := chromatest.NewClient(t, s)
		x, rollback := spoil(t, c)
		extra := c.CreateCollection("extra", nil)
		ids := []string{"nothing", "integers", "case", "floats-1", "floats-3", stranger, strings.Repeat("long", 2500), "nul \x00 in id", "bools"}
		_, err := rollback(restore.Options{IDs: append([]string{"no such id"}, ids...)})
		if !errors.Is(err, restore.ErrNoRecord) || !strings.Contains(err.Error(), `"no such id"`) || strings.Contains(err.Error(), "integers") {
			t.Fatalf("%v", err)
		}
		plan, err := rollback(restore.Options{IDs: ids, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := rollback(restore.Options{IDs: ids, DropExtra: true})
		if err != nil {
			t.Fatal(err)
		}
		pa, pu, pd := plan.Plan.Totals()
		if a := rep.Applied; pa != 2 || pd != 1 || a.Added != pa || a.Updated+a.Replaced != pu || a.Deleted != pd || len(a.Dropped) > 0 {
			t.Errorf("planned %d %d %d, did %+v", pa, pu, pd, a)
		}
		if rep.Compared.Differences > len(rep.Applied.Inexact) || rep.Compared.Records != int64(len(ids)-1) {
			t.Errorf("%+v", rep.Compared)
		}
		if again, err := rollback(restore.Options{IDs: ids, DryRun: true}); err != nil || !again.Plan.Empty() && len(rep.Applied.Inexact) == 0 {
			t.Errorf("again, when what was to be deleted is: %v", err)
		}
		c.Count(extra)
		got := byID(c.Dump("nasty"))
		for id := range merged(x.before, x.after) {
			want, there := x.after[id]
			if slices.Contains(ids, id) {
				want, there = x.before[id]
			}
			g, ok := got[id]
			if ok != there || rawText(g) != rawText(want) && len(rep.Applied.Inexact) == 0 {
				t.Errorf("%.40q\nhave %.400s\nwant %.400s", id, rawText(g), rawText(want))
			}
		}
		// A collection that is missing is created for what is asked for.
		drop(c, "nasty")
		if rep, err = rollback(restore.Options{IDs: []string{"plain", "integers"}}); err != nil || !rep.Verified() || c.Count(c.Collection("nasty")["id"].(string)) != 2 {
			t.Errorf("%v %+v", err, rep.Compared)
		}
		drop(c, "nasty")
		other := c.CreateCollection("nasty", nil)
		c.Add(other, map[string]any{"ids": []string{"plain"}, "embeddings": [][]float32{{1, 2}}})
		if rep, err = rollback(restore.Options{IDs: []string{"plain"}}); err == nil || !strings.Contains(err.Error(), "2 dimensions now and had 8") || rep.Applied.Requests > 0 {
			t.Errorf("%v", err)
		}
	})
}

func TestPartColumns(t *testing.T) {
	sets := [][]chunk.Kind{{chunk.Metadatas}, {chunk.Documents}, {chunk.URIs, chunk.Embeddings}, {chunk.Documents, chunk.Metadatas}}
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		c := chromatest.NewClient(t, s)
		for i, only := range sets {
			if i > 0 {
				c = chromatest.NewClient(t, c.Server)
			}
			x, rollback := spoil(t, c)
			var ids []string
			if i == len(sets)-1 {
				ids = []string{"nothing", "integers", "floats-1", "floats-3"} // both at once
			}
			rep, err := rollback(restore.Options{Only: only, IDs: ids})
			if err != nil {
				t.Fatal(err)
			}
			a := rep.Applied
			if a.Added+a.Deleted+len(a.Created)+len(a.Dropped) != 0 || a.Updated+a.Replaced == 0 || rep.Compared.Differences > len(a.Inexact) {
				t.Errorf("%v: %+v, %+v", only, a, rep.Compared)
			}
			got := byID(c.Dump("nasty"))
			if len(got) != len(x.after) {
				t.Errorf("%v: %d records, want %d", only, len(got), len(x.after))
			}
			for id, after := range x.after {
				for _, k := range chunk.Columns[1:] {
					want := after
					if b, both := x.before[id]; both && slices.Contains(only, k) && (ids == nil || slices.Contains(ids, id)) {
						want = b
					}
					if g, w := field(got[id], k), field(want, k); g != w && len(a.Inexact) == 0 {
						t.Errorf("%v: %.40q %v\nhave %.400s\nwant %.400s", only, id, k, g, w)
					}
				}
			}
			again, err := rollback(restore.Options{Only: only, IDs: ids, DryRun: true})
			if err != nil || !again.Plan.Empty() && len(a.Inexact) == 0 {
				t.Errorf("%v: a second time: %v %+v", only, err, again.Plan)
			}
			if _, err := rollback(restore.Options{Only: []chunk.Kind{chunk.IDs}}); err == nil {
				t.Error("ids are no column to bring back")
			}
			drop(c, "nasty")
			if rep, err = rollback(restore.Options{Only: only}); err != nil || !rep.Plan.Empty() || rep.Plan.Collections[0].Reason == "" {
				t.Errorf("%v: missing: %v %+v", only, err, rep.Plan)
			}
		}
	})
}

// TestPartRenamed brings records back to a collection that has another name now
// and is described otherwise, and leaves both as they are.
func TestPartRenamed(t *testing.T) {
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		c := chromatest.NewClient(t, s)
		x, rollback := spoil(t, c)
		if status, answer := c.Server.Do(t, "PUT", c.Path(x.id), map[string]any{"new_name": "renamed", "new_metadata": map[string]any{"now": "other"}}); status > 299 {
			t.Fatalf("%d %s", status, answer)
		}
		rep, err := rollback(restore.Options{IDs: []string{"plain", "case", stranger}})
		if err != nil || !rep.Verified() {
			t.Fatalf("%v %+v", err, rep.Compared)
		}
		got := byID(c.Dump("renamed"))
		if _, ok := got[stranger]; ok || rawText(got["plain"]) != rawText(x.before["plain"]) || rawText(got["case"]) != rawText(x.before["case"]) {
			t.Errorf("%v", got["plain"])
		}
		if m, _ := c.Collection("renamed")["metadata"].(map[string]any); m["now"] != "other" {
			t.Errorf("%v", m)
		}
	})
}

// TestPartCopied: what a rollback has deleted is known in a copy of the repository
// that has the snapshots under other ids, too, and in a copy of that.
func TestPartCopied(t *testing.T) {
	const recipient = "age17zntu9tcp32jqju3kccdffx4ykv425vl4mt058lv27hcf3u87c7s2l30qg" // nobody's: each repository has ids of its own
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		c := chromatest.NewClient(t, s)
		db, r := opened(t, c, s.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 3))
		good := taken(t, r, db)
		origin := good.ID
		var deleted []string
		for i := range 3 {
			c.Add(id, numbered(3+i, 4+i))
			deleted = append(deleted, fmt.Sprintf("r%04d", 3+i))
			rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{IDs: deleted})
			if err != nil || rep.Applied.Deleted != 1 {
				t.Fatalf("rollback %d, %+v: %v", i, rep.Applied, err)
			}
			other, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{Keys: []repo.NewKey{{Recipient: recipient}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := snapshot.Copy(t.Context(), r, other, snapshot.CopyOptions{}); err != nil {
				t.Fatal(err)
			}
			all, err := other.Snapshots(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r, good = other, all[slices.IndexFunc(all, func(x repo.Snapshot) bool { return x.Origin() == origin })]
		}
	})
}

func merged(a, b map[string]chromatest.RawRecord) map[string]bool {
	out := map[string]bool{}
	for id := range a {
		out[id] = true
	}
	for id := range b {
		out[id] = true
	}
	return out
}

// TestPartWhere brings back what a filter selects, and compares the whole with
// what an independent reader and the server's own filter say.
func TestPartWhere(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 1500))
		before := byID(c.Dump("docs"))
		good := taken(t, r, db)
		const text = `{"$or":[{"n":{"$lt":300}},{"n":{"$gte":1400}}]}`
		f, err := filter.Where([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		selected := map[string]bool{}
		ask := func() {
			for _, x := range c.Get(id, map[string]any{"where": json.RawMessage(text), "include": []string{}})["ids"].([]any) {
				selected[x.(string)] = true
			}
		}
		ask()
		every := numbered(0, 1500)["ids"].([]string)
		c.Update(id, map[string]any{"ids": every[200:500], "metadatas": each(300, map[string]any{"n": 5000})}) // selected now, but not then, are 300 to 499
		c.Delete(id, map[string]any{"ids": every[290:310]})
		c.Add(id, numbered(2000, 2010))
		c.Add(id, map[string]any{"ids": []string{"bare"}, "embeddings": [][]float32{{1, 2, 3}}})
		spoiled := byID(c.Dump("docs"))
		for i := 2000; i < 2010; i++ {
			selected[fmt.Sprintf("r%04d", i)] = true
		}
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Where: f})
		if err != nil || !rep.Verified() {
			t.Fatalf("%v %+v", err, rep.Compared)
		}
		if a := rep.Applied; a.Added != 10 || a.Updated != 90 || a.Deleted != 10 {
			t.Errorf("%+v", a.WriteReport)
		}
		got := byID(c.Dump("docs"))
		for rid := range merged(before, spoiled) {
			want, there := spoiled[rid]
			if selected[rid] {
				want, there = before[rid]
			}
			if g, ok := got[rid]; ok != there || rawText(g) != rawText(want) {
				t.Errorf("%s: %v %s, want %v %s", rid, ok, rawText(g), there, rawText(want))
			}
		}
		if again, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Where: f, DryRun: true}); err != nil || !again.Plan.Empty() {
			t.Errorf("%v %+v", err, again.Plan)
		}
	})
}
