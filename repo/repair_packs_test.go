package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

func repaired(t testing.TB, be backend.Backend, o PackRepairOptions) PackRepair {
	t.Helper()
	if o.Planned == nil {
		o.Planned = func(PackRepair) error { return nil }
	}
	x, err := opened(t, be).RepairPacks(t.Context(), o)
	must(t, err)
	return x
}

// TestRepairPacks damages a pack in each way: what can still be read of it is
// copied out, the rest comes from a copy, and then nothing needs the pack.
func TestRepairPacks(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	s := take(t, r, noise(1, 400), noise(2, 400), noise(3, 400))
	other := take(t, r, "other")
	place, _ := r.index().Lookup(s.Root.Runs[1].Chunk)
	name := packFile(place.Pack)
	copied := m.Clone()
	for what, test := range map[string]struct {
		change       func(b []byte) []byte // nil: the pack goes away
		rescue, lost int
	}{
		"one chunk":        {func(b []byte) []byte { b[place.Offset+50]++; return b }, 2, 1},
		"the header":       {func(b []byte) []byte { b[0]++; return b }, 3, 0},
		"the directory":    {func(b []byte) []byte { b[len(b)-60]++; return b }, 3, 0},
		"behind the first": {func(b []byte) []byte { return b[:place.Offset+5] }, 1, 2},
		"gone":             {nil, 0, 3},
	} {
		c := m.Clone()
		if test.change == nil {
			must(t, c.Remove(t.Context(), name))
		} else {
			replace(t, c, name, test.change)
		}
		before := names(t, c, "")
		stop := errors.New("stop")
		_, err := opened(t, c).RepairPacks(t.Context(), PackRepairOptions{Planned: func(PackRepair) error { return stop }})
		wantErr(t, err, stop)
		if !slices.Equal(before, names(t, c, "")) {
			t.Errorf("%s: changed before it was agreed to", what)
		}

		// Without a copy what is lost stays lost, and nothing more.
		alone := c.Clone()
		x := repaired(t, alone, PackRepairOptions{})
		if x.Rescue != test.rescue || x.Lost != test.lost || x.Fetch != 0 || len(x.Damaged)+len(x.Missing) != 1 {
			t.Errorf("%s: %+v", what, x)
		}
		got, found := checked(t, alone, All())
		if got.Damaged != 0 {
			t.Errorf("%s: afterwards %v", what, found)
		}
		lost := 0
		for _, run := range s.Root.Runs {
			if got.Health.Chunk(run.Chunk) != nil {
				lost++
			}
		}
		if lost != test.lost {
			t.Errorf("%s: %d chunks are lost, want %d", what, lost, test.lost)
		}
		loads(t, opened(t, alone), other)
		if again := repaired(t, alone, PackRepairOptions{}); !again.Empty() {
			t.Errorf("%s: a second one does %+v", what, again)
		}
		// The same content is stored again, since nobody counts on the pack.
		take(t, opened(t, alone), noise(1, 400), noise(2, 400), noise(3, 400))
		loads(t, opened(t, alone), s)

		if x := repaired(t, c, PackRepairOptions{Copy: opened(t, copied)}); x.Fetch != test.lost || x.Lost != 0 {
			t.Errorf("%s: from a copy %+v", what, x)
		}
		if got, found := checked(t, c, All()); got.Damaged != 0 || len(whole(t, c)) != 2 {
			t.Errorf("%s: from a copy, afterwards %v", what, found)
		}
		_, err = opened(t, c).Prune(t.Context(), PruneOptions{Grace: NoGrace})
		must(t, err)
		if got, found := checked(t, c, All()); got.Damaged+got.Remarks != 0 || len(whole(t, c)) != 2 || slices.Contains(names(t, c, packsFolder), name) {
			t.Errorf("%s: after prune %v", what, found)
		}
	}
}

// TestRepairRecords: a record comes back from a copy, that of a damaged point
// pack is put into a list, and what nobody has is named.
func TestRepairRecords(t *testing.T) {
	m := everything(t)
	for _, name := range names(t, m, listsFolder) {
		must(t, m.Remove(t.Context(), name))
	}
	r := opened(t, m)
	copied := m.Clone()
	list, err := r.Snapshots(t.Context())
	must(t, err)
	var record, point Snapshot
	for _, s := range list {
		if _, is, _ := parseRoot(s.File); is {
			point = s
		} else {
			record = s
		}
	}
	replace(t, m, record.File, func(b []byte) []byte { return b[:len(b)-1] })
	at, _ := r.index().Lookup(point.Root.Runs[0].Chunk)
	replace(t, m, point.File, func(b []byte) []byte { b[at.Offset+2]++; return b })

	x := repaired(t, m.Clone(), PackRepairOptions{})
	if !slices.Equal(x.Unreadable, []string{record.File}) || x.Lost != 1 || !slices.Equal(x.Damaged, []string{point.File}) {
		t.Errorf("without a copy %+v", x)
	}
	x = repaired(t, m, PackRepairOptions{Copy: opened(t, copied)})
	if !slices.Equal(x.Records, []string{record.File}) || x.Fetch != 1 || x.Lost+len(x.Unreadable) != 0 {
		t.Errorf("from a copy %+v", x)
	}
	if got, found := checked(t, m, All()); got.Damaged != 0 || len(whole(t, m)) != len(list) {
		t.Errorf("afterwards %v", found)
	}
	lists := names(t, m, listsFolder)
	replace(t, m, point.File, func(b []byte) []byte { b[len(b)-1]++; return b })
	if x = repaired(t, m, PackRepairOptions{}); len(x.Unreadable) != 0 {
		t.Errorf("its record is in a list: %+v", x)
	}
	if got := names(t, m, listsFolder); len(lists) == 0 || len(got) != len(lists) {
		t.Errorf("a second list: %v", got)
	}
}

// TestRepairFound: what somebody finds is believed only with the right hash, and
// an index that is not whole comes first.
func TestRepairFound(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	s := take(t, r, "a", "b")
	place, _ := r.index().Lookup(s.Root.Runs[0].Chunk)
	replace(t, m, packFile(place.Pack), func(b []byte) []byte { b[place.Offset+2]++; return b })
	find := func(text string) PackRepairOptions {
		return PackRepairOptions{Find: func(context.Context, chunk.ID) ([]byte, error) {
			_, b := document(text)
			return b, nil
		}}
	}
	if x := repaired(t, m.Clone(), find("b")); x.Fetch != 0 || x.Lost != 1 {
		t.Errorf("%+v", x)
	}
	if x := repaired(t, m, find("a")); x.Fetch != 1 || x.Lost != 0 {
		t.Errorf("%+v", x)
	}
	loads(t, opened(t, m), s)
	for _, name := range names(t, m, indexFolder) {
		must(t, m.Remove(t.Context(), name))
	}
	_, err := opened(t, m).RepairPacks(t.Context(), PackRepairOptions{})
	wantErr(t, err, ErrIndexFirst)
}

// TestRepairListed: what a list has needs no second one, and a damaged record
// that stands in one is written again.
func TestRepairListed(t *testing.T) {
	m := everything(t)
	r := opened(t, m)
	files := names(t, m, rootsFolder)
	for _, name := range files {
		switch _, point, ok := parseRoot(name); {
		case point:
			at := r.entriesOfPoint(t, name)
			replace(t, m, name, func(b []byte) []byte { b[at+2]++; return b })
		case ok:
			replace(t, m, name, func(b []byte) []byte { return b[:len(b)-1] })
		}
	}
	x := repaired(t, m, PackRepairOptions{})
	if len(x.Records) != 1 || len(x.Unreadable) != 0 || x.Lost != 1 || !slices.Equal(names(t, m, rootsFolder), files) {
		t.Errorf("%+v", x)
	}
	if got, found := checked(t, m, All()); got.Damaged != 0 || got.Snapshots != 2 {
		t.Errorf("afterwards %v", found)
	}
}

// TestRepairLong: records of damaged point packs go into as many lists as it takes
// for none to be too long.
func TestRepairLong(t *testing.T) {
	if world.encrypted() {
		t.Skip("it makes no difference, and takes its time")
	}
	m := new(backend.Memory)
	r := initialised(t, m)
	const points = 3
	var want []chunk.ID
	for i := range points {
		long := func(w *Writer, ctx context.Context, s Snapshot) (Snapshot, error) {
			s.Command = strings.Repeat(noise(uint64(i), 1<<14), 3*maxListBytes/8>>14)
			return w.SavePoint(ctx, s)
		}
		s, err := tryTake(t.Context(), r, long, "b0", fmt.Sprint("text ", i))
		must(t, err)
		want = append(want, s.ID)
		at, _ := r.index().Lookup(s.Root.Runs[1].Chunk)
		replace(t, m, s.File, func(b []byte) []byte { b[at.Offset+2]++; return b })
	}
	if x := repaired(t, m, PackRepairOptions{}); len(x.Damaged) != points || len(x.Unreadable) != 0 {
		t.Fatalf("%+v", x)
	}
	var listed []chunk.ID
	lists := names(t, m, listsFolder)
	for _, name := range lists {
		list, err := r.readList(t.Context(), name, 0)
		must(t, err)
		listed = append(listed, identities(list)...)
	}
	slices.SortFunc(want, compareIDs)
	slices.SortFunc(listed, compareIDs)
	if len(lists) != 2 || !slices.Equal(listed, want) { // two records fill one
		t.Errorf("%d of %d records in %d lists", len(listed), points, len(lists))
	}
}

// entriesOfPoint gives where a document of a point pack lies.
func (r *Repository) entriesOfPoint(t testing.TB, name string) int64 {
	id, _, _ := parseRoot(name)
	for _, e := range r.entriesOf(id) {
		for _, text := range texts("b", 3) {
			if of, _ := document(text); of == e.ID {
				return int64(e.Offset)
			}
		}
	}
	t.Fatal("the point pack has none of its documents")
	return 0
}
