package snapshot_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
	"autochrome/tree"
)

// TestSalvage damages the packs of a snapshot at many places: after the packs
// were repaired, what is left of it is whole, as it was, and all but what was
// named.
func TestSalvage(t *testing.T) {
	be := new(backend.Memory)
	r, err := repo.Init(t.Context(), be, repo.InitOptions{})
	must := endsWith(t)
	must(err)
	src := newFake()
	for c := range 2 {
		id := src.create(fmt.Sprint("c", c))
		for i := range 400 {
			src.put(id, version(fmt.Sprintf("r%03d", i), i))
		}
	}
	res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
	must(err)
	want := recordsOf(t, r, res.Snapshot)
	all, err := backend.Names(t.Context(), be, "packs/")
	must(err)
	some, none, whole := 0, 0, 0
	for _, name := range all {
		file, err := backend.LoadAll(t.Context(), be, name)
		must(err)
		for at := 3; at < len(file); at += 1 + len(file)/90 {
			damaged := be.Clone()
			bad := []byte(string(file))
			bad[at] ^= 4
			must(damaged.Save(t.Context(), name, bad))
			r, err := repo.Open(t.Context(), damaged)
			must(err)
			_, err = r.RepairPacks(t.Context(), repo.PackRepairOptions{Planned: func(repo.PackRepair) error { return nil }})
			must(err)
			l, lacks, err := snapshot.FindLacking(t.Context(), r, res.Snapshot, nil)
			must(err)
			if !lacks {
				whole++
				continue
			}
			if l.Err != nil {
				none++
				continue
			}
			some++
			made, err := snapshot.Salvage(t.Context(), r, l, nil, "")
			must(err)
			got := recordsOf(t, r, made)
			for id, rec := range got {
				if want[id] != rec {
					t.Fatalf("byte %d: %s is %s, want %s", at, id, rec, want[id])
				}
			}
			unreadable := 0
			for _, c := range l.Collections {
				if c.Whole != nil {
					unreadable++
				}
			}
			if int64(len(want)-len(got)) != l.Records() || l.Records() == 0 || len(made.Unreadable) != unreadable {
				t.Fatalf("byte %d: %d of %d records are left, and %d are said to be lost; unreadable %v", at, len(got), len(want), l.Records(), made.Unreadable)
			}
			if made.Good() || made.Time != res.Snapshot.Time || made.Tags[repo.TagRepaired] != res.Snapshot.DisplayID() || !strings.Contains(made.Suspect, "left of") {
				t.Fatalf("its record is %+v", made)
			}
			if _, lacks, err := snapshot.FindLacking(t.Context(), r, made, nil); lacks || err != nil {
				t.Fatalf("byte %d: what is left is not whole: %v", at, err)
			}
		}
	}
	if some == 0 || none == 0 || whole == 0 {
		t.Errorf("%d times some was lost, %d times all, %d times nothing", some, none, whole)
	}
}

// TestLackingByForgedCount: a collection whose top says that it has far more
// records than there are lacks them all, and to count them takes no memory.
func TestLackingByForgedCount(t *testing.T) {
	const many = 4_000_000
	r, err := repo.Init(t.Context(), new(backend.Memory), repo.InitOptions{})
	must := endsWith(t)
	must(err)
	src := newFake()
	src.put(src.create("docs"), version("r", 1))
	res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
	must(err)
	forged := res.Snapshot
	must(r.Write(t.Context(), func(w *repo.Writer) error {
		cs, err := tree.NewReader(w).Collections(t.Context(), forged.Root)
		if err != nil {
			return err
		}
		cs[0].Top.Count = many
		if forged.Root, err = tree.SaveRoot(t.Context(), w, cs, tree.Root{}); err == nil {
			forged, err = w.SaveSnapshot(t.Context(), forged)
		}
		return err
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l, lacks, err := snapshot.FindLacking(t.Context(), r, forged, nil)
	runtime.ReadMemStats(&after)
	if err != nil || !lacks || l.Records() != many {
		t.Errorf("%d records are lost: %v", l.Records(), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// recordsOf gives the records of a snapshot as text, by collection and id.
func recordsOf(t *testing.T, r *repo.Repository, s repo.Snapshot) map[string]string {
	t.Helper()
	out := map[string]string{}
	reader := tree.NewReader(r)
	cs, err := reader.Collections(t.Context(), s.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cs {
		err := reader.Groups(t.Context(), c, func(_ int64, g tree.Group) error {
			recs, err := reader.Records(t.Context(), g)
			for i := range g.Count {
				one := chunk.NewRecords(2)
				if err != nil {
					break
				}
				one.AppendRecords(recs, i, 1)
				text := ""
				for _, column := range one.Columns {
					text += string(column.AppendCanonical(nil))
				}
				out[c.Name+"/"+string(recs.ID(i))] = text
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
