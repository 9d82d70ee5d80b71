package restore_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/restore"
)

func renameTo(t *testing.T, c *chromatest.Client, id, name string) {
	t.Helper()
	if status, answer := c.Server.Do(t, "PUT", c.Path(id), map[string]any{"new_name": name}); status > 299 {
		t.Fatalf("%d %s", status, answer)
	}
}

func inSpace(space string) map[string]any {
	return map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": space}}}
}

// TestDropRenamed: somebody renames what is to be dropped, and makes another one
// under its name, as migrations do. Neither is touched, and the next run knows
// of both.
func TestDropRenamed(t *testing.T) {
	into := restore.Into{Over: restore.OverAll}
	for _, x := range []struct {
		name, planned  string
		space          string // that the planned one has; docs was l2
		replace        bool   // by a restore into another database
		strict, inSwap bool
	}{
		{name: "extra", planned: "extra", space: "l2"},
		{name: "extra, strict", planned: "extra", space: "l2", strict: true},
		{name: "made anew", planned: "docs", space: "cosine"},
		{name: "made anew, strict", planned: "docs", space: "cosine", strict: true},
		{name: "replaced", planned: "docs", space: "cosine", replace: true},
		{name: "swapped", planned: "docs", space: "l2", inSwap: true},
		{name: "swapped, strict", planned: "docs", space: "l2", inSwap: true, strict: true},
	} {
		t.Run(x.name, func(t *testing.T) {
			chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
				db, r := opened(t, c, c.Server.URL())
				c.Add(c.CreateCollection("docs", inSpace("l2")), numbered(0, 10))
				good := taken(t, r, db)
				back := func(o restore.Options) (restore.Report, error) { return restore.Rollback(t.Context(), r, db, good, o) }
				switch {
				case x.replace:
					c = chromatest.NewClient(t, c.Server)
					back = func(o restore.Options) (restore.Report, error) {
						return restore.Restore(t.Context(), r, open(t, c), good, into, o)
					}
				case x.planned == "docs":
					c.DeleteCollection("docs")
				}
				id := c.CreateCollection(x.planned, inSpace(x.space))
				c.Add(id, withArrays(c, 20))
				before := c.Dump(x.planned)
				o := meanwhile(func() {
					renameTo(t, c, id, x.planned+"-old")
					c.Add(c.CreateCollection(x.planned, inSpace("l2")), numbered(100, 130))
				})
				o.Strict, o.Swap = x.strict, x.inSwap
				rep, err := back(o)
				if err == nil || !strings.Contains(err.Error(), `it was renamed to "`+x.planned+`-old" meanwhile, and was not dropped`) {
					t.Errorf("%v, %+v", err, rep.Applied)
				}
				if n, after := len(c.Dump(x.planned)), c.Dump(x.planned+"-old"); n != 30 || !reflect.DeepEqual(after, before) {
					t.Errorf("the new one has %d records, the renamed one %d", n, len(after))
				}
				if len(rep.Applied.Dropped) != 0 || rep.Verified() {
					t.Errorf("%+v", rep.Applied)
				}
				again, err := back(restore.Options{DropExtra: true, Swap: x.inSwap})
				if err != nil || !again.Verified() {
					t.Fatalf("again: %v, %+v", err, again.Compared)
				}
				if got := recordsIn(t, r, *again.PreRollback, x.planned); len(got) != 30 {
					t.Errorf("the new one was recorded with %d records", len(got))
				}
			})
		})
	}
}

// TestDropRenamedLate: it is renamed after it was looked at: while it is read
// once more, or while its records with arrays are deleted.
func TestDropRenamedLate(t *testing.T) {
	for verb, left := range map[string]int{"get": 1100, "delete": 100} {
		t.Run(verb, func(t *testing.T) {
			chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
				if verb == "delete" && c.Server.Version != chromatest.Newest {
					return // it has no arrays, and so nothing is deleted
				}
				direct, r := opened(t, c, c.Server.URL())
				c.CreateCollection("docs", nil)
				good := taken(t, r, direct)
				id := c.CreateCollection("extra", nil)
				c.Add(id, withArrays(c, 1100))
				var asked, done atomic.Bool
				proxy := proxied(t, c, func(req *http.Request, _ []byte) bool {
					return asked.Load() && strings.HasSuffix(req.URL.Path, id+"/"+verb) && !done.Swap(true)
				}, func(*http.Request) {
					renameTo(t, c, id, "extra-old")
					c.Add(c.CreateCollection("extra", nil), numbered(5000, 5030))
				})
				db, err := chroma.Open(t.Context(), chroma.Options{URL: proxy, Tenant: c.Tenant, Database: c.Database})
				if err != nil {
					t.Fatal(err)
				}
				rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() { asked.Store(true) }))
				if err == nil || !strings.Contains(err.Error(), `renamed to "extra-old"`) || len(rep.Applied.Dropped) != 0 {
					t.Errorf("%v, %+v", err, rep.Applied)
				}
				if n, m := len(c.Dump("extra")), len(c.Dump("extra-old")); n != 30 || m != left {
					t.Errorf("the new one has %d records, the renamed one %d", n, m)
				}
			})
		})
	}
}

// TestNameTaken: a collection that is to be renamed back finds another one under
// its name that came after the plan. That is no plan's to move, so nothing is
// changed; the next run has it in its plan.
func TestNameTaken(t *testing.T) {
	for _, x := range []struct {
		name              string
		before, meanwhile func(t *testing.T, c *chromatest.Client, docs, archive string)
	}{
		{
			"a new one",
			func(t *testing.T, c *chromatest.Client, docs, _ string) { renameTo(t, c, docs, "docs-v2") },
			func(*testing.T, *chromatest.Client, string, string) {},
		},
		{
			"in place of one that was to be dropped",
			func(t *testing.T, c *chromatest.Client, docs, _ string) {
				renameTo(t, c, docs, "docs-v2")
				c.CreateCollection("docs", nil)
			},
			func(_ *testing.T, c *chromatest.Client, _, _ string) { c.DeleteCollection("docs") },
		},
		{
			"in place of one of two that had their names exchanged",
			func(t *testing.T, c *chromatest.Client, docs, archive string) {
				renameTo(t, c, docs, "between")
				renameTo(t, c, archive, "docs")
				renameTo(t, c, docs, "archive")
			},
			func(t *testing.T, c *chromatest.Client, _, archive string) { renameTo(t, c, archive, "archive-v2") },
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
				db, r := opened(t, c, c.Server.URL())
				docs, archive := c.CreateCollection("docs", nil), c.CreateCollection("archive", nil)
				c.Add(docs, numbered(0, 10))
				good := taken(t, r, db)
				x.before(t, c, docs, archive)
				found := ""
				rep, err := restore.Rollback(t.Context(), r, db, good, meanwhile(func() {
					x.meanwhile(t, c, docs, archive)
					c.Add(c.CreateCollection("docs", nil), numbered(100, 130))
					found = everything(t, c)
				}))
				if err == nil || !strings.Contains(err.Error(), `collection "docs": somebody has given its name to another one meanwhile`) {
					t.Errorf("%v, %+v", err, rep.Applied)
				}
				if got := everything(t, c); got != found {
					t.Errorf("it was\n%s\nand is\n%s", found, got)
				}
				again, err := restore.Rollback(t.Context(), r, db, good, restore.Options{DropExtra: true})
				if err != nil || !again.Verified() || !slices.Equal(again.Plan.Blocked, []string{"docs"}) {
					t.Fatalf("again: %v, %+v", err, again.Plan)
				}
				if got := recordsIn(t, r, *again.PreRollback, "docs"); len(got) != 30 {
					t.Errorf("the new one was recorded with %d records", len(got))
				}
			})
		})
	}
}
