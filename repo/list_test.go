package repo

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// listOf gives a list's file and its snapshots.
func listOf(t testing.TB, n int) ([]byte, []Snapshot) {
	var list []Snapshot
	for i := range n {
		id, _ := document(fmt.Sprint(i))
		_, s, err := encodeRecord(snapshotOf(id).complete())
		must(t, err)
		s.Stored = time.UnixMilli(int64(1000 + i))
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Snapshot) int { return compareIDs(a.ID, b.ID) })
	var records [][]byte
	for _, s := range list {
		b, _, err := encodeRecord(s)
		must(t, err)
		records = append(records, b)
	}
	return encodeList(list, records), list
}

func TestList(t *testing.T) {
	file, want := listOf(t, 5)
	got, err := decodeList(file)
	must(t, err)
	for i := range want {
		if got[i].ID != want[i].ID || !got[i].Stored.Equal(want[i].Stored) {
			t.Errorf("read %v stored %v, want %v stored %v", got[i], got[i].Stored, want[i], want[i].Stored)
		}
	}
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := decodeList(bad); !errors.Is(err, index.ErrCorrupt) && !errors.Is(err, chunk.ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	for n := range file {
		if _, err := decodeList(file[:n]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
}

func FuzzList(f *testing.F) {
	file, _ := listOf(f, 2)
	f.Add(file[len(listMagic)+1 : len(file)-chunk.IDSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		file := append([]byte(listMagic), listVersion)
		file = append(file, body...)
		sum := chunk.FileHash(file)
		list, err := decodeList(append(file, sum[:]...))
		if err != nil && !errors.Is(err, index.ErrCorrupt) && !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("not corrupt: %v", err)
		}
		for _, s := range list {
			if _, _, err := encodeRecord(s); err != nil {
				t.Errorf("%v is read and cannot be written: %v", s, err)
			}
		}
	})
}

// TestSeal puts records and points into a list, takes them away from where they
// stood, and takes deleted ones out of it.
func TestSeal(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return now }}
	r := initialised(t, m)
	var all []Snapshot
	for i := range sealAfter / 2 {
		all = append(all, take(t, r, "shared", fmt.Sprint("text ", i)), takePoint(t, r, "shared", fmt.Sprint("point ", i)))
	}
	before, err := opened(t, m).Snapshots(ctx)
	must(t, err)
	files := func() (records, points, lists int) {
		for _, name := range names(t, m, rootsFolder) {
			switch {
			case strings.HasSuffix(name, pointSuffix):
				points++
			default:
				records++
			}
		}
		return records, points, len(names(t, m, listsFolder))
	}
	check := func(when string, n int) {
		t.Helper()
		if ids := whole(t, m); len(ids) != n {
			t.Errorf("%s: %d snapshots, want %d", when, len(ids), n)
		}
	}
	reader := opened(t, m) // sees how its files go
	if rep := pruned(t, m, PruneOptions{}); rep.Sealed != 0 {
		t.Errorf("young records were sealed: %+v", rep)
	}
	now = now.Add(DefaultGrace)
	if rep := pruned(t, m, PruneOptions{}); rep.Sealed != sealAfter || rep.Plan.Seal != sealAfter || rep.Marked.Packs != sealAfter/2 {
		t.Errorf("a day after: %+v", rep)
	}
	check("sealed", sealAfter)
	now = now.Add(DefaultGrace)
	// The list is old enough: what stood alone goes, points as packs do.
	rep := pruned(t, m, PruneOptions{})
	if a, p, l := files(); a != 0 || p != sealAfter/2 || l != 1 || rep.Sealed != 0 || rep.Marked.Packs != sealAfter/2 || rep.Deleted != 0 {
		t.Errorf("two days after: %d records, %d points, %d lists, %+v", a, p, l, rep)
	}
	check("removed", sealAfter)
	now = now.Add(DefaultGrace)
	pruned(t, m, PruneOptions{})
	if a, p, l := files(); a != 0 || p != 0 || l != 1 {
		t.Errorf("three days after: %d records, %d points, %d lists", a, p, l)
	}
	check("swept", sealAfter)
	if n := packBytes(t, m).Packs; n != 2 {
		t.Errorf("%d packs", n)
	}
	after, err := opened(t, m).Snapshots(ctx)
	must(t, err)
	for i := range before {
		if after[i].ID != before[i].ID || !after[i].Stored.Equal(before[i].Stored) {
			t.Fatalf("the order or the time changed: %v, then %v", before[i], after[i])
		}
	}
	must(t, reader.Refresh(ctx))
	for _, s := range all {
		loads(t, reader, s)
	}

	must(t, r.Delete(ctx, all[0], "test"))
	now = now.Add(DefaultGrace)
	if rep := pruned(t, m, PruneOptions{}); rep.Sealed != sealAfter-1 || rep.Plan.Deleted != 0 {
		t.Errorf("a list of which one was deleted: %+v", rep)
	}
	check("list written anew", sealAfter-1)
	now = now.Add(DefaultGrace)
	if rep := pruned(t, m, PruneOptions{}); rep.Deleted != 1 || rep.Sealed != 0 {
		t.Errorf("the list before goes: %+v", rep)
	}
	if list, err := opened(t, m).DeletedSnapshots(ctx); err != nil || len(list) != 0 {
		t.Errorf("still there: %v, %v", list, err)
	}
	check("one deleted", sealAfter-1)

	// Without a grace the second look comes after records were removed.
	must(t, r.Delete(ctx, all[2], "test"))
	now = now.Add(DefaultGrace)
	for range 2 {
		must(t, r.Delete(ctx, take(t, opened(t, m), "something to mark"), "test"))
		pruned(t, m, PruneOptions{Grace: NoGrace})
		now = now.Add(DefaultGrace)
	}
	if list, err := opened(t, m).DeletedSnapshots(ctx); err != nil || len(list) != 0 {
		t.Errorf("without a grace, still there: %v, %v", list, err)
	}
	check("two deleted", sealAfter-2)
}

// TestSealFull: lists are made of whole files, and no list is larger than one that
// is read.
func TestSealFull(t *testing.T) {
	if world.encrypted() {
		t.Skip("it makes no difference, and takes its time")
	}
	ctx := t.Context()
	holds := func(n int, size int64) *holder {
		h := &holder{list: true, info: backend.Info{Size: size}}
		for range n {
			_, s, err := encodeRecord(snapshotOf(chunk.ID{1}).complete())
			must(t, err)
			h.stay = append(h.stay, s)
		}
		return h
	}
	for what, test := range map[string]struct {
		holders []*holder
		lists   int
	}{
		"records":    {[]*holder{holds(800, 1), holds(maxListed-700, 1)}, 2},
		"bytes":      {[]*holder{holds(1, maxListBytes-1), holds(1, maxListBytes+maxRecord)}, 2},
		"small ones": {[]*holder{holds(2, 1), holds(3, 1), holds(4, maxListBytes)}, 1},
	} {
		m := new(backend.Memory)
		r := initialised(t, m)
		want := 0
		for _, h := range test.holders {
			want += len(h.stay)
		}
		p := &prune{r: r, sealing: test.holders}
		must(t, p.seal(ctx))
		lists, err := opened(t, m).list(ctx, listsFolder)
		must(t, err)
		got := 0
		for _, info := range lists {
			list, err := r.readList(ctx, info.Name, info.Size)
			must(t, err)
			got += len(list)
		}
		if got != want || p.report.Sealed != want || len(lists) != test.lists {
			t.Errorf("%s: %d records of %d in %d lists", what, got, want, len(lists))
		}
	}
}

// TestSealSmall: lists are joined where they are many and small, by records and by
// bytes. What is full would be written anew by every prune.
func TestSealSmall(t *testing.T) {
	r := initialised(t, new(backend.Memory))
	_, s, err := encodeRecord(snapshotOf(chunk.ID{1}).complete())
	must(t, err)
	for what, test := range map[string]struct {
		lists   int
		records int
		size    int64
		joined  bool
	}{
		"small":        {sealAfter, 1, 1000, true},
		"just small":   {sealAfter, maxListed/sealAfter - 1, maxListBytes/sealAfter - 1, true},
		"few":          {sealAfter - 1, 1, 1000, false},
		"many records": {sealAfter, maxListed / sealAfter, 1000, false},
		"long records": {sealAfter, 1, maxListBytes / sealAfter, false},
		"full":         {sealAfter, 8, maxListBytes + 1, false},
	} {
		p := &prune{r: r, now: time.Now().Add(2 * DefaultGrace), o: PruneOptions{Grace: DefaultGrace}, holders: map[string]*holder{}}
		for i := range test.lists {
			info := backend.Info{Name: fmt.Sprint(i), Size: test.size, Modified: time.Now()}
			p.holders[info.Name] = &holder{info: info, list: true, snapshots: slices.Repeat([]Snapshot{s}, test.records)}
		}
		p.toSeal()
		if joined := len(p.sealing) == test.lists; joined != test.joined || !joined && len(p.sealing) > 0 {
			t.Errorf("%s: %d of %d lists are to be written anew", what, len(p.sealing), test.lists)
		}
	}
}
