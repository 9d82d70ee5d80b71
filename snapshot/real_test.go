package snapshot_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/snapshot"
)

// acknowledged is one write of a record that a server said yes to.
type acknowledged struct {
	version    int // 0: deleted
	begun, end time.Time
}

// liveWriter adds, updates, deletes and adds again, until it is stopped.
type liveWriter struct {
	mu   sync.Mutex
	log  map[string][]acknowledged
	stop atomic.Bool
	done chan struct{}
}

func bodyOf(ids []string, n int) map[string]any {
	var vs, ds, us, ms []any
	for range ids {
		text := fmt.Sprint("version ", n)
		vs, ds, us = append(vs, []float32{float32(n), 1}), append(ds, text), append(us, text)
		ms = append(ms, map[string]any{"n": n})
	}
	return map[string]any{"ids": ids, "embeddings": vs, "documents": ds, "uris": us, "metadatas": ms}
}

func write(t *testing.T, c *chromatest.Client, id string, rnd *rand.Rand, records int) *liveWriter {
	w := &liveWriter{log: map[string][]acknowledged{}, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for n := 2; !w.stop.Load(); n++ {
			var ids []string
			for _, i := range rnd.Perm(records + 100)[:30] {
				ids = append(ids, fmt.Sprintf("r%05d", i))
			}
			verb, body, a := "upsert", bodyOf(ids, n), acknowledged{version: n, begun: time.Now()}
			if rnd.IntN(4) == 0 {
				verb, body, a.version = "delete", map[string]any{"ids": ids[:10]}, 0
				ids = ids[:10]
			}
			status, answer, err := c.Server.Try("POST", c.Path(id, verb), body)
			if err != nil || status > 299 {
				t.Errorf("%s: %v %d %s", verb, err, status, answer)
				return
			}
			a.end = time.Now()
			w.mu.Lock()
			for _, id := range ids {
				w.log[id] = append(w.log[id], a)
			}
			w.mu.Unlock()
		}
	}()
	return w
}

// may says which versions a record may have had between two moments, and
// whether it was there throughout.
func (w *liveWriter) may(id string, first bool, from, to time.Time) (versions map[int]bool, throughout bool) {
	at := acknowledged{version: 0}
	if first {
		at.version = 1
	}
	versions, throughout = map[int]bool{}, true
	before := at
	for _, a := range w.log[id] {
		if a.end.Before(from) {
			before = a
		}
	}
	if versions[before.version] = true; before.version == 0 {
		throughout = false
	}
	for _, a := range w.log[id] {
		if !a.end.Before(from) && !a.begun.After(to) {
			versions[a.version] = true
			throughout = throughout && a.version != 0
		}
	}
	return versions, throughout
}

// TestRealWriter captures real servers while somebody adds, updates, deletes and
// adds again.
func TestRealWriter(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		rnd := random(t)
		db, err := chroma.Open(t.Context(), chroma.Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		const records = 3000
		id := c.CreateCollection("docs", nil)
		var ids []string
		for i := range records {
			ids = append(ids, fmt.Sprintf("r%05d", i))
		}
		c.Add(id, bodyOf(ids, 1))
		r := newRepository(t)
		w := write(t, c, id, rnd, records)
		type capture struct {
			snapshot repo.Snapshot
			from, to time.Time
		}
		var captures []capture
		for range 6 {
			from := time.Now()
			res, err := snapshot.Take(t.Context(), r, db, snapshot.Options{})
			if err != nil {
				t.Fatal(err)
			}
			captures = append(captures, capture{res.Snapshot, from, time.Now()})
		}
		if _, err := snapshot.Take(t.Context(), r, db, snapshot.Options{FailIfMoving: true}); err != nil && !errors.Is(err, snapshot.ErrInconsistent) {
			t.Fatal(err)
		}
		// It stops while the consistent one is being taken.
		time.AfterFunc(400*time.Millisecond, func() { w.stop.Store(true) })
		from := time.Now()
		still, err := snapshot.Take(t.Context(), r, db, snapshot.Options{Consistent: true})
		to := time.Now()
		w.stop.Store(true)
		<-w.done
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, capture{still.Snapshot, from, to})

		torn, moving, throughoutAll := 0, 0, 0
		for i, x := range captures {
			got := recordsIn(t, r, x.snapshot, "docs")
			for n := range records + 100 {
				rid := fmt.Sprintf("r%05d", n)
				versions, throughout := w.may(rid, n < records, x.from, x.to)
				rec, ok := got[rid]
				if !ok {
					if throughout {
						t.Errorf("capture %d: %s was there throughout and is missing", i, rid)
					}
					continue
				}
				if throughout {
					throughoutAll++
				}
				e, d, m := versionsOf(t, rec)
				for _, v := range []int{e, d, m} {
					if !versions[v] {
						t.Errorf("capture %d: %s has version %d, of %v", i, rid, v, versions)
					}
				}
				if e != d || d != m {
					torn++
					if i == len(captures)-1 {
						t.Errorf("%s is torn: %d %d %d", rid, e, d, m)
					}
				}
			}
			if x.snapshot.Capture == repo.CaptureMoving {
				moving++
			}
		}
		if still.Snapshot.Capture != repo.CaptureStill {
			t.Errorf("capture %s", still.Snapshot.Capture)
		}
		t.Logf("%d captures, %d of them moving; %d records torn; %d times a record was there throughout", len(captures), moving, torn, throughoutAll)
		if moving == 0 {
			t.Error("the writer met nothing")
		}
	})
}
