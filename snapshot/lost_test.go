package snapshot_test

import (
	"fmt"
	"testing"

	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// TestTakeAfterLoss damages a snapshot at many places: once the packs are repaired
// the next one is taken, whole, whatever the earlier one has lost.
func TestTakeAfterLoss(t *testing.T) {
	be := new(backend.Memory)
	r, err := repo.Init(t.Context(), be, repo.InitOptions{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	src, id := filled(700)
	_, err = snapshot.Take(t.Context(), r, src, snapshot.Options{})
	must(err)
	all, err := backend.Names(t.Context(), be, "packs/")
	must(err)
	lost := 0
	for _, changed := range []bool{false, true} {
		if changed {
			for i := 0; i < 700; i += 50 {
				src.put(id, version(fmt.Sprintf("r%05d", i), i+1))
			}
		}
		for _, name := range all {
			file, err := backend.LoadAll(t.Context(), be, name)
			must(err)
			for at := 25; at < len(file); at += 1 + len(file)/60 {
				damaged := be.Clone()
				bad := []byte(string(file))
				bad[at] ^= 4
				must(damaged.Save(t.Context(), name, bad))
				r, err := repo.Open(t.Context(), damaged)
				must(err)
				x, err := r.RepairPacks(t.Context(), repo.PackRepairOptions{Planned: func(repo.PackRepair) error { return nil }})
				must(err)
				lost += x.Lost
				res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
				if err != nil {
					t.Fatalf("byte %d, changed %v: %v", at, changed, err)
				}
				if got := recordsIn(t, r, res.Snapshot, "docs"); len(got) != 700 {
					t.Fatalf("byte %d, changed %v: %d records", at, changed, len(got))
				}
			}
		}
	}
	if lost == 0 {
		t.Error("nothing was lost")
	}
}

// TestCopyAfterLoss: a copy into a repository that has lost some of an earlier one
// is whole, wherever the loss is.
func TestCopyAfterLoss(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, from := makeVault(t, true, nil) // ids of its own, so that all is encoded anew
	src, id := filled(300)
	_, err := snapshot.Take(t.Context(), from, src, snapshot.Options{})
	must(err)
	be := new(backend.Memory)
	to, err := repo.Init(t.Context(), be, repo.InitOptions{})
	must(err)
	_, err = snapshot.Copy(t.Context(), from, to, snapshot.CopyOptions{})
	must(err)
	for i := 0; i < 300; i += 50 {
		src.put(id, version(fmt.Sprintf("r%05d", i), i+1))
	}
	_, err = snapshot.Take(t.Context(), from, src, snapshot.Options{})
	must(err)
	all, err := backend.Names(t.Context(), be, "packs/")
	must(err)
	lost := 0
	for _, name := range all {
		file, err := backend.LoadAll(t.Context(), be, name)
		must(err)
		for at := 25; at < len(file); at += 1 + len(file)/60 {
			damaged := be.Clone()
			bad := []byte(string(file))
			bad[at] ^= 4
			must(damaged.Save(t.Context(), name, bad))
			to, err := repo.Open(t.Context(), damaged)
			must(err)
			x, err := to.RepairPacks(t.Context(), repo.PackRepairOptions{Planned: func(repo.PackRepair) error { return nil }})
			must(err)
			lost += x.Lost
			res, err := snapshot.Copy(t.Context(), from, to, snapshot.CopyOptions{})
			if err != nil || len(res.Copied) != 1 || len(res.Damaged) != 0 {
				t.Fatalf("byte %d: %d copied, %d damaged, %v", at, len(res.Copied), len(res.Damaged), err)
			}
			if got := recordsIn(t, to, res.Copied[0].To, "docs"); len(got) != 300 {
				t.Fatalf("byte %d: %d records", at, len(got))
			}
		}
	}
	if lost == 0 {
		t.Error("nothing was lost")
	}
}
