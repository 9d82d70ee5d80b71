package guard

import (
	"context"
	"slices"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
)

// TestWeighNoPointBetween has a point come while it is looked at what is lost:
// it waits, so that the last point is the one that has lost that.
func TestWeighNoPointBetween(t *testing.T) {
	ctx := t.Context()
	err := emptyRepository(t).Write(ctx, func(w *repo.Writer) error {
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

// without is a database that some records are missing from.
type without struct {
	*made
	ids []string
}

func (d *without) ReadColumns(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, into *chunk.Records) error {
	there := slices.DeleteFunc(slices.Clone(ids), func(id []byte) bool { return slices.Contains(d.ids, string(id)) })
	return d.made.ReadColumns(ctx, serverID, there, kinds, into)
}

// TestGoodIsStored makes points of what was recorded once in a while: one that has
// lost a record of a collection that is to be replaced is not good for what was
// recorded since.
func TestGoodIsStored(t *testing.T) {
	ctx := t.Context()
	err := emptyRepository(t).Write(ctx, func(w *repo.Writer) error {
		db := &without{made: &made{dim: 8}}
		rec := recorderOver(t, w, db.made, 10)
		defer rec.close()
		x := &run{Options: Options{Expect: map[string]string{"docs": "new"}}, report: &Report{LastGood: rec.last}, recorder: rec}
		rec.db, rec.lazy, rec.told = db, true, x.pointMade
		base, id := rec.last, []string{"r00000003"}
		write := func(words string, gone ...string) {
			t.Helper()
			db.ids = gone
			if err := rec.records(ctx, "id", id, words); err != nil {
				t.Fatal(err)
			}
			if tooMuch, err := x.weigh(ctx, false); tooMuch != nil || err != nil {
				t.Fatal(tooMuch, err)
			}
		}
		good := func(want repo.Snapshot) {
			t.Helper()
			if x.report.LastGood.ID != want.ID {
				t.Errorf("%s is the last good one, want %s", x.report.LastGood.DisplayID(), want.DisplayID())
			}
		}
		write("delete", id...)
		if err := rec.flush(ctx); err != nil {
			return err
		}
		good(base)
		write("add")
		good(base)
		err := rec.flush(ctx)
		good(rec.last)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
