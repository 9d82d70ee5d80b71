package repo

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// daily gives a store with a snapshot for each of so many days up to now, whose
// clock can be set.
func daily(t *testing.T, days int) (*backend.Memory, *Repository, *time.Time) {
	t.Helper()
	now := new(present)
	m := &backend.Memory{Clock: func() time.Time { return *now }}
	r := initialised(t, m)
	r.clock = func() time.Time { return *now }
	for i := range days {
		*now = present.AddDate(0, 0, i-days+1)
		takeAt(t, r, *now)
	}
	must(t, r.Refresh(t.Context())) // the store's times
	return m, r, now
}

func takeAt(t *testing.T, r *Repository, at time.Time) Snapshot {
	t.Helper()
	s, err := tryTake(t.Context(), r, func(w *Writer, ctx context.Context, s Snapshot) (Snapshot, error) {
		s.Time = at
		return w.SaveSnapshot(ctx, s)
	}, at.String())
	must(t, err)
	return s
}

func count(t *testing.T, r *Repository) int {
	t.Helper()
	list, err := r.Snapshots(t.Context())
	must(t, err)
	return len(list)
}

func TestCleanUp(t *testing.T) {
	ctx := t.Context()
	m, r, _ := daily(t, 10)
	o := CleanupOptions{Policy: Policy{Age: week}, DryRun: true}
	c, err := r.CleanUp(ctx, o)
	must(t, err)
	if len(c.Decisions) != 10 || len(c.Removed) != 3 || count(t, r) != 10 {
		t.Fatalf("a dry run: %d decisions, %d removed, %d left", len(c.Decisions), len(c.Removed), count(t, r))
	}
	before := names(t, m, "")
	o.DryRun = false
	if c, err = r.CleanUp(ctx, o); err != nil || len(c.Removed) != 3 || count(t, r) != 7 {
		t.Fatalf("%d removed, %d left, %v", len(c.Removed), count(t, r), err)
	}
	if added := len(names(t, m, "")) - len(before); added != 3 {
		t.Errorf("%d objects more, want an annotation for each of 3", added)
	}
	gone, err := r.DeletedSnapshots(ctx)
	must(t, err)
	if !slices.EqualFunc(gone, c.Removed, func(a, b Snapshot) bool { return a.ID == b.ID }) {
		t.Errorf("deleted are %v, removed %v", gone, c.Removed)
	}
	if c, err := r.CleanUp(ctx, o); err != nil || len(c.Removed) != 0 || len(c.Decisions) != 7 {
		t.Errorf("again: %d removed, %d decisions, %v", len(c.Removed), len(c.Decisions), err)
	}
	_, err = r.CleanUp(ctx, CleanupOptions{})
	wantErr(t, err, ErrInvalid)
}

// A clock that runs ahead, the store's or this computer's, removes nothing.
func TestCleanUpClockAhead(t *testing.T) {
	for _, which := range []string{"store", "own"} {
		_, r, now := daily(t, 5)
		if which == "store" {
			*now = present.AddDate(1, 0, 0)
			r.clock = func() time.Time { return present }
		} else {
			r.clock = func() time.Time { return present.AddDate(1, 0, 0) }
		}
		c, err := r.CleanUp(t.Context(), CleanupOptions{Policy: Policy{Age: week}})
		must(t, err)
		if len(c.Removed) != 0 {
			t.Errorf("the clock %s is ahead: %d removed", which, len(c.Removed))
		}
	}
}

// Nothing is removed while a file is damaged: it might say that one is held.
func TestCleanUpDamaged(t *testing.T) {
	for _, folder := range []string{notesFolder, rootsFolder, indexFolder} {
		m, r, _ := daily(t, 10)
		list, err := r.Snapshots(t.Context())
		must(t, err)
		must(t, r.Annotate(t.Context(), Annotation{Snapshot: list[0].ID, Key: KeyHold, Value: "audit"}))
		replace(t, m, names(t, m, folder)[0], func(b []byte) []byte {
			b[len(b)/2] ^= 1
			return b
		})
		fresh := opened(t, m)
		fresh.clock = r.clock
		c, err := fresh.CleanUp(t.Context(), CleanupOptions{Policy: Policy{Age: week}})
		wantErr(t, err, ErrDamaged)
		if len(c.Removed) > 0 || len(names(t, m, notesFolder)) != 1 {
			t.Errorf("%s: %d removed", folder, len(c.Removed))
		}
	}
}

// What fails on the way leaves the rest as it was, and a second run goes on.
func TestCleanUpFails(t *testing.T) {
	m, r, _ := daily(t, 12)
	full := errors.New("no space")
	broken, err := openStore(t.Context(), faulty.Wrap(m, faulty.Fail(faulty.From(3, faulty.Save), full)))
	must(t, err)
	broken.clock = r.clock
	o := CleanupOptions{Policy: Policy{Age: week}}
	c, err := broken.CleanUp(t.Context(), o)
	wantErr(t, err, full)
	if len(c.Removed) != 2 || count(t, r) != 10 {
		t.Errorf("%d removed, %d left", len(c.Removed), count(t, r))
	}
	c, err = r.CleanUp(t.Context(), o)
	must(t, err)
	if len(c.Removed) != 3 || count(t, r) != 7 {
		t.Errorf("%d removed, %d left", len(c.Removed), count(t, r))
	}
}

// What is deleted is worth a prune when the grace is over, and what that marks
// when it is over again; then nothing is.
func TestPruneDue(t *testing.T) {
	m, r, now := daily(t, 10)
	ctx := t.Context()
	due := func(want bool) {
		t.Helper()
		if got, err := r.PruneDue(ctx); err != nil || got != want {
			t.Fatalf("due is %v, %v; want %v", got, err, want)
		}
	}
	due(false)
	_, err := r.CleanUp(ctx, CleanupOptions{Policy: Policy{Last: 1}})
	must(t, err)
	due(false)
	*now = now.Add(DefaultGrace)
	due(true)
	before := len(names(t, m, packsFolder))
	for range 3 { // records, packs, marks
		_, err = r.Prune(ctx, PruneOptions{Budget: time.Minute})
		must(t, err)
		*now = now.Add(DefaultGrace)
	}
	due(false)
	if n := len(names(t, m, packsFolder)); n >= before || count(t, r) != 1 {
		t.Errorf("%d packs of %d, %d snapshots", n, before, count(t, r))
	}
	whole(t, m)
}
