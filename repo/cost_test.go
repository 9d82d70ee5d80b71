package repo

import (
	"context"
	"testing"

	"autochrome/repo/backend"
)

// TestCost: a snapshot that stored nothing new costs its record, also when it is
// read again.
func TestCost(t *testing.T) {
	ctx := context.Background()
	be := &backend.Memory{}
	r, err := Init(ctx, be, InitOptions{})
	must(t, err)
	s := fullSnapshot()
	s.Root.Runs, s.Parent = nil, nil
	must(t, r.Write(ctx, func(w *Writer) error {
		var err error
		s, err = w.SaveSnapshot(ctx, s)
		return err
	}))
	file, err := backend.LoadAll(ctx, be, s.File)
	must(t, err)
	size := int64(len(file))
	if s.Stats.BytesStored != 0 || s.Cost() != size {
		t.Errorf("it stored %d and cost %d, its record has %d", s.Stats.BytesStored, s.Cost(), size)
	}
	again, err := Open(ctx, be)
	must(t, err)
	list, err := again.Snapshots(ctx)
	must(t, err)
	if len(list) != 1 || list[0].Cost() != size {
		t.Errorf("%d snapshots, the first cost %d", len(list), list[0].Cost())
	}
}
