package snapshot_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/repo"
	"autochrome/snapshot"
)

// scribbler changes one collection of a fake at random, some records at a time,
// whenever it is called, and remembers what each record was.
type scribbler struct {
	*rand.Rand
	fake    *fake
	id      string
	there   map[string]int   // version by record
	had     map[string][]int // versions since the capture began
	left    map[string]bool  // removed since then, also where it came back
	changes int
}

func newScribbler(rnd *rand.Rand, f *fake, id string, records int) *scribbler {
	s := &scribbler{Rand: rnd, fake: f, id: id, there: map[string]int{}, had: map[string][]int{}, left: map[string]bool{}}
	for i := range records {
		s.put(fmt.Sprintf("r%05d", i))
	}
	s.begin()
	return s
}

// begin forgets what was before the capture.
func (s *scribbler) begin() {
	s.had, s.left = map[string][]int{}, map[string]bool{}
	for id, n := range s.there {
		s.had[id] = []int{n}
	}
}

func (s *scribbler) put(id string) {
	s.changes++
	s.fake.put(s.id, version(id, s.changes))
	s.there[id] = s.changes
	s.had[id] = append(s.had[id], s.changes)
}

// scribble adds, updates, deletes, and adds again.
func (s *scribbler) scribble(records int) {
	for range records {
		id := fmt.Sprintf("r%05d", s.IntN(len(s.had)+20))
		if _, there := s.there[id]; there && s.IntN(3) == 0 {
			s.fake.remove(s.id, id)
			delete(s.there, id)
			s.left[id] = true
			if s.IntN(2) == 0 {
				s.put(id)
			}
			continue
		}
		s.put(id)
	}
}

// check holds a snapshot against what the records were meanwhile, and gives how
// many are torn.
func (s *scribbler) check(t *testing.T, r *repo.Repository, snap repo.Snapshot, atBegin []string) (torn int) {
	t.Helper()
	got := recordsIn(t, r, snap, "docs")
	for _, id := range atBegin {
		if _, ok := got[id]; !ok && !s.left[id] {
			t.Errorf("%s was there throughout and is not in the snapshot", id)
		}
	}
	for id, rec := range got {
		e, d, m := versionsOf(t, rec)
		for _, n := range []int{e, d, m} {
			if !slices.Contains(s.had[id], n) {
				t.Errorf("%s has version %d, which it never had meanwhile: %v", id, n, s.had[id])
			}
		}
		if e != d || d != m {
			torn++
		}
	}
	return torn
}

func keys(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// TestWriterDuringCapture: whatever somebody writes between any two steps of a
// capture, each record that was there throughout is there once, with values that
// it had meanwhile.
func TestWriterDuringCapture(t *testing.T) {
	rnd := random(t)
	torn, moving := 0, 0
	for range 30 {
		f := newFake()
		s := newScribbler(rnd, f, f.create("docs"), 1+rnd.IntN(2500))
		r := newRepository(t)
		if rnd.IntN(2) == 0 { // also on top of an earlier snapshot
			if _, err := snapshot.Take(t.Context(), r, f, snapshot.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		s.begin()
		atBegin := keys(s.there)
		f.between = func(string) { s.scribble(rnd.IntN(30)) }
		res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{AllowShrink: true})
		if err != nil {
			t.Fatal(err)
		}
		torn += s.check(t, r, res.Snapshot, atBegin)
		if res.Snapshot.Capture == repo.CaptureMoving {
			moving++
		}
	}
	if torn == 0 || moving == 0 {
		t.Errorf("%d records torn, %d captures moving: the writer met nothing", torn, moving)
	}
}

// TestConsistent: with a writer that stops after a while two reads agree, and
// nothing is torn.
func TestConsistent(t *testing.T) {
	withoutWaiting(t, func(t *testing.T) {
		rnd := random(t)
		later := 0
		for range 15 {
			f := newFake()
			quiet := f.create("quiet")
			for i := range 700 {
				f.put(quiet, version(fmt.Sprint(i), i))
			}
			s := newScribbler(rnd, f, f.create("docs"), 1+rnd.IntN(1500))
			r := newRepository(t)
			atBegin := keys(s.there)
			calls := rnd.IntN(18)
			f.between = func(string) {
				if calls--; calls >= 0 {
					s.scribble(1 + rnd.IntN(20))
				}
			}
			res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{Consistent: true})
			if err != nil {
				t.Fatal(err)
			}
			if res.Snapshot.Capture != repo.CaptureStill {
				t.Errorf("capture %s", res.Snapshot.Capture)
			}
			for _, c := range res.Snapshot.Collections {
				if c.Capture != repo.CaptureStill {
					t.Errorf("collection %s: %s", c.Name, c.Capture)
				}
			}
			if torn := s.check(t, r, res.Snapshot, atBegin); torn > 0 {
				t.Errorf("%d records are torn", torn)
			}
			got := recordsIn(t, r, res.Snapshot, "docs")
			for id, n := range s.there {
				if e, _, _ := versionsOf(t, got[id]); e != n {
					t.Errorf("%s: version %d, it came to rest at %d", id, e, n)
				}
			}
			if len(got) != len(s.there) {
				t.Errorf("%d records, there are %d", len(got), len(s.there))
			}
			if f.fetched[quiet] != 2*700 {
				t.Errorf("what does not change was read %d times", f.fetched[quiet]/700)
			}
			if f.fetched[s.id] > 2*len(s.there) {
				later++
			}
		}
		if later == 0 {
			t.Error("two reads were always enough: the writer met nothing")
		}
	})
}

// TestNeverConsistent: a writer that does not stop is an error after a bounded
// number of reads, and nothing is stored.
func TestNeverConsistent(t *testing.T) {
	withoutWaiting(t, func(t *testing.T) {
		f := newFake()
		s := newScribbler(random(t), f, f.create("docs"), 500)
		r := newRepository(t)
		reads := 0
		f.between = func(op string) {
			if op == "fetch" {
				reads++
				s.put("r00003") // no id comes or goes
			}
		}
		_, err := snapshot.Take(t.Context(), r, f, snapshot.Options{Consistent: true})
		if !errors.Is(err, snapshot.ErrInconsistent) || reads != 6 {
			t.Errorf("%d reads: %v", reads, err)
		}
		if all, err := r.Snapshots(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%d snapshots, %v", len(all), err)
		}
		res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{FailIfMoving: true})
		if err != nil || res.Snapshot.Capture != repo.CaptureIDsStable {
			t.Errorf("updates alone: %s, %v", res.Snapshot.Capture, err)
		}
		f.between = func(op string) {
			if op == "torn" {
				s.put("fresh")
			}
		}
		if _, err := snapshot.Take(t.Context(), r, f, snapshot.Options{FailIfMoving: true}); !errors.Is(err, snapshot.ErrInconsistent) {
			t.Errorf("an addition: %v", err)
		}
	})
}

// TestSecondReadStoresNothing: what is read twice is stored once.
func TestSecondReadStoresNothing(t *testing.T) {
	var stored [2]int64
	var chunks [2]int64
	for i, consistent := range []bool{false, true} {
		f := newFake()
		id := f.create("docs")
		for n := range 3000 {
			f.put(id, version(fmt.Sprintf("r%05d", n), n))
		}
		res, err := snapshot.Take(t.Context(), newRepository(t), f, snapshot.Options{Consistent: consistent})
		if err != nil {
			t.Fatal(err)
		}
		stored[i], chunks[i] = res.Stored, res.Snapshot.Stats.ChunksStored
	}
	// The records of two snapshots are not of the same length: names and times.
	if chunks[0] != chunks[1] || stored[1] > stored[0]+200 {
		t.Errorf("%d chunks and %d bytes with one read, %d and %d with two", chunks[0], stored[0], chunks[1], stored[1])
	}
}
