package guard

import (
	"testing"
	"time"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// TestWeighNoPointBetween has a point come while it is looked at what is lost:
// it waits, so that the last point is the one that has lost that.
func TestWeighNoPointBetween(t *testing.T) {
	ctx := t.Context()
	r, err := repo.Init(ctx, new(backend.Memory), repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Write(ctx, func(w *repo.Writer) error {
		rec := recorderOver(t, w, &made{dim: 8}, 10)
		defer rec.close()
		done := make(chan error, 1)
		err := rec.weigh(ctx, nil, false, func(_ []Loss, last repo.Snapshot) {
			go func() { done <- rec.records(ctx, "id", []string{"r00000011"}, "add") }()
			select {
			case err := <-done:
				t.Errorf("a point came between: %v", err)
				done <- err
			case <-time.After(100 * time.Millisecond):
			}
			if last.ID != rec.last.ID {
				t.Error("it is not the last point")
			}
		})
		if err != nil {
			return err
		}
		return <-done
	})
	if err != nil {
		t.Fatal(err)
	}
}
