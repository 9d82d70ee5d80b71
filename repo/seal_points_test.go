package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// savePoints saves points, each of what the one before has and something new.
func savePoints(ctx context.Context, w *Writer, n int) (out []Snapshot, err error) {
	var ids []chunk.ID
	for i := range n {
		more, err := save(ctx, w, fmt.Sprint("of point ", i), noise(uint64(100+i), 400))
		if err != nil {
			return out, err
		}
		ids = append(ids, more...)
		s, err := w.SavePoint(ctx, snapshotOf(ids...))
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
	return out, nil
}

// saveAndSeal writes points and seals them.
func saveAndSeal(ctx context.Context, r *Repository, n int) (out []Snapshot, err error) {
	err = r.Write(ctx, func(w *Writer) (err error) {
		if out, err = savePoints(ctx, w, n); err != nil {
			return err
		}
		return w.SealPoints(ctx)
	})
	return out, err
}

func identities(list []Snapshot) (ids []chunk.ID) {
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestSealPoints(t *testing.T) {
	ctx := t.Context()
	m := &backend.Memory{Clock: tick()}
	r := initialised(t, m)
	base := take(t, r, "base")
	early := opened(t, m)
	const n = 40
	var points []Snapshot
	var reader *Repository
	var before []Snapshot
	must(t, r.Write(ctx, func(w *Writer) (err error) {
		if points, err = savePoints(ctx, w, n); err != nil {
			return err
		}
		must(t, r.Delete(ctx, points[n-2], "test"))
		reader = opened(t, m)
		if before, err = reader.Snapshots(ctx); err != nil {
			return err
		}
		must(t, w.SealPoints(ctx))
		must(t, w.SealPoints(ctx)) // nothing is left to do
		for _, id := range points[0].Root.Runs {
			if !w.Has(id.Chunk) {
				t.Error("the writer does not count on what it sealed")
			}
		}
		more, err := save(ctx, w, "of point 0", "behind")
		if err != nil {
			return err
		}
		last, err := w.SavePoint(ctx, snapshotOf(more...))
		points = append(points, last)
		return err
	}))
	// What was deleted is prune's, and the last one came behind.
	if roots, lists, packs := names(t, m, rootsFolder), names(t, m, listsFolder), names(t, m, packsFolder); len(roots) != 3 || len(lists) != 1 || len(packs) != 2 {
		t.Errorf("%v, %v, %v", roots, lists, packs)
	}
	after, err := opened(t, m).Snapshots(ctx)
	must(t, err)
	if want := append(identities(before), points[n].ID); !slices.Equal(identities(after), want) {
		t.Fatalf("%d snapshots, %d before", len(after), len(before))
	}
	for i := range before {
		if !after[i].Stored.Equal(before[i].Stored) {
			t.Errorf("%v: stored %v, before %v", after[i], after[i].Stored, before[i].Stored)
		}
	}
	for _, old := range []*Repository{reader, early, r} { // find it where it is now
		for _, s := range append([]Snapshot{base}, points...) {
			loads(t, old, s)
		}
		must(t, old.Refresh(ctx))
		list, err := old.Snapshots(ctx)
		if must(t, err); !slices.Equal(identities(list), identities(after)) {
			t.Errorf("an old reader lists %d snapshots", len(list))
		}
	}
	checked, err := opened(t, m).Check(ctx, CheckOptions{Read: All(), Found: func(f Finding) {
		if f.Err != nil {
			t.Errorf("check: %+v", f)
		}
	}})
	if must(t, err); checked.Snapshots != n+2 {
		t.Errorf("check sees %d snapshots", checked.Snapshots)
	}
}

// crude is a store that lists as badly as the contract allows: of what comes or
// goes while it lists, it names nothing (or all). meanwhile is what goes on.
type crude struct {
	backend.Backend
	all       bool
	meanwhile func()
}

func (c crude) List(ctx context.Context, folder string, fn func(backend.Info) error) error {
	look := func() map[string]backend.Info {
		seen := map[string]backend.Info{}
		_ = c.Backend.List(ctx, folder, func(info backend.Info) error { seen[info.Name] = info; return nil })
		return seen
	}
	before := look()
	c.meanwhile()
	after := look()
	infos := map[string]backend.Info{}
	for name, info := range before {
		if _, stays := after[name]; stays || c.all {
			infos[name] = info
		}
	}
	for name, info := range after {
		if c.all {
			infos[name] = info
		}
	}
	for _, name := range slices.Sorted(maps.Keys(infos)) {
		if err := fn(infos[name]); err != nil {
			return err
		}
	}
	return nil
}

// stops is a process that can be held before each of its operations.
type stops struct {
	at      int // 0: it is not held
	n       int
	mu      sync.Mutex
	reached chan struct{}
	goOn    chan struct{}
}

func (s *stops) fault(op *faulty.Op, next func() error) error {
	s.mu.Lock()
	s.n++
	hold := s.n == s.at
	s.mu.Unlock()
	if hold {
		close(s.reached)
		<-s.goOn
	}
	return next()
}

// TestListWhileSealing holds the sealing before each of its operations, lets a
// reader begin, and the sealing go on before, or within, each operation of the
// reader: who lists sees all snapshots and can read them.
func TestListWhileSealing(t *testing.T) {
	ctx := t.Context()
	const n = 5
	combinations := 0
	for held := 1; ; held++ {
		for read := 1; ; read++ {
			m := new(backend.Memory)
			initialised(t, m)
			sealer := &stops{reached: make(chan struct{}), goOn: make(chan struct{})}
			r := opened(t, faulty.Wrap(m, sealer.fault))
			var points []Snapshot
			begun, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- r.Write(ctx, func(w *Writer) (err error) {
					if points, err = savePoints(ctx, w, n); err != nil {
						return err
					}
					sealer.mu.Lock()
					sealer.n, sealer.at = 0, held
					sealer.mu.Unlock()
					close(begun)
					return w.SealPoints(ctx)
				})
			}()
			<-begun
			var err error
			over := false
			select {
			case <-sealer.reached:
			case err = <-ended:
				over = true
			}
			must(t, err)
			finish := sync.OnceFunc(func() {
				if !over {
					close(sealer.goOn)
					must(t, <-ended)
				}
			})
			var operations atomic.Int64 // a reader reads several points at once
			b := faulty.Wrap(crude{m, (held+read)%2 == 0, func() {
				if int(operations.Load()) == read {
					finish()
				}
			}}, func(op *faulty.Op, next func() error) error {
				if int(operations.Add(1)) == read && op.Kind != faulty.List {
					finish()
				}
				return next()
			})
			reader := opened(t, b)
			list, err := reader.Snapshots(ctx)
			must(t, err)
			for _, s := range points {
				if !contains(identities(list), s.ID) {
					t.Fatalf("sealing held before operation %d, reader let it go on at %d: %d of %d snapshots are listed", held, read, len(list), n)
				}
				loads(t, reader, s)
			}
			last := int(operations.Load()) < read
			finish()
			combinations++
			if over {
				t.Logf("%d operations of the sealing, %d combinations", held-1, combinations)
				return
			}
			if last {
				break
			}
		}
	}
}

// TestSealInterrupted stops the world before and after each operation of the
// sealing: all points are there, and prunes take away what is too much.
func TestSealInterrupted(t *testing.T) {
	ctx := t.Context()
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return now }}
	initialised(t, m)
	var moments []*backend.Memory
	var mu sync.Mutex
	sealing := false
	look := func(faulty.Op) {
		mu.Lock()
		defer mu.Unlock()
		if sealing {
			moments = append(moments, m.Clone())
		}
	}
	const n = 6
	r := opened(t, faulty.Wrap(m, faulty.Hook(look, func(op faulty.Op, _ error) { look(op) })))
	must(t, r.Write(ctx, func(w *Writer) error {
		if _, err := savePoints(ctx, w, n); err != nil {
			return err
		}
		sealing = true
		return w.SealPoints(ctx)
	}))
	t.Logf("%d moments", len(moments))
	for i, store := range moments {
		if got := len(whole(t, store)); got != n {
			t.Fatalf("moment %d: %d snapshots", i, got)
		}
		clock := now
		store.Clock = func() time.Time { return clock }
		for range 4 {
			clock = clock.Add(DefaultGrace + time.Hour)
			pruned(t, store, PruneOptions{})
		}
		if got := len(whole(t, store)); got != n {
			t.Fatalf("moment %d, pruned: %d snapshots", i, got)
		}
		if left := names(t, store, rootsFolder); len(left) != 0 {
			t.Errorf("moment %d: %v is left", i, left)
		}
		if left := names(t, store, marksFolder); len(left) != 0 {
			t.Errorf("moment %d: %v is left", i, left)
		}
	}
}

// TestSealFails fails every operation of the sealing, or loses its answer: the
// points stay whole, and the Writer makes more of them.
func TestSealFails(t *testing.T) {
	ctx := t.Context()
	const n = 6
	for name, fault := range map[string]func(faulty.Match) faulty.Fault{
		"fails":       func(m faulty.Match) faulty.Fault { return faulty.Fail(m, nil) },
		"answer lost": faulty.LoseAnswer,
	} {
		for at := int64(1); ; at++ {
			m := new(backend.Memory)
			initialised(t, m)
			var hit faulty.Match
			struck := false
			r := opened(t, faulty.Wrap(m, fault(func(op *faulty.Op) bool {
				if hit == nil || !hit(op) {
					return false
				}
				struck = true
				return true
			})))
			err := r.Write(ctx, func(w *Writer) error {
				if _, err := savePoints(ctx, w, n); err != nil {
					return err
				}
				hit = faulty.Nth(at)
				err := w.SealPoints(ctx)
				if err != nil && !errors.Is(err, faulty.ErrInjected) || err == nil && struck {
					t.Errorf("%s, operation %d: %v", name, at, err)
				}
				hit = nil
				ids, err := save(ctx, w, "of point 1", "another")
				if err != nil {
					return err
				}
				_, err = w.SavePoint(ctx, snapshotOf(ids...))
				return err
			})
			must(t, err)
			if got := len(whole(t, m)); got != n+1 {
				t.Fatalf("%s, operation %d: %d snapshots", name, at, got)
			}
			if !struck {
				t.Logf("%s: %d operations", name, at-1)
				break
			}
		}
	}
}

// TestSealNothingNew seals points that need nothing new.
func TestSealNothingNew(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	take(t, r, "a", "b")
	must(t, r.Write(ctx, func(w *Writer) error {
		for _, text := range []string{"a", "b"} {
			id, _ := document(text)
			if _, err := w.SavePoint(ctx, snapshotOf(id)); err != nil {
				return err
			}
		}
		return w.SealPoints(ctx)
	}))
	if roots, lists := names(t, m, rootsFolder), names(t, m, listsFolder); len(roots) != 1 || len(lists) != 1 || len(whole(t, m)) != 3 {
		t.Errorf("%v, %v", roots, lists)
	}
}

// TestSealUnderWriter seals the points that a writer counts on before each of
// its operations, and prunes without a grace: it finishes, or says why not, and
// no snapshot lacks a chunk.
func TestSealUnderWriter(t *testing.T) {
	ctx := t.Context()
	for name, how := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
		for _, prunes := range []bool{false, true} {
			finished := 0
			for at := 1; ; at++ {
				m := new(backend.Memory)
				guard := initialised(t, m)
				count, struck := 0, false
				var seal func()
				other := opened(t, faulty.Wrap(m, faulty.Hook(func(faulty.Op) {
					if seal == nil {
						return
					}
					if count++; count == at {
						struck = true
						seal()
					}
				}, nil)))
				var points []Snapshot
				must(t, guard.Write(ctx, func(w *Writer) (err error) {
					if points, err = savePoints(ctx, w, 4); err != nil {
						return err
					}
					seal = func() {
						must(t, w.SealPoints(ctx))
						if prunes {
							pruned(t, m, harsh)
							pruned(t, m, harsh)
						}
					}
					_, err = tryTake(ctx, other, how, "of point 0", "of point 2", "of point 3", "own")
					if err == nil {
						finished++
					} else if !prunes || !mayFail(err.Error()) {
						t.Errorf("%s, sealed before operation %d, pruned %v: %v", name, at, prunes, err)
					}
					return nil
				}))
				ids := whole(t, m)
				for _, s := range points {
					if !contains(ids, s.ID) {
						t.Fatalf("%s, sealed before operation %d: %v is not listed", name, at, s)
					}
				}
				if !struck {
					t.Logf("%s, pruned %v: %d operations, finished %d times", name, prunes, at-1, finished)
					break
				}
			}
		}
	}
}

// TestPruneWhileSealing prunes without a grace before each operation of the
// sealing; before each write of the prune a snapshot is taken that counts on
// the points, also on what nothing else needs.
func TestPruneWhileSealing(t *testing.T) {
	ctx := t.Context()
	combinations := 0
	for _, deletes := range []bool{false, true} {
		for at := 1; ; at++ {
			through, sealed := false, false
			for write := 1; !through && !sealed; write++ {
				m := new(backend.Memory)
				initialised(t, m)
				count, sealing := 0, false
				r := opened(t, faulty.Wrap(m, faulty.Hook(func(faulty.Op) {
					if !sealing {
						return
					}
					if count++; count == at {
						through = !pruneAround(t, m, write)
					}
				}, nil)))
				var points []Snapshot
				must(t, r.Write(ctx, func(w *Writer) (err error) {
					if _, err = save(ctx, w, "of nobody"); err != nil {
						return err
					}
					if points, err = savePoints(ctx, w, 4); err != nil {
						return err
					}
					if deletes {
						must(t, opened(t, m).Delete(ctx, points[0], "test"))
					}
					sealing = true
					err = w.SealPoints(ctx)
					sealing = false
					if err != nil && !mayFail(err.Error()) {
						return err
					}
					return nil
				}))
				sealed = count < at
				combinations++
				for range 3 {
					ids := whole(t, m)
					for i, s := range points {
						if !contains(ids, s.ID) && !(deletes && i == 0) {
							t.Fatalf("pruned before operation %d, snapshot before write %d of it: %v is gone", at, write, s)
						}
					}
					pruned(t, m, harsh)
				}
			}
			if sealed {
				break
			}
		}
	}
	t.Logf("%d combinations", combinations)
}

// pruneAround prunes without a grace and takes a snapshot before a write of it.
// It reports whether there was such a write.
func pruneAround(t *testing.T, m *backend.Memory, write int) bool {
	n, taken := 0, false
	r := openedSmall(t, faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
		if op.Kind == faulty.Load || op.Kind == faulty.List || op.Kind == faulty.Now {
			return
		}
		if n++; n == write {
			taken = true
			take(t, opened(t, m), "of nobody", "of point 0", "of point 3", "own")
		}
	}, nil)))
	_, err := r.Prune(t.Context(), harsh)
	must(t, err)
	return taken
}

// TestSlowListing: who takes so long to list that a list may have been replaced
// by another, and gone, lists again.
func TestSlowListing(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	must(t, errors.Join(initialised(t, m).Close()))
	now := time.Now()
	slow, listed := 2, 0
	r := opened(t, faulty.Wrap(m, faulty.Hook(nil, func(op faulty.Op, _ error) {
		if op.Kind == faulty.List && op.Name == listsFolder {
			if listed++; listed <= slow {
				now = now.Add(sealedAge)
			}
		}
	})))
	r.clock = func() time.Time { return now }
	listed = 0
	must(t, r.Refresh(ctx))
	if listed != slow+1 {
		t.Errorf("listed %d times", listed)
	}
	slow, listed = 100, 0
	wantErr(t, r.Refresh(ctx), errSlow)
}
