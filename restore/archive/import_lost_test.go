package archive

import (
	"bytes"
	"testing"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// TestImportAfterLoss: an archive is imported whole into a repository that has
// lost some of what is the same in it, wherever the loss is.
func TestImportAfterLoss(t *testing.T) {
	ctx := t.Context()
	be := new(backend.Memory)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := repo.Init(ctx, be, repo.InitOptions{})
	must(err)
	cs := sample()
	s := store(t, r, nil, cs...)
	archive, _ := exported(t, r, s, Options{})
	other := newRepository(t, repo.InitOptions{})
	changed := sample()
	for i := 3; i < len(changed[2].records); i += 40 {
		text := "changed"
		changed[2].records[i].Document = &text
	}
	second, _ := exported(t, other, store(t, other, nil, changed...), Options{})
	packs, err := backend.Names(ctx, be, "packs/")
	must(err)
	lost := 0
	for _, name := range packs {
		file, err := backend.LoadAll(ctx, be, name)
		must(err)
		for at := 25; at < len(file); at += 1 + len(file)/80 {
			damaged := be.Clone()
			bad := bytes.Clone(file)
			bad[at] ^= 4
			must(damaged.Save(ctx, name, bad))
			r, err := repo.Open(ctx, damaged)
			must(err)
			x, err := r.RepairPacks(ctx, repo.PackRepairOptions{Planned: func(repo.PackRepair) error { return nil }})
			must(err)
			lost += x.Lost
			for which, text := range [][]byte{archive, second} {
				res, err := Import(ctx, r, bytes.NewReader(text), ImportOptions{})
				if err != nil {
					t.Fatalf("byte %d, archive %d: %v", at, which, err)
				}
				if again, _ := exported(t, r, res.Snapshot, Options{}); which == 0 && !bytes.Equal(again, text) {
					t.Fatalf("byte %d: what was imported is exported as something else", at)
				}
			}
		}
	}
	if lost == 0 {
		t.Error("nothing was lost")
	}
}
