package guard

import (
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
)

// TestRunsOfCopies: in a repository with other ids the copies of a base and of its
// points are a run, under the name that it had.
func TestRunsOfCopies(t *testing.T) {
	ctx := t.Context()
	says := repo.Snapshot{
		Kind: repo.KindSnapshot, Source: "shop", Capture: repo.CaptureStill, Tags: map[string]string{TagBase: "true"},
		Scope: repo.Scope{Tenant: "default_tenant", Database: "default_database"}, Root: chunk.Root{Logical: chunk.ID{1}},
	}
	var made []repo.Snapshot
	inNew := func(fn func(w *repo.Writer) error) []Ran {
		r, err := repo.Init(ctx, new(backend.Memory), repo.InitOptions{})
		if err == nil {
			err = r.Write(ctx, fn)
		}
		if err != nil {
			t.Fatal(err)
		}
		runs, err := Runs(ctx, r)
		if err != nil || len(runs) != 1 || len(runs[0].Points) != 2 {
			t.Fatalf("%+v, %v", runs, err)
		}
		return runs
	}
	runs := inNew(func(w *repo.Writer) error {
		for range 3 {
			s, err := w.SaveSnapshot(ctx, says)
			if err != nil {
				return err
			}
			if made = append(made, s); len(made) == 1 {
				says.Kind, says.Tags, says.Run = repo.KindPoint, nil, RunName(s)
			}
		}
		return nil
	})
	copied := inNew(func(w *repo.Writer) error {
		for _, s := range made {
			if _, err := w.SaveCopy(ctx, s, s.Root, chunk.ID{}); err != nil {
				return err
			}
		}
		return nil
	})
	if copied[0].Name != runs[0].Name || copied[0].Base.ID == runs[0].Base.ID {
		t.Errorf("%s of %v became %s of %v", runs[0].Name, runs[0].Base.ID, copied[0].Name, copied[0].Base.ID)
	}
}
