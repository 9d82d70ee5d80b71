package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// TestUndeleteMeanwhile brings back a snapshot while a prune that has decided
// already removes another one; it may not remove this one.
func TestUndeleteMeanwhile(t *testing.T) {
	for how, commit := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
		ctx := t.Context()
		m := new(backend.Memory)
		r := initialised(t, m)
		take(t, r, "stays")
		deleted := map[string]Snapshot{}
		for i := range 2 {
			s, err := tryTake(ctx, r, commit, fmt.Sprint("own ", i), noise(uint64(i), 1500))
			must(t, err)
			must(t, r.Delete(ctx, s, "test"))
			deleted[s.File] = s
		}
		var back Snapshot
		p := openedSmall(t, faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
			if _, ok := deleted[op.Name]; !ok || op.Kind != faulty.Remove || !back.ID.IsZero() {
				return
			}
			delete(deleted, op.Name)
			for _, back = range deleted {
			}
			if err := opened(t, m).Undelete(ctx, back); err != nil {
				t.Errorf("%s: %v", how, err)
			}
		}, nil)))
		_, err := p.Prune(ctx, harsh)
		must(t, err)
		if back.ID.IsZero() {
			t.Fatalf("%s: no record was removed", how)
		}
		for range 2 {
			haveAll(t, m, []chunk.ID{back.ID})
			pruned(t, m, harsh)
		}
	}
}

// scattered makes a repository in which a prune has all kinds of things to do, and
// records stand in all kinds of files. It gives what is kept and what is deleted.
func scattered(t *testing.T, m *backend.Memory) (keep []chunk.ID, deleted []Snapshot) {
	t.Helper()
	ctx := t.Context()
	keep = worn(t, m)
	r := opened(t, m)
	all, err := r.records(ctx)
	must(t, err)
	_, err = r.saveList(ctx, sortedByID(all[:4]))
	must(t, err)
	for _, s := range all[:4] {
		must(t, m.Remove(ctx, s.File))
	}
	must(t, r.Refresh(ctx))
	deleted, err = r.DeletedSnapshots(ctx)
	must(t, err)
	kinds := map[string]bool{}
	for _, s := range deleted {
		kinds[fmt.Sprint(strings.HasPrefix(s.File, listsFolder), strings.HasSuffix(s.File, pointSuffix))] = true
	}
	if len(kinds) != 3 {
		t.Fatalf("deleted ones stand in %v", kinds)
	}
	return keep, deleted
}

// bringBack takes back all deletions it can, and gives what is back.
func bringBack(t *testing.T, r *Repository, deleted []Snapshot) (back []chunk.ID) {
	t.Helper()
	for _, s := range deleted {
		err := r.Undelete(context.Background(), s)
		switch {
		case err == nil:
			back = append(back, s.ID)
		case !errors.Is(err, ErrNoSnapshot):
			t.Errorf("%v: %v", s, err)
		}
	}
	return back
}

// TestUndeleteSuspended brings deleted snapshots back before each operation of a
// prune, and prunes before each operation of bringing them back: those of which
// it is said that they are back, are, and whole.
func TestUndeleteSuspended(t *testing.T) {
	base := new(backend.Memory)
	keep, deleted := scattered(t, base)
	prune := func(r *Repository) {
		_, err := r.Prune(context.Background(), harsh)
		if err != nil && !errors.Is(err, backend.ErrNotExist) {
			t.Errorf("prune: %v", err)
		}
	}
	for what, acts := range map[string]struct {
		act, meanwhile func(*Repository) []chunk.ID
	}{
		"prune": {
			func(r *Repository) []chunk.ID { prune(r); return nil },
			func(r *Repository) []chunk.ID { return bringBack(t, r, deleted) },
		},
		"undelete": {
			func(r *Repository) []chunk.ID { return bringBack(t, r, deleted) },
			func(r *Repository) []chunk.ID { prune(r); return nil },
		},
	} {
		step := 1
		if world.encrypted() {
			step = 4
		}
		some, all := 0, 0
		for n := 1; ; n += step {
			m := base.Clone()
			var at string
			var back []chunk.ID
			var mu sync.Mutex
			seen := 0
			r := openedSmall(t, faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
				mu.Lock()
				defer mu.Unlock()
				if seen++; seen == n {
					at = fmt.Sprint(op.Kind, " ", op.Name)
					back = append(back, acts.meanwhile(openedSmall(t, m))...)
				}
			}, nil)))
			back = append(back, acts.act(r)...)
			if at == "" {
				t.Logf("%s: %d operations, %d times all came back, %d times some", what, n-1, all, some)
				break
			}
			if len(back) == len(deleted) {
				all++
			} else if len(back) > 0 {
				some++
			}
			t.Run(what+" suspended before "+at, func(t *testing.T) {
				for range 3 {
					haveAll(t, m, append(back, keep...))
					pruned(t, m, harsh)
				}
			})
		}
	}
}
