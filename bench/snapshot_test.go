package bench

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// BenchmarkFirstSnapshot has the program take a snapshot into a new repository on
// disk, in turns with the plain client; all of its process is counted. How much of
// that is the machine's show the program without warm memory, and the plain client
// next to something that only keeps a processor busy; how much is the program's
// start, a command that does nothing.
func BenchmarkFirstSnapshot(b *testing.B) {
	w := newWorld(b)
	p := floor(b, w)
	fresh := filepath.Join(w.folder, "fresh")
	first := func() cost {
		defer os.RemoveAll(fresh)
		return w.program(b, fresh)
	}
	for b.Loop() {
		costs := inTurns(rounds(b, 15),
			w.here(b, func() { p.run(b) }),
			warmed(b, first),
			w.here(b, func() { besideSpinning(func() { p.run(b) }) }),
			first,
			warmed(b, func() cost { return start(b) }))
		againstFloor(b, costs[0], costs[1])
		b.ReportMetric(ratio(costs[2].wall, costs[0].wall), "spinning×floor")
		b.ReportMetric(ratio(costs[3].wall, costs[0].wall), "cold×floor")
		b.ReportMetric(ratio(costs[3].own-costs[0].own, costs[0].wall), "cold-cpu-s/floor-s")
		b.ReportMetric(costs[4].wall.Seconds(), "start-s")
		b.ReportMetric(costs[4].own.Seconds(), "start-cpu-s")
	}
}

// here is a run of f in this process.
func (w *world) here(b *testing.B, f func()) func() cost {
	return warmed(b, func() cost { return measure(w.server.Pid(), f) })
}

// warmed is a run with warm memory.
func warmed(b *testing.B, run func() cost) func() cost {
	return func() cost {
		warm(b)
		return run()
	}
}

// start runs the program for nothing.
func start(b *testing.B) cost {
	b.Helper()
	bin, err := program()
	if err != nil {
		b.Fatal(err)
	}
	r := runMeasured(b, nil, bin, "version")
	return cost{wall: r.Wall, own: r.CPU}
}

// program has the program take a snapshot.
func (w *world) program(b *testing.B, folder string) cost {
	b.Helper()
	before := processCPU(w.server.Pid())
	r := runProgram(b, "--chromadb-url", w.server.URL(), "--tenant", w.tenant, "--database", w.database, "--repo", folder,
		"--json", "snapshot", "create")
	return cost{r.Wall, r.CPU, processCPU(w.server.Pid()) - before}
}

// besideSpinning runs f while another processor does nothing, as fast as it can.
func besideSpinning(f func()) {
	var stop atomic.Bool
	ended := make(chan struct{})
	go func() {
		for !stop.Load() {
		}
		close(ended)
	}()
	f()
	stop.Store(true)
	<-ended
}

// BenchmarkSecondSnapshot takes a snapshot of what has not changed since the
// first.
func BenchmarkSecondSnapshot(b *testing.B) {
	w := newWorld(b)
	peer := w.peer(b)
	p := floor(b, w)
	bytes := w.cost(b, func() {}).bytes
	for b.Loop() {
		w.copyOf(b, w.first, func(folder string) {
			costs := inTurns(rounds(b, 15),
				w.here(b, func() { p.run(b) }),
				warmed(b, func() cost { return w.program(b, folder) }))
			againstFloor(b, costs[0], costs[1])
		})
	}
	b.ReportMetric(float64(bytes), "stored-B")
	peer.add(b, w)
}

// againstFloor reports what the program took beside what the plain client took.
func againstFloor(b *testing.B, floor, own cost) {
	b.Helper()
	b.Logf("%s; floor with pages of %d: %.3f s", dataset(), theFloor.page, floor.wall.Seconds())
	report(b,
		figure{ratio(own.wall, floor.wall), "×floor"},
		figure{ratio(own.own-floor.own, floor.wall), "cpu-s/floor-s"},
		figure{own.wall.Seconds(), "s"},
		figure{floor.wall.Seconds(), "floor-s"},
		figure{own.own.Seconds(), "cpu-s"},
		figure{floor.own.Seconds(), "floor-cpu-s"},
		figure{own.server.Seconds(), "server-cpu-s"},
		figure{floor.server.Seconds(), "floor-server-cpu-s"},
	)
}
