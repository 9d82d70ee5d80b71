package snapshot_test

import (
	"bytes"
	"fmt"
	"testing"

	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// eachLoss damages a plain repository's packs at many places, repairs it, and
// calls fn with what is left each time.
func eachLoss(t *testing.T, be *backend.Memory, fn func(r *repo.Repository, where string)) {
	t.Helper()
	must := endsWith(t)
	all, err := backend.Names(t.Context(), be, "packs/")
	must(err)
	lost := 0
	for _, name := range all {
		file, err := backend.LoadAll(t.Context(), be, name)
		must(err)
		for at := 25; at < len(file); at += 1 + len(file)/60 {
			damaged := be.Clone()
			bad := bytes.Clone(file)
			bad[at] ^= 4
			must(damaged.Save(t.Context(), name, bad))
			r, err := repo.Open(t.Context(), damaged)
			must(err)
			x, err := r.RepairPacks(t.Context(), repo.PackRepairOptions{Planned: func(repo.PackRepair) error { return nil }})
			must(err)
			lost += x.Lost
			fn(r, fmt.Sprintf("byte %d of %s", at, name))
		}
	}
	if lost == 0 {
		t.Error("nothing was lost")
	}
}

// plainRepository is a repository in memory.
func plainRepository(t *testing.T) (*backend.Memory, *repo.Repository) {
	t.Helper()
	be := new(backend.Memory)
	r, err := repo.Init(t.Context(), be, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return be, r
}

// TestTakeAfterLoss: a snapshot is whole, whatever the earlier one has lost.
func TestTakeAfterLoss(t *testing.T) {
	be, r := plainRepository(t)
	src, id := filled(700)
	if _, err := snapshot.Take(t.Context(), r, src, snapshot.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, changed := range []bool{false, true} {
		if changed {
			for i := 0; i < 700; i += 50 {
				src.put(id, version(fmt.Sprintf("r%05d", i), i+1))
			}
		}
		eachLoss(t, be, func(r *repo.Repository, where string) {
			res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
			if err != nil {
				t.Fatalf("%s, changed %v: %v", where, changed, err)
			}
			if got := recordsIn(t, r, res.Snapshot, "docs"); len(got) != 700 {
				t.Fatalf("%s, changed %v: %d records", where, changed, len(got))
			}
		})
	}
}

// TestCopyAfterLoss: so is a copy into a repository that has lost some of an
// earlier one.
func TestCopyAfterLoss(t *testing.T) {
	_, from := makeVault(t, true, nil) // ids of its own, so that all is encoded anew
	be, to := plainRepository(t)
	src, id := filled(300)
	take := func() {
		t.Helper()
		if _, err := snapshot.Take(t.Context(), from, src, snapshot.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	take()
	if _, err := snapshot.Copy(t.Context(), from, to, snapshot.CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 300; i += 50 {
		src.put(id, version(fmt.Sprintf("r%05d", i), i+1))
	}
	take()
	eachLoss(t, be, func(to *repo.Repository, where string) {
		res, err := snapshot.Copy(t.Context(), from, to, snapshot.CopyOptions{})
		if err != nil || len(res.Copied) != 1 || len(res.Damaged) != 0 {
			t.Fatalf("%s: %d copied, %d damaged, %v", where, len(res.Copied), len(res.Damaged), err)
		}
		if got := recordsIn(t, to, res.Copied[0].To, "docs"); len(got) != 300 {
			t.Fatalf("%s: %d records", where, len(got))
		}
	})
}
