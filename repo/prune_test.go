package repo

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// smallTarget makes packs of a few chunks of these tests.
const smallTarget = 4 << 10

func openedSmall(t testing.TB, be backend.Backend) *Repository {
	r := opened(t, be)
	r.packTarget, r.sealAfter = smallTarget, 4
	return r
}

func pruned(t testing.TB, be backend.Backend, o PruneOptions) PruneReport {
	t.Helper()
	rep, err := openedSmall(t, be).Prune(t.Context(), o)
	must(t, err)
	return rep
}

// packBytes is what packs take together.
func packBytes(t testing.TB, be backend.Backend) (sum PackCount) {
	t.Helper()
	must(t, be.List(context.Background(), packsFolder, func(info backend.Info) error { sum.add(info.Size); return nil }))
	return sum
}

func TestPrune(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return now }}
	r := initialised(t, m)
	a, b := take(t, r, "shared", noise(1, 5000)), take(t, r, "shared", noise(2, 5000))
	all := packBytes(t, m)

	rep := pruned(t, m, PruneOptions{})
	if rep.Plan.Snapshots != 2 || rep.Marked.Packs != 0 || rep.Plan.All != all || rep.Plan.Frees() != 0 {
		t.Fatalf("nothing was deleted: %+v", rep)
	}
	must(t, r.Delete(ctx, a, "test"))
	now = now.Add(time.Hour)
	// All is younger than the grace, and the snapshot can still be brought back.
	if rep = pruned(t, m, PruneOptions{}); rep.Deleted != 0 || rep.Marked.Packs != 0 || rep.Plan.Young == 0 {
		t.Fatalf("an hour after: %+v", rep)
	}
	now = now.Add(DefaultGrace)
	rep = pruned(t, m, PruneOptions{MaxUnused: func(int64) int64 { return 0 }})
	// The pack of both has what b needs: it is copied.
	if rep.Deleted != 1 || rep.Marked.Packs != 1 || rep.Copied == 0 || rep.Swept.Packs != 0 || rep.Plan.Repack.Packs != 1 {
		t.Fatalf("a day after: %+v", rep)
	}
	if ids := whole(t, m); len(ids) != 1 || ids[0] != b.ID {
		t.Fatalf("snapshots %v", ids)
	}
	now = now.Add(time.Hour)
	if rep = pruned(t, m, PruneOptions{}); rep.Swept.Packs != 0 || rep.Plan.Waiting.Packs != 1 {
		t.Fatalf("within the grace: %+v", rep)
	}
	now = now.Add(DefaultGrace)
	if rep = pruned(t, m, PruneOptions{}); rep.Swept.Packs != 1 || rep.Plan.Sweep != rep.Swept {
		t.Fatalf("after the grace: %+v", rep)
	}
	if n := packBytes(t, m); n.Bytes > all.Bytes-4000 {
		t.Errorf("%d bytes of %d are left", n.Bytes, all.Bytes)
	}
	if left := names(t, m, marksFolder); len(left) != 0 {
		t.Errorf("marks left: %v", left)
	}
	whole(t, m)
	if rep = pruned(t, m, PruneOptions{}); rep.Plan.Frees() != 0 || rep.Marked.Packs != 0 {
		t.Errorf("when all is done: %+v", rep)
	}
}

// TestPruneAtOnce: without a grace all goes at once; the mark stays a day, for
// writers that began before.
func TestPruneAtOnce(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return now }}
	r := initialised(t, m)
	a, b := take(t, r, noise(1, 5000)), take(t, r, noise(2, 5000))
	must(t, r.Delete(t.Context(), a, "test"))
	rep := pruned(t, m, PruneOptions{Grace: NoGrace})
	if rep.Swept.Packs != 1 || rep.Deleted != 1 || packBytes(t, m).Packs != 1 || len(names(t, m, marksFolder)) != 1 {
		t.Fatalf("%+v", rep)
	}
	loads(t, opened(t, m), b)
	now = now.Add(markLife)
	pruned(t, m, PruneOptions{Grace: NoGrace})
	if left := names(t, m, marksFolder); len(left) != 0 {
		t.Errorf("marks left: %v", left)
	}
}

// TestPruneDryRun: the plan is what is done, and nothing is changed.
func TestPruneDryRun(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	a := take(t, r, "x", noise(1, 5000))
	take(t, r, "x")
	must(t, r.Delete(t.Context(), a, "test"))
	before := names(t, m, "")
	var planned PrunePlan
	o := PruneOptions{Grace: NoGrace, MaxUnused: func(int64) int64 { return 0 }, Planned: func(p PrunePlan) { planned = p }}
	o.DryRun = true
	dry := pruned(t, m, o)
	if dry.Plan != planned || dry.Swept.Packs+dry.Marked.Packs+dry.Deleted != 0 || dry.Plan.Frees() < 4000 {
		t.Errorf("%+v", dry)
	}
	if after := names(t, m, ""); !reflect.DeepEqual(before, after) {
		t.Errorf("changed: %v, %v", before, after)
	}
	o.DryRun = false
	rep := pruned(t, m, o)
	if rep.Plan != dry.Plan {
		t.Errorf("planned %+v, then %+v", dry.Plan, rep.Plan)
	}
	if rep.Swept != rep.Plan.Repack || rep.Deleted != rep.Plan.Deleted || rep.Copied != rep.Plan.Copy {
		t.Errorf("done %+v", rep)
	}
}

// TestPruneSmall joins small packs and index files.
func TestPruneSmall(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	for i := range indexFiles {
		take(t, r, fmt.Sprint("text ", i))
	}
	rep := pruned(t, m, PruneOptions{Grace: NoGrace})
	if n := packBytes(t, m); n.Packs != 1 || rep.Plan.Repack.Packs != indexFiles {
		t.Errorf("%d packs left, %+v", n.Packs, rep)
	}
	if n := len(names(t, m, indexFolder)); n > 2 {
		t.Errorf("%d index files", n)
	}
	if n := len(whole(t, m)); n != indexFiles {
		t.Errorf("%d snapshots", n)
	}
}

// TestWriterMerges: a Writer joins index files when there are many.
func TestWriterMerges(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	for i := range manyIndexes + 3 {
		take(t, r, fmt.Sprint("text ", i))
		if n := len(names(t, m, indexFolder)); n > manyIndexes {
			t.Fatalf("%d index files", n)
		}
	}
	if n := len(names(t, m, indexFolder)); n > 5 {
		t.Errorf("%d index files", n)
	}
	for _, r := range []*Repository{r, opened(t, m)} {
		list, err := r.Snapshots(t.Context())
		must(t, err)
		for _, s := range list {
			loads(t, r, s)
		}
	}
}

// TestPruneRefuses: while something is damaged it is not known what is needed.
func TestPruneRefuses(t *testing.T) {
	spoil := func(b []byte) []byte { b[len(b)/2] ^= 4; return b }
	for what, damage := range map[string]func(m *backend.Memory, s Snapshot){
		"a snapshot": func(m *backend.Memory, s Snapshot) { replace(t, m, s.File, spoil) },
		"an index":   func(m *backend.Memory, s Snapshot) { replace(t, m, names(t, m, indexFolder)[0], spoil) },
		"a mark":     func(m *backend.Memory, s Snapshot) { markAll(t, m); replace(t, m, names(t, m, marksFolder)[0], spoil) },
		"no pack":    func(m *backend.Memory, s Snapshot) { removeAll(t, m, names(t, m, packsFolder)) },
		"no index":   func(m *backend.Memory, s Snapshot) { removeAll(t, m, names(t, m, indexFolder)) },
		"a needed one": func(m *backend.Memory, s Snapshot) {
			r := opened(t, m)
			at, _ := r.index().Lookup(s.Root.Runs[0].Chunk)
			replace(t, m, r.packName(at.Pack), func(b []byte) []byte { b[at.Offset+3]++; return b })
		},
	} {
		m := new(backend.Memory)
		r := initialised(t, m)
		dead := take(t, r, "x", noise(1, 5000))
		s := take(t, r, "x", "y")
		must(t, r.Delete(t.Context(), dead, "test"))
		damage(m, s)
		before := len(names(t, m, packsFolder))
		_, err := openedSmall(t, m).Prune(t.Context(), PruneOptions{Grace: NoGrace, MaxUnused: func(int64) int64 { return 0 }})
		if !errors.Is(err, ErrNotPruned) {
			t.Errorf("%s: %v", what, err)
		}
		if after := len(names(t, m, packsFolder)); after < before {
			t.Errorf("%s: packs were deleted", what)
		}
	}
}

// TestPruneUndeleted: a snapshot that is brought back after its packs were
// marked is whole after the sweep.
func TestPruneUndeleted(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return now }}
	r := initialised(t, m)
	a, _ := take(t, r, noise(1, 5000)), take(t, r, noise(2, 5000))
	now = now.Add(2 * DefaultGrace)
	must(t, r.Delete(ctx, a, "test"))
	if rep := pruned(t, m, PruneOptions{}); rep.Marked.Packs != 1 || rep.Deleted != 0 {
		t.Fatalf("%+v", rep)
	}
	now = now.Add(time.Minute)
	must(t, r.Undelete(ctx, a))
	now = now.Add(2 * DefaultGrace)
	if rep := pruned(t, m, PruneOptions{}); rep.Swept.Packs != 1 || rep.Plan.Rescue == 0 || rep.Copied == 0 {
		t.Fatalf("%+v", rep)
	}
	if n := len(whole(t, m)); n != 2 {
		t.Errorf("%d snapshots", n)
	}
}

// TestPruneBudget: what the budget cuts short the next one finishes.
func TestPruneBudget(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	a := take(t, r, noise(1, 5000))
	take(t, r, "x")
	must(t, r.Delete(t.Context(), a, "test"))
	if rep := pruned(t, m, PruneOptions{Grace: NoGrace, Budget: 1}); !rep.Unfinished || rep.Swept.Packs != 0 {
		t.Errorf("%+v", rep)
	}
	if rep := pruned(t, m, PruneOptions{Grace: NoGrace, Budget: time.Hour}); rep.Unfinished || rep.Swept.Packs != 1 {
		t.Errorf("%+v", rep)
	}
}

// TestPrunePoints: a point pack whose snapshots were all deleted goes, and what
// others need of it does not.
func TestPrunePoints(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	a := takePoint(t, r, "x", noise(1, 5000))
	b := takePoint(t, r, "x", "y")
	must(t, r.Delete(t.Context(), a, "test"))
	rep := pruned(t, m, PruneOptions{Grace: NoGrace})
	if ids := whole(t, m); len(ids) != 1 || ids[0] != b.ID || rep.Swept.Packs != 1 {
		t.Errorf("snapshots %v, %+v", ids, rep)
	}
	if left := names(t, m, rootsFolder); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// worn makes a repository in which a prune has all kinds of things to do.
func worn(t testing.TB, m *backend.Memory) (keep []chunk.ID) {
	var minutes atomic.Int64
	m.Clock = func() time.Time { // goes on fast: lists become old, and marks
		return time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC).Add(time.Duration(minutes.Add(10)) * time.Minute)
	}
	r := initialised(t, m)
	r.packTarget = smallTarget
	for i := range 9 {
		s := take(t, r, "shared", fmt.Sprint("own ", i), noise(uint64(i), 1500), noise(uint64(i+1), 1500), noise(uint64(100+i), 1500))
		if i%3 == 0 {
			must(t, r.Delete(context.Background(), s, "test"))
		} else {
			keep = append(keep, s.ID)
		}
	}
	a, b := takePoint(t, r, "point", "shared"), takePoint(t, r, "point", "more")
	must(t, r.Delete(context.Background(), a, "test"))
	minutes.Add(2 * 24 * 60)
	return append(keep, b.ID)
}

var harsh = PruneOptions{Grace: NoGrace, MaxUnused: func(int64) int64 { return 0 }}

func haveAll(t testing.TB, be backend.Backend, keep []chunk.ID) {
	t.Helper()
	listed := whole(t, be)
	for _, id := range keep {
		if !contains(listed, id) {
			t.Fatalf("%v is gone", id)
		}
	}
}

// TestPruneCrash stops the world before and after every operation of a prune:
// all snapshots are whole, and the next prune finishes.
func TestPruneCrash(t *testing.T) {
	m := new(backend.Memory)
	keep := worn(t, m)
	type moment struct {
		at    string
		store *backend.Memory
	}
	var mu sync.Mutex
	var moments []moment
	snap := func(when string, op faulty.Op) {
		if op.Kind == faulty.Load || op.Kind == faulty.List {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		moments = append(moments, moment{fmt.Sprint(when, " ", op.Kind, " ", op.Name), m.Clone()})
	}
	b := faulty.Wrap(m, faulty.Hook(func(op faulty.Op) { snap("before", op) }, func(op faulty.Op, _ error) { snap("after", op) }))
	if rep := pruned(t, b, harsh); rep.Swept.Packs < 4 || rep.Copied == 0 {
		t.Fatalf("too little to do: %+v", rep)
	}
	done := packBytes(t, m)
	t.Logf("%d moments", len(moments))
	for _, at := range moments {
		t.Run(at.at, func(t *testing.T) {
			haveAll(t, at.store, keep)
			pruned(t, at.store, harsh)
			haveAll(t, at.store, keep)
			pruned(t, at.store, harsh)
			haveAll(t, at.store, keep)
			if left := packBytes(t, at.store); left.Bytes > done.Bytes+500 {
				t.Errorf("%d bytes are left, %d without the crash", left.Bytes, done.Bytes)
			}
		})
	}
}

// TestPruneFaults fails every operation of a prune, and loses its answer.
func TestPruneFaults(t *testing.T) {
	base := new(backend.Memory)
	keep := worn(t, base)
	for name, fault := range map[string]func(faulty.Match) faulty.Fault{
		"fails":       func(m faulty.Match) faulty.Fault { return faulty.Fail(m, nil) },
		"answer lost": faulty.LoseAnswer,
	} {
		for n := int64(1); ; n++ {
			m := base.Clone()
			r := openedSmall(t, faulty.Wrap(m, fault(faulty.Nth(n, faulty.Save, faulty.Remove, faulty.Now))))
			_, err := r.Prune(t.Context(), harsh)
			if err != nil && !errors.Is(err, faulty.ErrInjected) {
				t.Fatalf("%s, operation %d: %v", name, n, err)
			}
			haveAll(t, m, keep)
			if err == nil {
				break
			}
			pruned(t, m, harsh)
			haveAll(t, m, keep)
		}
	}
}

// TestPruneSuspended suspends a prune before every operation while others
// write, delete and prune without a grace, and lets it go on then: it finishes
// or says why, and no snapshot lacks anything.
func TestPruneSuspended(t *testing.T) {
	base := new(backend.Memory)
	keep := worn(t, base)
	step := 1
	if world.encrypted() {
		step = 4 // it makes no difference, and takes its time
	}
	for n := 1; ; n += step {
		m := base.Clone()
		keep := append([]chunk.ID(nil), keep...)
		var at string
		seen := 0
		r := openedSmall(t, faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
			if seen++; seen != n || at != "" {
				return
			}
			at = fmt.Sprint(op.Kind, " ", op.Name)
			other := openedSmall(t, m)
			list, err := other.Snapshots(context.Background())
			must(t, err)
			for i, s := range list {
				if i%2 == 0 {
					must(t, other.Delete(context.Background(), s, "test"))
				} else {
					keep = append(keep, s.ID)
				}
				keep = without(keep, list[i-i%2].ID)
			}
			keep = append(keep, take(t, other, "shared", "own 0", "own 1", noise(3, 1500), noise(20, 1500)).ID)
			_, err = other.Prune(context.Background(), harsh)
			must(t, err)
			keep = append(keep, take(t, other, "own 2", noise(1, 1500), "point").ID)
			_, err = openedSmall(t, m).Prune(context.Background(), harsh)
			must(t, err)
		}, nil)))
		_, err := r.Prune(t.Context(), harsh)
		if at == "" {
			t.Logf("%d operations", n-1)
			return
		}
		if err != nil && !errors.Is(err, ErrNotPruned) && !errors.Is(err, backend.ErrNotExist) {
			t.Fatalf("suspended before %s: %v", at, err)
		}
		haveAll(t, m, keep)
		pruned(t, m, harsh)
		haveAll(t, m, keep)
	}
}

func without(list []chunk.ID, id chunk.ID) (out []chunk.ID) {
	for _, x := range list {
		if x != id {
			out = append(out, x)
		}
	}
	return out
}

// TestWriterSuspended suspends a writer before every operation while others
// delete and prune without a grace: it finishes or fails, and no snapshot lacks
// anything.
func TestWriterSuspended(t *testing.T) {
	for how, commit := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
		failed, finished := 0, 0
		for n := 1; ; n++ {
			m := new(backend.Memory)
			r := initialised(t, m)
			r.packTarget = smallTarget
			old := take(t, r, "shared", "old", noise(1, 1500), noise(2, 1500), noise(3, 1500))
			var at string
			seen := 0
			w := openedSmall(t, faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
				if seen++; seen != n || at != "" {
					return
				}
				at = fmt.Sprint(op.Kind, " ", op.Name)
				other := openedSmall(t, m)
				must(t, other.Delete(context.Background(), old, "test"))
				_, err := other.Prune(context.Background(), harsh)
				must(t, err)
			}, nil)))
			seen = 0
			referred, _ := document("old")
			err := w.Write(t.Context(), func(w *Writer) error {
				ids, err := save(t.Context(), w, "shared", "new", noise(2, 1500), noise(9, 1500))
				if err != nil {
					return err
				}
				if !w.Has(referred) {
					return &SweptError{referred, ErrMissing}
				}
				_, err = commit(w, t.Context(), snapshotOf(append(ids, referred)...))
				return err
			})
			if at == "" {
				t.Logf("%s: %d operations: %d times it failed, %d times it finished", how, n-1, failed, finished)
				if failed == 0 || finished == 0 {
					t.Error("nothing was tested")
				}
				break
			}
			if err != nil && !errors.Is(err, ErrSwept) && !errors.Is(err, ErrDamaged) {
				t.Fatalf("%s, suspended before %s: %v", how, at, err)
			}
			listed := whole(t, m)
			if err == nil {
				finished++
			} else if failed++; len(listed) > 0 && strings.HasPrefix(at, "save") {
				t.Errorf("%s, suspended before %s: it failed, and %v is listed", how, at, listed)
			}
			pruned(t, m, harsh)
			if again := whole(t, m); len(again) != len(listed) {
				t.Errorf("%s, suspended before %s: %v became %v", how, at, listed, again)
			}
		}
	}
}
