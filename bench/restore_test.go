package bench

import (
	"os"
	"slices"
	"testing"
	"time"

	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// BenchmarkFullRestore restores into empty servers, in turns with a loop that
// sends the same requests to collections of the same configuration. Each has a
// server of its own, for one slows down as it fills.
func BenchmarkFullRestore(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		f := w.fullRestore(b)
		b.Logf("%s; %d requests that write, %.1f MB", dataset(), f.requests, mega(f.bytes))
		report(b,
			figure{ratio(f.written, f.loop), "×loop"},
			figure{f.written.Seconds(), "s"},
			figure{f.loop.Seconds(), "loop-s"},
			figure{f.compared.Seconds(), "comparing-s"},
			figure{f.reading.Seconds(), "planning-s"})
	}
}

// BenchmarkRollback1Percent brings 98 changed embeddings back. Beside it stands
// the full restore.
func BenchmarkRollback1Percent(b *testing.B) {
	w := newWorld(b)
	full := w.fullRestore(b)
	for b.Loop() {
		var written []cost
		for range rounds(b, 5) {
			w.onePercent(b)
			settle(w.server.Pid())
			rep := w.back(b)
			if rep.Applied.Updated != 98 {
				b.Fatalf("rollback: %d records updated", rep.Applied.Updated)
			}
			written = append(written, cost{wall: rep.Written.Sub(rep.Planned)})
		}
		took := median(written).wall
		report(b,
			figure{100 * ratio(took, full.written), "%full"},
			figure{took.Seconds(), "s"},
			figure{full.written.Seconds(), "full-s"})
	}
}

// full is what a full restore took, as medians.
type full struct {
	reading  time.Duration // from the beginning to the plan
	written  time.Duration // from the plan to the last write
	compared time.Duration // the comparison
	loop     time.Duration // the same requests by a plain loop
	requests int
	bytes    int64
}

var theRestore *full

// fullRestore measures it once for all benchmarks.
func (w *world) fullRestore(b *testing.B) full {
	b.Helper()
	if theRestore != nil {
		return *theRestore
	}
	sent := w.record(b)
	var reading, written, compared, loop []cost
	for range rounds(b, 3) {
		w.onEmpty(b, func(s *chromatest.Server) {
			begun := time.Now()
			rep := w.restoreTo(b, s)
			reading = append(reading, cost{wall: rep.Planned.Sub(begun)})
			written = append(written, cost{wall: rep.Written.Sub(rep.Planned)})
			compared = append(compared, cost{wall: time.Since(rep.Written)})
		})
		w.onEmpty(b, func(s *chromatest.Server) {
			loop = append(loop, sent.replay(b, s.Client(b, w.tenant, w.database)))
		})
	}
	theRestore = &full{
		reading: median(reading).wall, written: median(written).wall, compared: median(compared).wall,
		loop: median(loop).wall, requests: len(sent.writes), bytes: sent.bytes(),
	}
	return *theRestore
}

// onEmpty runs fn with a new server that has the world's database and nothing
// in it.
func (w *world) onEmpty(b *testing.B, fn func(s *chromatest.Server)) {
	b.Helper()
	s := chromatest.Start(b, chromatest.Newest)
	status, answer := s.Do(b, "POST", "/api/v2/tenants/"+w.tenant+"/databases", map[string]any{"name": w.database})
	if status != 200 {
		b.Fatalf("create database: %d %s", status, answer)
	}
	settle(s.Pid())
	fn(s)
	s.Kill()
	_ = os.RemoveAll(s.Dir())
}

// restoreTo restores the first snapshot to an empty server.
func (w *world) restoreTo(b *testing.B, s *chromatest.Server) (rep restore.Report) {
	b.Helper()
	w.copyOf(b, w.first, func(folder string) {
		r := openRepo(b, folder)
		rep = w.rollback(b, r, s)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	})
	if added := rep.Applied.Added; added != int(w.snapshot.Root.Records) || !slices.Equal(rep.Applied.Created, names()) {
		b.Fatalf("full restore: %d records added, created %v", added, rep.Applied.Created)
	}
	return rep
}

func names() (all []string) {
	for _, c := range workload {
		all = append(all, c.name)
	}
	return all
}
