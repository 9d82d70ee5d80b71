package repo

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

func TestMark(t *testing.T) {
	packs := []chunk.ID{{1}, {1, 2}, {7}}
	file := encodeMark(packs)
	got, err := decodeMark(file)
	if err != nil || !slices.Equal(got, packs) {
		t.Fatalf("read %v, %v", got, err)
	}
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := decodeMark(bad); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	for n := range file {
		if _, err := decodeMark(file[:n]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	for name, packs := range map[string][]chunk.ID{"none": nil, "order": {{2}, {1}}, "twice": {{1}, {1}}} {
		if _, err := decodeMark(encodeMark(packs)); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMark(f *testing.F) {
	file := encodeMark([]chunk.ID{{1}, {2}})
	f.Add(file[len(markMagic)+1 : len(file)-chunk.IDSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		file := append([]byte(markMagic), markVersion)
		file = append(file, body...)
		sum := chunk.FileHash(file)
		file = append(file, sum[:]...)
		if packs, err := decodeMark(file); err == nil && !bytes.Equal(encodeMark(packs), file) {
			t.Errorf("%x reads as %v", file, packs)
		}
	})
}

// markAll marks all packs, and gives them.
func markAll(t testing.TB, be backend.Backend) []string {
	t.Helper()
	r := opened(t, be)
	saveMarks(t, r, r.index().Packs()...)
	return names(t, be, packsFolder)
}

func removeAll(t testing.TB, be backend.Backend, names []string) {
	t.Helper()
	for _, name := range names {
		must(t, be.Remove(context.Background(), name))
	}
}

// TestMarkedBefore: what is marked when a Writer begins does not count.
func TestMarkedBefore(t *testing.T) {
	m := new(backend.Memory)
	take(t, initialised(t, m), "a", "b")
	packs := markAll(t, m)
	r := opened(t, m)
	must(t, r.Write(t.Context(), func(w *Writer) error {
		if id, _ := document("a"); w.Has(id) || !r.Has(id) {
			t.Error("a marked pack counts, or cannot be read any more")
		}
		return nil
	}))
	b := take(t, r, "b", "c")
	removeAll(t, m, packs)
	loads(t, opened(t, m), b)
}

// moments are when a prune may mark, and delete, while a snapshot is made.
var moments = map[string]func(op faulty.Op) bool{
	"while it is made": nil,
	"at the commit":    func(op faulty.Op) bool { return op.Kind == faulty.List && op.Name == marksFolder },
	"at the snapshot":  func(op faulty.Op) bool { _, _, root := parseRoot(op.Name); return op.Kind == faulty.Save && root },
}

// TestMarkedMeanwhile marks at all moments what a snapshot counts on, and
// deletes it at once or later: the snapshot is whole, or it is not there and
// its writer hears of it.
func TestMarkedMeanwhile(t *testing.T) {
	for when, at := range moments {
		for _, side := range []string{"before", "after"} {
			for _, swept := range []bool{false, true} {
				for how, commit := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
					t.Run(when+" "+side+" "+how, func(t *testing.T) { markedMeanwhile(t, at, side == "after", swept, commit) })
				}
			}
		}
	}
}

func markedMeanwhile(t *testing.T, at func(faulty.Op) bool, after, swept bool, commit commit) {
	m := new(backend.Memory)
	// b is referred to without being asked for, as entries of an earlier tree are.
	first := take(t, initialised(t, m), "a", "b")
	id, _ := document("b")
	armed, done := false, false
	var packs []string
	var r *Repository
	strike := func(op faulty.Op) {
		if armed && !done && (at == nil || at(op)) {
			done = true
			packs = markAll(t, m)
			if swept {
				removeAll(t, m, packs)
				must(t, m.Remove(t.Context(), first.File))
				for _, id := range r.index().Packs() {
					r.reader.forget(id)
				}
			}
		}
	}
	var hooks [2]func(faulty.Op)
	hooks[0], hooks[1] = strike, func(faulty.Op) {}
	if after {
		hooks[0], hooks[1] = hooks[1], hooks[0]
	}
	r = opened(t, faulty.Wrap(m, faulty.Hook(hooks[0], func(op faulty.Op, _ error) { hooks[1](op) })))
	err := r.Write(t.Context(), func(w *Writer) error {
		a, err := save(t.Context(), w, "a", "c")
		must(t, err)
		armed = true
		if at == nil {
			strike(faulty.Op{})
		}
		_, err = commit(w, t.Context(), snapshotOf(append(a, id)...))
		return err
	})
	if !done {
		t.Fatal("it was not marked")
	}
	if !swept {
		must(t, err)
		removeAll(t, m, packs)
	} else {
		wantErr(t, err, ErrSwept)
	}
	fresh := opened(t, m)
	list, err := fresh.Snapshots(t.Context())
	must(t, err)
	for _, x := range list {
		if x.ID != first.ID {
			loads(t, fresh, x)
		}
	}
	if swept && len(list) != 0 {
		t.Errorf("left: %v", list)
	}
}

// TestOwnPacksMarked: also what the Writer itself stored may be marked, since
// no snapshot needs it yet.
func TestOwnPacksMarked(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	var packs []string
	var s Snapshot
	must(t, r.Write(t.Context(), func(w *Writer) error {
		ids, err := save(t.Context(), w, "a", "b")
		must(t, err)
		must(t, w.Flush(t.Context()))
		packs = markAll(t, m)
		s, err = w.SaveSnapshot(t.Context(), snapshotOf(ids...))
		return err
	}))
	removeAll(t, m, packs)
	loads(t, opened(t, m), s)
}

// TestLate: where the Writer began so long ago that marks may have come and
// gone since, it looks whether the packs exist.
func TestLate(t *testing.T) {
	now := time.Now()
	m := &backend.Memory{Clock: func() time.Time { return now }}
	take(t, initialised(t, m), "a")
	r := opened(t, m)
	err := r.Write(t.Context(), func(w *Writer) error {
		ids, err := save(t.Context(), w, "a")
		must(t, err)
		now = now.Add(markLife)
		removeAll(t, m, names(t, m, packsFolder))
		_, err = w.SaveSnapshot(t.Context(), snapshotOf(ids...))
		return err
	})
	wantErr(t, err, ErrDamaged)
	if n := len(names(t, m, rootsFolder)); n != 1 {
		t.Errorf("%d snapshots", n)
	}
	// A pack that is gone does not count when a Writer begins, either.
	s := take(t, opened(t, m), "a")
	loads(t, opened(t, m), s)
}

// TestDamagedMark: which packs it names is not known, so none can be counted on.
func TestDamagedMark(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	s := take(t, r, "a")
	markAll(t, m)
	replace(t, m, names(t, m, marksFolder)[0], func(b []byte) []byte { b[9]++; return b })
	r = opened(t, m)
	loads(t, r, s)
	_, err := tryTake(t.Context(), r, (*Writer).SaveSnapshot, "b")
	wantErr(t, err, ErrDamaged)
	mustContain(t, err, marksFolder, "prune")
}
