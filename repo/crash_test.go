package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// life is all that a repository goes through, step by step. Each step gives
// the snapshot that it acknowledged, or the zero id.
var life = []struct {
	name string
	do   func(ctx context.Context, be backend.Backend) (chunk.ID, error)
}{
	{"init", func(ctx context.Context, be backend.Backend) (chunk.ID, error) {
		_, err := initStore(ctx, be)
		if errors.Is(err, ErrExists) { // its answer was lost
			err = nil
		}
		return chunk.ID{}, err
	}},
	{"snapshot", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		return tryTake(ctx, r, (*Writer).SaveSnapshot, texts("a", 3)...)
	})},
	{"large snapshot", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		return tryTake(ctx, r, (*Writer).SaveSnapshot, "a 1", noise(1, 50<<10), noise(2, 50<<10), noise(3, 50<<10), "b")
	})},
	{"point", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		return tryTake(ctx, r, (*Writer).SavePoint, "a 2", "b", "c", "d")
	})},
	{"large point", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		return tryTake(ctx, r, (*Writer).SavePoint, noise(4, 50<<10), noise(5, 50<<10), "c", "e")
	})},
	{"several in one", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		err = r.Write(ctx, func(w *Writer) error {
			var ids []chunk.ID
			for i, how := range []commit{(*Writer).SavePoint, (*Writer).SaveSnapshot, (*Writer).SavePoint} {
				more, err := save(ctx, w, fmt.Sprint("f", i), "d")
				if err != nil {
					return err
				}
				ids = append(ids, more...)
				if s, err = how(w, ctx, snapshotOf(ids...)); err != nil {
					return err
				}
			}
			return nil
		})
		return s, err
	})},
	{"audit", with(func(ctx context.Context, r *Repository) (s Snapshot, err error) {
		return s, errors.Join(r.Audit(ctx, AuditEntry{Action: "test", Outcome: "ok"}), r.Audit(ctx, AuditEntry{Action: "test", Outcome: "ok"}))
	})},
}

func with(do func(context.Context, *Repository) (Snapshot, error)) func(context.Context, backend.Backend) (chunk.ID, error) {
	return func(ctx context.Context, be backend.Backend) (chunk.ID, error) {
		r, err := openStore(ctx, be)
		if err != nil {
			return chunk.ID{}, err
		}
		r.packTarget = 80 << 10
		s, err := do(ctx, r)
		return s.ID, err
	}
}

// TestCrash stops the world before and after every operation: what is listed
// then is whole, what was acknowledged is listed, and the next run succeeds.
func TestCrash(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	type moment struct {
		at    string
		store *backend.Memory
		acked []chunk.ID
		step  int
	}
	var mu sync.Mutex
	var moments []moment
	var acked []chunk.ID
	step := 0
	snap := func(when string, op faulty.Op) {
		if op.Kind == faulty.Load || op.Kind == faulty.List {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		moments = append(moments, moment{
			fmt.Sprintf("%s: %s %s %s", life[step].name, when, op.Kind, op.Name),
			m.Clone(), append([]chunk.ID(nil), acked...), step,
		})
	}
	b := faulty.Wrap(m, faulty.Hook(
		func(op faulty.Op) { snap("before", op) },
		func(op faulty.Op, _ error) { snap("after", op) }))
	for step = range life {
		id, err := life[step].do(ctx, b)
		if err != nil {
			t.Fatalf("%s: %v", life[step].name, err)
		}
		if !id.IsZero() {
			mu.Lock()
			acked = append(acked, id)
			mu.Unlock()
		}
	}
	t.Logf("%d moments", len(moments))
	for _, at := range moments {
		t.Run(at.at, func(t *testing.T) {
			listed := whole(t, at.store)
			for _, id := range at.acked {
				if !contains(listed, id) {
					t.Fatalf("%v was acknowledged and is not listed", id)
				}
			}
			// The run that was cut short, and the next one.
			for step := at.step; step < min(at.step+2, len(life)); step++ {
				id, err := life[step].do(ctx, at.store)
				must(t, err)
				if !id.IsZero() && !contains(whole(t, at.store), id) {
					t.Errorf("%s is not listed", life[step].name)
				}
			}
		})
	}
}

// TestFaults fails every operation, and loses the answer of every one: the
// caller hears of it, or all is well; and what was acknowledged stays.
func TestFaults(t *testing.T) {
	ctx := t.Context()
	for name, fault := range map[string]func(faulty.Match) faulty.Fault{
		"fails":       func(m faulty.Match) faulty.Fault { return faulty.Fail(m, nil) },
		"answer lost": faulty.LoseAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			for n := int64(1); ; n++ {
				var c faulty.Counter
				m := new(backend.Memory)
				struck := false
				hit := faulty.Nth(n)
				b := faulty.Wrap(m, c.Count, fault(func(op *faulty.Op) bool {
					if hit(op) {
						struck = true
						return true
					}
					return false
				}))
				var acked []chunk.ID
				for _, step := range life {
					id, err := step.do(ctx, b)
					if err != nil { // again, as a person would
						if !errors.Is(err, faulty.ErrInjected) {
							t.Fatalf("operation %d: %s: %v", n, step.name, err)
						}
						if id, err = step.do(ctx, b); err != nil {
							t.Fatalf("operation %d: %s again: %v", n, step.name, err)
						}
					}
					if !id.IsZero() {
						acked = append(acked, id)
					}
				}
				listed := whole(t, m)
				for _, id := range acked {
					if !contains(listed, id) {
						t.Fatalf("operation %d: %v was acknowledged and is not listed", n, id)
					}
				}
				if !struck {
					t.Logf("%d operations", n)
					return
				}
			}
		})
	}
}

// TestOrder proves the order of writes: packs, their index, the snapshot, each
// finished before the next begins.
func TestOrder(t *testing.T) {
	ctx := t.Context()
	var mu sync.Mutex
	var log []string
	folder := func(op faulty.Op) string {
		_, point, ok := parseRoot(op.Name)
		if point && ok {
			return "point"
		}
		for i := range op.Name {
			if op.Name[i] == '/' {
				return op.Name[:i]
			}
		}
		return op.Name
	}
	under := map[string]int{}
	b := faulty.Wrap(new(backend.Memory), faulty.Hook(
		func(op faulty.Op) {
			if op.Kind != faulty.Save {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			f := folder(op)
			if f != "packs" {
				for other, n := range under {
					if n > 0 {
						t.Errorf("%s begins while %s is under way", f, other)
					}
				}
			}
			under[f]++
			log = append(log, f)
		},
		func(op faulty.Op, _ error) {
			mu.Lock()
			defer mu.Unlock()
			under[folder(op)]--
		}))
	r := initialised(t, b)
	r.packTarget = 80 << 10
	must(t, r.Write(ctx, func(w *Writer) error {
		ids, err := save(ctx, w, noise(1, 50<<10), noise(2, 50<<10), noise(3, 50<<10))
		must(t, err)
		_, err = w.SaveSnapshot(ctx, snapshotOf(ids...))
		must(t, err)
		ids, err = save(ctx, w, noise(4, 50<<10), noise(5, 50<<10), "b")
		must(t, err)
		_, err = w.SavePoint(ctx, snapshotOf(ids...))
		must(t, err)
		ids, err = save(ctx, w, "c")
		must(t, err)
		_, err = w.SavePoint(ctx, snapshotOf(ids...))
		must(t, err)
		_, err = w.SaveSnapshot(ctx, snapshotOf(ids...))
		return err
	}))
	want := "[packs packs packs index roots packs index point point roots]"
	if got := fmt.Sprint(log); got != want {
		t.Errorf("written %s, want %s", got, want)
	}
}

// TestTogether commits from several goroutines: whenever a snapshot is listed,
// what it needs is durable, also when another goroutine saved it.
func TestTogether(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	b := faulty.Wrap(m, faulty.Hook(nil, func(op faulty.Op, _ error) {
		if op.Kind == faulty.Save {
			whole(t, m.Clone())
		}
	}))
	r := initialised(t, b)
	r.packTarget = 4 << 10
	must(t, r.Write(ctx, func(w *Writer) error {
		var wg sync.WaitGroup
		for g := range 3 {
			wg.Go(func() {
				for i := range 8 {
					ids, err := save(ctx, w, fmt.Sprint("shared ", i), fmt.Sprint("own ", g, i), noise(uint64(i), 1000))
					if err == nil {
						how := []commit{(*Writer).SavePoint, (*Writer).SaveSnapshot}[(g+i)%2]
						_, err = how(w, ctx, snapshotOf(ids...))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return nil
	}))
	if n := len(whole(t, m)); n != 24 {
		t.Errorf("%d snapshots", n)
	}
}

// TestLocalFolder does it all in a folder.
func TestLocalFolder(t *testing.T) {
	ctx := t.Context()
	be, err := backend.OpenLocal(t.TempDir())
	must(t, err)
	var acked int
	for _, step := range life {
		id, err := step.do(ctx, be)
		must(t, err)
		if !id.IsZero() {
			acked++
		}
	}
	if n := len(whole(t, be)); n < acked {
		t.Errorf("%d snapshots, want %d", n, acked)
	}
}
