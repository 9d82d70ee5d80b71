package restore_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/restore"
	"autochrome/snapshot"
)

// describedAs is a collection as the server describes it, but for what must
// differ of one that was made anew.
func describedAs(c *chromatest.Client, name string) map[string]any {
	d := maps.Clone(c.Collection(name))
	for _, field := range []string{"id", "log_position", "version"} {
		delete(d, field)
	}
	if m, ok := d["metadata"].(map[string]any); ok && len(m) == 0 {
		d["metadata"] = nil
	}
	// What the server has learned of the records' keys is never forgotten.
	if s, ok := d["schema"].(map[string]any); ok {
		for key := range s["keys"].(map[string]any) {
			if !strings.HasPrefix(key, "#") {
				delete(s["keys"].(map[string]any), key)
			}
		}
	}
	return d
}

func idOf(c *chromatest.Client, name string) string { return c.Collection(name)["id"].(string) }

// reader asks for a collection by its name all the time, and counts what it
// finds.
type reader struct {
	stop, done chan struct{}
	counts     map[int]int
	missing    int
}

func readAll(c *chromatest.Client, name string) *reader {
	r := &reader{stop: make(chan struct{}), done: make(chan struct{}), counts: map[int]int{}}
	go func() {
		defer close(r.done)
		for {
			select {
			case <-r.stop:
				return
			default:
			}
			var found struct{ ID string }
			status, answer, err := c.Server.Try("GET", c.Path(name), nil)
			if err == nil && status == 200 && json.Unmarshal(answer, &found) == nil {
				status, answer, err = c.Server.Try("GET", c.Path(found.ID, "count"), nil)
			}
			var n int
			if err != nil || status != 200 || json.Unmarshal(answer, &n) != nil {
				r.missing++
				continue
			}
			r.counts[n]++
		}
	}()
	return r
}

func (r *reader) end() {
	close(r.stop)
	<-r.done
}

// TestSwap goes back by swaps: a collection that lost records, one that needs
// another space, one that is missing, one that was renamed only and one that is
// as it was. Who reads the first finds what was or what shall be.
func TestSwap(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		through := newCounting(t, c.Server.URL())
		db, r := opened(t, c, through.URL)
		arrays := c.Server.Version == chromatest.Newest
		rnd := rand.New(rand.NewPCG(8, 8))
		names := []string{"docs", "spaced", "missing", "named", "same"}
		ids := map[string]string{}
		for i, name := range names {
			body := map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": []string{"l2", "cosine"}[i%2], "ef_search": 50 + i}}}
			if i%2 == 0 {
				body["metadata"] = map[string]any{"about": name, "x": json.Number("0.1"), "hnsw:sync_threshold": 100}
			}
			ids[name] = c.CreateCollection(name, body)
			c.Add(ids[name], nasty(rnd, 8, false, arrays, 20))
		}
		good := taken(t, r, db)
		want, descriptions := map[string][]chromatest.RawRecord{}, map[string]map[string]any{}
		for _, name := range names {
			want[name], descriptions[name] = c.Dump(name), describedAs(c, name)
		}
		ways[0].do(c, "docs", ids["docs"], want["docs"])
		ways[2].do(c, "docs", ids["docs"], c.Dump("docs"))
		drop := func(name string) { // so that nothing is left for others to inherit; see arrays.go
			c.Delete(idOf(c, name), map[string]any{"ids": idsOf(c.Dump(name), 1, 0)})
			c.DeleteCollection(name)
		}
		drop("spaced")
		c.Add(c.CreateCollection("spaced", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "ip"}}}), numbered(0, 10))
		drop("missing")
		renameTo(t, c, ids["named"], "renamed")
		less := len(c.Dump("docs"))
		bad := c.Dump("docs")

		dry, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		if now := c.Dump("docs"); len(now) != less || len(dry.Plan.Extra) > 0 || dry.Plan.Needs.Requests == 0 {
			t.Errorf("a dry run left %d records; plan %+v", len(now), dry.Plan)
		}
		through.writes.Store(0)
		reading := readAll(c, "docs")
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true})
		reading.end()
		if err != nil || !rep.Verified() {
			t.Fatalf("%v, %+v", err, rep.Compared)
		}
		if n := through.writes.Load(); int(n) != dry.Plan.Needs.Requests {
			t.Errorf("%d writes, and %d were told", n, dry.Plan.Needs.Requests)
		}
		full := len(want["docs"])
		for n, times := range reading.counts {
			if n != less && n != full {
				t.Errorf("a reader found %d records %d times", n, times)
			}
		}
		t.Logf("readers found: %v, and %d times nobody", reading.counts, reading.missing)
		if rep.Compared.Settled != 0 {
			t.Errorf("%d records inherited arrays", rep.Compared.Settled)
		}
		swapped := slices.Sorted(slices.Values(rep.Applied.Swapped))
		if !slices.Equal(swapped, []string{"docs", "missing", "spaced"}) || len(rep.Applied.Beside)+len(rep.Applied.Created)+len(rep.Applied.Dropped) > 0 {
			t.Errorf("%+v", rep.Applied)
		}
		for _, name := range names {
			got := c.Dump(name)
			compareRecords(t, name, want[name], got, rep, nil)
			if d := describedAs(c, name); !reflect.DeepEqual(d, descriptions[name]) {
				t.Errorf("%s\nhave %v\nwant %v", name, d, descriptions[name])
			}
			if anew := idOf(c, name) != ids[name]; anew != (name != "named" && name != "same") {
				t.Errorf("%s: is made anew: %v", name, anew)
			}
		}
		if n := collections(t, db); n != len(names) {
			t.Errorf("%d collections are there", n)
		}
		for _, o := range []restore.Options{{DryRun: true}, {DryRun: true, Swap: true}} {
			if again, err := restore.Rollback(t.Context(), r, db, good, o); err != nil || !again.Plan.Empty() {
				t.Errorf("again: %v, %+v", err, again.Plan)
			}
		}
		if name, err := snapshot.SourceName(t.Context(), r, db); err != nil || name != good.Source {
			t.Errorf("the source is %q now, %v", name, err)
		}
		if after := taken(t, r, db); after.Source != good.Source || after.Root.Logical != good.Root.Logical {
			t.Errorf("%s, %v; want %s, %v", after.Source, after.Root.Logical, good.Source, good.Root.Logical)
		}
		back, err := restore.Rollback(t.Context(), r, db, *rep.PreRollback, restore.Options{Swap: true, DropExtra: true})
		if err != nil || !back.Verified() || back.Compared.Settled != 0 {
			t.Fatalf("%v, %+v", err, back.Compared)
		}
		compareAll(t, c, back, map[string][]chromatest.RawRecord{"docs": bad})

		for _, name := range []string{"docs", "spaced", "renamed", "same"} {
			drop(name)
		}
		c.Add(c.CreateCollection("heir", nil), numbered(0, 400))
		for _, x := range c.Dump("heir") {
			if len(x.Metadata) != 1 {
				t.Fatalf("%s inherited %v", x.ID, x.Metadata)
			}
		}
	})
}

func collections(t *testing.T, db *chroma.Database) int {
	t.Helper()
	cs, err := db.Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(cs)
}

// TestCachedIDs measures what a client sees that knows a collection's server id
// from before a swap.
func TestCachedIDs(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		c.Add(c.CreateCollection("docs", nil), numbered(0, 20))
		good := taken(t, r, db)
		spoil := func() (id string) {
			id = idOf(c, "docs")
			c.Delete(id, map[string]any{"ids": idsOf(c.Dump("docs"), 2, 0)})
			return id
		}
		verbs := map[string]any{
			"get":    map[string]any{},
			"add":    numbered(100, 101),
			"upsert": numbered(1, 2),
			"update": map[string]any{"ids": []string{"r0001"}, "documents": []string{"late"}},
			"delete": map[string]any{"ids": []string{"r0003"}},
			"query":  map[string]any{"query_embeddings": [][]float32{{1, 2, 3}}, "n_results": 1},
		}
		id := spoil()
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true})
		if err != nil || !rep.Verified() {
			t.Fatalf("%v, %+v", err, rep.Compared)
		}
		for verb, body := range verbs {
			if status, answer := c.Server.Do(t, "POST", c.Path(id, verb), body); status != 404 {
				t.Errorf("%s by the id of a dropped collection: %d %s", verb, status, answer)
			}
		}
		if status, _ := c.Server.Do(t, "GET", c.Path(id, "count"), nil); status != 404 {
			t.Errorf("count by the id of a dropped collection: %d", status)
		}

		id = spoil()
		rep, err = restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true, KeepOld: true})
		if err != nil || !rep.Verified() || len(rep.Applied.Beside) != 1 {
			t.Fatalf("%v, %+v", err, rep)
		}
		for _, verb := range []string{"get", "add", "upsert", "update", "delete", "query"} {
			if status, answer := c.Server.Do(t, "POST", c.Path(id, verb), verbs[verb]); status > 201 {
				t.Errorf("%s by the id of a kept collection: %d %s", verb, status, answer)
			}
		}
		beside := rep.Applied.Beside[0].Name
		if n := len(c.Dump(beside)); n != 10 || idOf(c, beside) != id {
			t.Errorf("%s has %d records", beside, n)
		}
		if n := len(c.Dump("docs")); n != 20 {
			t.Errorf("docs has %d records: what was written to the old one got into the new one", n)
		}
		docs := []string{"docs"}
		for _, o := range []restore.Options{{DryRun: true}, {DryRun: true, Swap: true}, {DryRun: true, Collections: docs}, {DryRun: true, Collections: docs, Swap: true}} {
			if again, err := restore.Rollback(t.Context(), r, db, good, o); err != nil || !again.Plan.Empty() {
				t.Errorf("again: %v, %+v", err, again.Plan)
			}
		}

		// What came late is recorded before the old one goes.
		before := c.Dump(beside)
		gone, err := restore.DropOld(t.Context(), r, db, good, restore.Options{})
		if err != nil || !slices.Equal(gone.Applied.Dropped, []string{beside}) || collections(t, db) != 1 {
			t.Fatalf("%v, %+v", err, gone.Applied)
		}
		if got := recordsIn(t, r, *gone.PreRollback, beside); len(got) != 10 || *got["r0001"].Document != "late" {
			t.Errorf("%d records of the old one are recorded: %v", len(got), got["r0001"])
		}
		if _, err := restore.DropOld(t.Context(), r, db, good, restore.Options{}); !errors.As(err, new(*restore.NoneKeptError)) {
			t.Errorf("dropped again: %v", err)
		}
		back, err := restore.Rollback(t.Context(), r, db, *gone.PreRollback, restore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		compareAll(t, c, back, map[string][]chromatest.RawRecord{beside: before})
	})
}

// TestSwapLate writes to a collection after the state before was recorded, and
// in the gap, and demands that it is kept, or with strict that nothing is done.
func TestSwapLate(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		direct, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 100))
		good := taken(t, r, direct)
		c.Delete(id, map[string]any{"ids": idsOf(c.Dump("docs"), 2, 0)})

		late := func(document string) {
			c.Update(idOf(c, "docs"), map[string]any{"ids": []string{"r0001"}, "documents": []string{document}})
		}
		o := meanwhile(func() { late("first") })
		o.Swap, o.Strict = true, true
		rep, err := restore.Rollback(t.Context(), r, direct, good, o)
		if !errors.Is(err, restore.ErrWriting) || idOf(c, "docs") != id || collections(t, direct) != 1 {
			t.Fatalf("strict: %v, %+v", err, rep.Applied)
		}

		// The proxy writes by the old id right behind the first rename.
		var done atomic.Bool
		proxy := proxied(t, c, func(req *http.Request, body []byte) bool { return req.Method == http.MethodPut }, func(*http.Request) {
			if !done.Swap(true) {
				c.Add(id, numbered(500, 501))
			}
		})
		db, err := chroma.Open(t.Context(), chroma.Options{URL: proxy, Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		o = meanwhile(func() { late("second") })
		o.Swap = true
		rep, err = restore.Rollback(t.Context(), r, db, good, o)
		if err != nil || !rep.Verified() || collections(t, direct) != 1 {
			t.Fatalf("%v, %+v", err, rep.Applied)
		}
		got := recordsIn(t, r, newest(t, rep), "docs")
		if len(got) != 51 || *got["r0001"].Document != "second" || got["r0500"].Document == nil || rep.Late.Records != 2 {
			t.Errorf("%d records are kept, %d late: %v, %v", len(got), rep.Late.Records, got["r0001"], got["r0500"])
		}
		if n := len(c.Dump("docs")); n != 100 {
			t.Errorf("docs has %d records", n)
		}
	})
}

// TestSwapLeavesOthers has collections of users that look like those of a swap,
// and one of another repository's.
func TestSwapLeavesOthers(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 20))
		good := taken(t, r, db)
		of := func(name, repository, is string) map[string]any {
			text, err := json.Marshal(map[string]string{"is": is, "name": name, "of": "docs", "snapshot": good.ID.String(), "repository": repository})
			if err != nil {
				t.Fatal(err)
			}
			return map[string]any{"metadata": map[string]any{"autochrome-swap": string(text)}}
		}
		const ours, copied = "docs-autochrome-swap-abcdefgh", "docs-autochrome-swap-copied"
		c.CreateCollection(ours, of(ours, r.ID(), "new"))
		c.CreateCollection("docs-autochrome-old-abcdefgh", of("docs-autochrome-old-abcdefgh", r.ID(), "old"))
		users := []string{"docs-autochrome-old-users", copied, "docs-autochrome-swap-another", "user-docs"}
		c.CreateCollection(users[0], nil)
		c.CreateCollection(users[1], of(ours, r.ID(), "new"))
		c.CreateCollection(users[2], of(users[2], "of-another", "new"))
		c.CreateCollection(users[3], of(users[3], r.ID(), "new"))
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(rep.Applied.Dropped) != 2 || collections(t, db) != 1+len(users) || idOf(c, "docs") != id {
			t.Errorf("dropped %v", rep.Applied.Dropped)
		}
		for _, name := range users {
			c.Collection(name)
		}
		if !slices.Equal(slices.Sorted(slices.Values(rep.Kept)), slices.Sorted(slices.Values(users))) {
			t.Errorf("kept %v", rep.Kept)
		}
	})
}

// TestSwapAnew makes a collection anew that is as it shall be.
func TestSwapAnew(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 20))
		good := taken(t, r, db)
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true, Anew: true, Queries: 5})
		if err != nil || !rep.Verified() || rep.Compared.Records != 20 || len(rep.Queries) != 1 || rep.Queries[0].Broken() != "" {
			t.Fatalf("%v, %+v, %+v", err, rep.Compared, rep.Queries)
		}
		if idOf(c, "docs") == id || collections(t, db) != 1 || len(c.Dump("docs")) != 20 {
			t.Error("it was not made anew")
		}
	})
}
