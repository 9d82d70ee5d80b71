package restore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync/atomic"
	"testing"

	"autochrome/chroma"
	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/tree"
)

// counting is a proxy that counts the writes that a server has carried out.
type counting struct {
	*httptest.Server
	writes atomic.Int64
	bytes  atomic.Int64
}

func newCounting(t *testing.T, target string) *counting {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		last := path.Base(r.Request.URL.Path)
		if r.Request.Method != http.MethodGet && last != "get" && last != "count" && r.StatusCode < 300 {
			c.writes.Add(1)
			c.bytes.Add(max(0, r.Request.ContentLength))
		}
		return nil
	}
	c.Server = httptest.NewServer(proxy)
	t.Cleanup(c.Close)
	return c
}

// TestDryRun demands that a dry run changes nothing, and that the rollback then
// makes the requests that it told.
func TestDryRun(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		arrays := c.Server.Version == chromatest.Newest
		through := newCounting(t, c.Server.URL())
		db, r := opened(t, c, through.URL)
		rnd := rand.New(rand.NewPCG(3, 3))
		ids := map[string]string{}
		var names []string
		for i := range ways {
			name := fmt.Sprintf("way-%d", i)
			names = append(names, name)
			ids[name] = c.CreateCollection(name, map[string]any{
				"metadata":      map[string]any{"description": "nasty", "hnsw:search_ef": 50},
				"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}},
			})
			c.Add(ids[name], nasty(rnd, 8, false, arrays, 40))
		}
		many := c.CreateCollection("many", nil)
		for i := 0; i < 7000; i += 1000 {
			c.Add(many, numbered(i, i+1000))
		}
		renamed := c.CreateCollection("renamed", nil)
		c.Add(renamed, numbered(0, 5))
		good := taken(t, r, db)
		for i, name := range names {
			ways[i].do(c, name, ids[name], c.Dump(name))
		}
		every := numbered(0, 7000)["ids"].([]string)
		c.Delete(many, map[string]any{"ids": every[100:2700]})
		c.Update(many, map[string]any{"ids": every[3000:5400], "metadatas": each(2400, map[string]any{"bad": true})})
		c.Update(many, map[string]any{"ids": every[5400:5500], "uris": each(100, "cannot be cleared")})
		c.Add(many, numbered(8000, 9500))
		if status, answer := c.Server.Do(t, "PUT", c.Path(renamed), map[string]any{"new_name": "another", "new_metadata": map[string]any{"a": 1}}); status > 299 {
			t.Fatalf("%d %s", status, answer)
		}
		extra := c.CreateCollection("extra", nil)
		c.Add(extra, numbered(0, 4))
		if arrays {
			c.Update(extra, map[string]any{"ids": []string{"r0001"}, "metadatas": each(1, map[string]any{"a": []int{1, 2}})})
		}

		before := everything(t, c)
		through.writes.Store(0)
		counted := map[string]int{}
		dry, err := restore.Rollback(t.Context(), r, db, good, restore.Options{DryRun: true, DropExtra: true,
			Records: func(d restore.RecordDiff) error { counted[d.Op.String()]++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		if n := through.writes.Load(); n != 0 {
			t.Errorf("a dry run made %d writes", n)
		}
		if everything(t, c) != before {
			t.Error("a dry run changed something")
		}
		a, u, d := dry.Plan.Totals()
		if counted["added"] != a || counted["changed"] != u || counted["removed"] != d+4 {
			t.Errorf("%v are listed, and %d %d %d planned, besides 4 of extra", counted, a, u, d)
		}

		through.bytes.Store(0)
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{DropExtra: true})
		if err != nil {
			t.Fatal(err)
		}
		need := dry.Plan.Needs
		if n := through.writes.Load(); int(n) != need.Requests || need.Requests < 25 {
			t.Errorf("%d writes, and %d were told", n, need.Requests)
		}
		if n := through.bytes.Load(); n != need.Bytes {
			t.Errorf("%d bytes, and %d were told", n, need.Bytes)
		}
		if need.Millis <= 0 {
			t.Errorf("it is told to take %d ms", need.Millis)
		}
		if n := len(rep.Applied.Inexact) + len(rep.Applied.Refused); n != need.Unwritable || need.Unwritable != len(need.Inexact)+len(need.Refused) {
			t.Errorf("%d were told not to be writable, and %d were not", need.Unwritable, n)
		}
		if rep.Compared.Differences > need.Unwritable || rep.Compared.Settled > 0 {
			t.Errorf("%+v", rep.Compared)
		}
	})
}

// everything is a database as text.
func everything(t *testing.T, c *chromatest.Client) (text string) {
	t.Helper()
	var all []struct{ Name string }
	_, answer, err := c.Server.Try("GET", c.Path(), nil)
	if err == nil {
		err = json.Unmarshal(answer, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		name := x.Name
		text += fmt.Sprintln(name, c.Collection(name))
		for _, r := range c.Dump(name) {
			text += fmt.Sprintln(r.ID, rawText(r))
		}
	}
	return text
}

// TestUnwritable demands that what a server cannot hold is told before anything
// is written, and that the rest is written.
func TestUnwritable(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		newest := c.Server.Version == chromatest.Newest
		through := newCounting(t, c.Server.URL())
		db, r := opened(t, c, through.URL)
		vector := []float32{1, 2, 3}
		record := func(id string, m map[string]chunk.Value) chunk.Record {
			var fields []chunk.Field
			for k, v := range m {
				fields = append(fields, chunk.Field{Key: k, Value: v})
			}
			md, err := chunk.NewMetadata(fields)
			if err != nil {
				t.Fatal(err)
			}
			return chunk.Record{ID: id, Embedding: vector, Metadata: md}
		}
		one := chunk.Value{Type: chunk.Int, Int: 1}
		records := []chunk.Record{
			record("fine", map[string]chunk.Value{"k": one}),
			record("negative zero", map[string]chunk.Value{"z": {Type: chunk.Float, Float: negativeZero()}}),
			record("array", map[string]chunk.Value{"a": {Type: chunk.Array, Array: []chunk.Value{one, one}}}),
			record("hash", map[string]chunk.Value{"#": one}),
			record("dollar", map[string]chunk.Value{"$k": one}),
			record("empty key", map[string]chunk.Value{"": one}),
			{ID: "no embedding"},
			{ID: "null", Embedding: vector, Null: []bool{false, true, false}},
		}
		want := map[string]bool{"negative zero": true, "no embedding": true, "null": true,
			"array": !newest, "hash": newest, "dollar": newest, "empty key": newest}
		s := madeUp(t, r, db, "docs", records)

		for _, there := range []bool{false, true} { // nothing at all, then another collection
			if there {
				c.CreateCollection("other", nil)
			}
			dry, err := restore.Rollback(t.Context(), r, db, s, restore.Options{DryRun: true})
			if err != nil {
				t.Fatal(err)
			}
			named := map[string]bool{}
			for _, x := range dry.Plan.Needs.Inexact {
				named[x.ID] = true
				if x.Collection != "docs" || x.Stored == "" {
					t.Errorf("%+v", x)
				}
			}
			for _, x := range dry.Plan.Needs.Refused {
				named[x.ID] = true
				if x.Collection != "docs" || x.Reason == "" {
					t.Errorf("%+v", x)
				}
			}
			for _, x := range records {
				if named[x.ID] != want[x.ID] {
					t.Errorf("%s is told to be unwritable: %v", x.ID, named[x.ID])
				}
			}
		}
		if n := through.writes.Load(); n != 0 {
			t.Errorf("a dry run made %d writes", n)
		}
		rep, err := restore.Rollback(t.Context(), r, db, s, restore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		unwritable := 0
		for _, x := range records {
			if want[x.ID] {
				unwritable++
			}
		}
		if n := int(through.writes.Load()); n != rep.Plan.Needs.Requests || rep.Compared.Differences != unwritable {
			t.Errorf("%d writes: %+v %+v", n, rep.Plan.Needs, rep.Compared)
		}
	})
}

func negativeZero() float64 { return math.Copysign(0, -1) }

// madeUp is a snapshot of records that no server holds.
func madeUp(t *testing.T, r *repo.Repository, db *chroma.Database, name string, records []chunk.Record) (out repo.Snapshot) {
	t.Helper()
	base := taken(t, r, db)
	err := r.Write(t.Context(), func(w *repo.Writer) error {
		d := chunk.CollectionDescription{Dimension: len(records[0].Embedding), Configuration: []byte(`{"hnsw":{"space":"l2"}}`)}
		c := tree.Collection{Tenant: db.Tenant(), Database: db.Database(), Name: name}
		var err error
		if c.Description, err = tree.SaveDescription(t.Context(), w, d); err != nil {
			return err
		}
		recs := chunk.NewRecords(d.Dimension)
		for _, x := range records {
			recs.Append(x)
		}
		b := tree.NewBuilder(w, d.Dimension)
		if err := b.Add(t.Context(), recs); err != nil {
			return err
		}
		if c.Height, c.Top, err = b.Finish(t.Context()); err != nil {
			return err
		}
		s := base
		if s.Root, err = tree.SaveRoot(t.Context(), w, []tree.Collection{c}, base.Root); err != nil {
			return err
		}
		s.Parent = &base.ID
		s.Collections = []repo.CollectionInfo{{Name: name, Records: int64(len(records)), Capture: base.Capture}}
		out, err = w.SaveSnapshot(t.Context(), s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
