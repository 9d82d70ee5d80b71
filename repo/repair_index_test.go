package repo

import (
	"errors"
	"testing"
)

// TestRepairIndex damages or removes every index file, or takes a pack away:
// afterwards a check finds no more than what is lost.
func TestRepairIndex(t *testing.T) {
	m := everything(t)
	r := opened(t, m)
	take(t, r, "c")
	want := len(whole(t, m))
	files := names(t, m, indexFolder)
	nothing := func(IndexRepair) error { return nil }
	for name, spoil := range map[string]func(file string, b []byte) []byte{
		"flipped": func(_ string, b []byte) []byte { b[len(b)/2]++; return b },
		"cut":     func(_ string, b []byte) []byte { return b[:len(b)/2] },
		"gone":    nil,
	} {
		c := m.Clone()
		for _, file := range files {
			if spoil == nil {
				must(t, c.Remove(t.Context(), file))
			} else {
				replace(t, c, file, func(b []byte) []byte { return spoil(file, b) })
			}
		}
		stop := errors.New("stop")
		before := names(t, c, "")
		_, err := opened(t, c).RepairIndex(t.Context(), func(x IndexRepair) error { return stop })
		wantErr(t, err, stop)
		if after := names(t, c, ""); len(after) != len(before) {
			t.Errorf("%s: changed before it was agreed to", name)
		}
		x, err := opened(t, c).RepairIndex(t.Context(), nothing)
		must(t, err)
		if spoil != nil && len(x.Remove) != len(files) || x.Add.Packs == 0 || len(x.Index) != 1 {
			t.Errorf("%s: %+v", name, x)
		}
		if got, found := checked(t, c, All()); got.Damaged+got.Remarks != 0 || len(whole(t, c)) != want {
			t.Errorf("%s: found %v", name, found)
		}
		if x, err = opened(t, c).RepairIndex(t.Context(), nothing); err != nil || !x.Empty() {
			t.Errorf("%s: a second one does %+v, %v", name, x, err)
		}
	}
	pack := names(t, m, packsFolder)[0]
	must(t, m.Remove(t.Context(), pack))
	x, err := opened(t, m).RepairIndex(t.Context(), nothing)
	must(t, err)
	if len(x.Missing) != 1 || x.Missing[0] != pack {
		t.Errorf("%+v", x)
	}
	id, _ := parsePack(pack)
	for _, known := range opened(t, m).index().Packs() {
		if known == id {
			t.Error("the index still names the pack")
		}
	}
	if c, found := checked(t, m, ReadShare{}); c.Damaged != 0 {
		t.Errorf("found %v", found)
	}
}
