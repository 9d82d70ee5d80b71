package restore_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/snapshot"
)

// keyed are records whose metadata keys older servers take only.
var keyed = map[string]any{
	"ids":        []string{"hash", "dollar", "fine"},
	"embeddings": []any{[]float32{1, 2}, []float32{3, 4}, []float32{5, 6}},
	"metadatas":  []any{map[string]any{"#hash": 1}, map[string]any{"$dollar": 2}, map[string]any{"k": 3}},
}

// TestBetweenVersions restores from one server version into the other and back:
// what the second can hold comes back to the last bit, and the rest is named
// before anything is written.
func TestBetweenVersions(t *testing.T) {
	for _, from := range chromatest.Versions {
		to := chromatest.Newest
		if from == to {
			to = chromatest.Oldest
		}
		t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
			a := chromatest.NewClient(t, chromatest.Shared(t, from))
			b := chromatest.NewClient(t, chromatest.Shared(t, to))
			back := chromatest.NewClient(t, chromatest.Shared(t, from))
			r := rand.New(rand.NewPCG(3, 3))
			unfit := map[string]bool{} // ids that the other version does not take
			for _, space := range []string{"l2", "cosine", "ip"} {
				id := a.CreateCollection("in-"+space, map[string]any{
					"metadata":      map[string]any{"about": space, "x": json.Number("0.1")},
					"configuration": map[string]any{"hnsw": map[string]any{"space": space, "ef_search": 55, "max_neighbors": 20}},
				})
				a.Add(id, nasty(r, 8, false, from == chromatest.Newest, 60))
			}
			unfit["arrays"] = from == chromatest.Newest
			unfit["empty document"] = from == chromatest.Oldest // an empty key, #, $
			if from == chromatest.Oldest {
				a.Add(a.CreateCollection("keyed", nil), keyed)
				unfit["hash"], unfit["dollar"] = true, true
			}

			rp, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{})
			if err != nil {
				t.Fatal(err)
			}
			first := tookAll(t, rp, a)
			rep := restored(t, rp, b, first, restore.Into{}, unfit)
			if got := refused(rep); !maps.Equal(got, only(unfit, a)) {
				t.Errorf("refused %v, want %v", got, only(unfit, a))
			}
			sameRecords(t, a, b, rep, unfit)

			again := restored(t, rp, back, tookAll(t, rp, b), restore.Into{Names: restore.Names{Prefix: "again-"}}, nil)
			for _, name := range names(t, b) {
				want, got := b.Dump(name), back.Dump("again-"+name)
				compareRecords(t, name, want, got, again, nil)
			}
		})
	}
}

func open(t *testing.T, c *chromatest.Client) *chroma.Database {
	t.Helper()
	db, err := chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func tookAll(t *testing.T, r *repo.Repository, c *chromatest.Client) repo.Snapshot {
	t.Helper()
	res, err := snapshot.Take(t.Context(), r, open(t, c), snapshot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res.Snapshot
}

// restored restores a snapshot and demands that what differs then was foretold.
func restored(t *testing.T, r *repo.Repository, c *chromatest.Client, s repo.Snapshot, into restore.Into, unfit map[string]bool) restore.Report {
	t.Helper()
	told := 0
	rep, err := restore.Restore(t.Context(), r, open(t, c), s, into, restore.Options{Confirm: func(p *restore.Plan) (bool, bool, error) {
		if n := len(names(t, c)); n > 0 {
			t.Errorf("%d collections stand there before the plan is confirmed", n)
		}
		told = p.Needs.Unwritable
		return true, false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, d := range rep.Compared.Named {
		if !unfit[d.ID] {
			left++
		}
	}
	if left > len(rep.Applied.Inexact) || len(rep.Applied.Inexact)+len(rep.Applied.Refused) != told {
		t.Errorf("%d unforeseen differences, %d inexact, %d refused, %d foretold: %+v", left, len(rep.Applied.Inexact), len(rep.Applied.Refused), told, rep.Compared)
	}
	return rep
}

func refused(rep restore.Report) map[string]int {
	out := map[string]int{}
	for _, x := range rep.Applied.Refused {
		out[x.ID]++
	}
	return out
}

// only counts the records of these ids.
func only(ids map[string]bool, c *chromatest.Client) map[string]int {
	out := map[string]int{}
	for _, name := range []string{"in-l2", "in-cosine", "in-ip"} {
		for _, r := range c.Dump(name) {
			if ids[r.ID] {
				out[r.ID]++
			}
		}
	}
	for _, id := range []string{"hash", "dollar"} {
		if ids[id] {
			out[id]++
		}
	}
	return out
}

func names(t *testing.T, c *chromatest.Client) (out []string) {
	t.Helper()
	cs, err := open(t, c).Collections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range cs {
		out = append(out, x.Name)
	}
	slices.Sort(out)
	return out
}

func sameRecords(t *testing.T, a, b *chromatest.Client, rep restore.Report, unfit map[string]bool) {
	t.Helper()
	if x, y := names(t, a), names(t, b); !slices.Equal(x, y) {
		t.Fatalf("collections %v, want %v", y, x)
	}
	for _, name := range names(t, a) {
		compareRecords(t, name, a.Dump(name), b.Dump(name), rep, unfit)
	}
}

// compareRecords demands the same records in the same order, but for those that
// were named.
func compareRecords(t *testing.T, name string, want, got []chromatest.RawRecord, rep restore.Report, unfit map[string]bool) {
	t.Helper()
	inexact := map[string]bool{}
	for _, x := range rep.Applied.Inexact {
		inexact[x.Collection+"\x00"+x.ID] = true
	}
	if n := len(inexact); n > 2 {
		t.Errorf("%d values are inexact", n)
	}
	want = slices.DeleteFunc(want, func(r chromatest.RawRecord) bool { return unfit[r.ID] })
	if len(got) != len(want) {
		t.Fatalf("%s: %d records, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if got[i].ID != w.ID {
			t.Fatalf("%s: record %d is %.40q, want %.40q", name, i, got[i].ID, w.ID)
		}
		exact := !slices.ContainsFunc(slices.Collect(maps.Keys(inexact)), func(k string) bool { return strings.HasSuffix(k, "\x00"+w.ID) })
		// One version writes 1e+300, the other 1e300.
		if g, w := strings.ReplaceAll(rawText(got[i]), "e+", "e"), strings.ReplaceAll(rawText(w), "e+", "e"); g != w && exact {
			t.Errorf("%s: %.40q\nhave %.600s\nwant %.600s", name, got[i].ID, g, w)
		}
	}
}

// TestRestoreCrashes kills a restore into an empty database after every other change of
// Chroma and of the store, and demands each time that the same
// command, without a flag, then goes on to the end.
func TestRestoreCrashes(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		x := newCrashes(t, c)
		for at := 1; ; at += 2 {
			x.client = chromatest.NewClient(t, c.Server)
			finished := x.child(t, "into "+x.good.DisplayID(), at)
			r := x.open(t, at)
			x.db = open(t, x.client)
			rep, err := restore.Restore(t.Context(), r, x.db, x.good, restore.Into{}, restore.Options{})
			if err != nil || !rep.Verified() {
				t.Fatalf("event %d: %v, %+v", at, err, rep.Compared)
			}
			x.same(t, at)
			if finished {
				break
			}
		}
	})
}
