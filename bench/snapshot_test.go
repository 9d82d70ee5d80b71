package bench

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// BenchmarkFirstSnapshot takes a snapshot into a new repository on disk, in
// turns with the plain client, and with the plain client beside something that
// only keeps a processor busy: how much of the time is the machine's.
func BenchmarkFirstSnapshot(b *testing.B) {
	w := newWorld(b)
	p := floor(b, w)
	for b.Loop() {
		costs := inTurns(w.server.Pid(), rounds(b, 15),
			func() { p.run(b) },
			func() {
				folder := filepath.Join(w.folder, "fresh")
				w.take(b, folder)
				_ = os.RemoveAll(folder)
			},
			func() { besideSpinning(func() { p.run(b) }) })
		againstFloor(b, costs[0], costs[1])
		b.ReportMetric(ratio(costs[2].wall, costs[0].wall), "spinning×floor")
	}
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
			costs := inTurns(w.server.Pid(), rounds(b, 15),
				func() { p.run(b) },
				func() { w.take(b, folder) })
			againstFloor(b, costs[0], costs[1])
		})
	}
	b.ReportMetric(float64(bytes), "stored-B")
	peer.add(b, w)
}

// againstFloor reports what a snapshot took beside what the plain client took.
func againstFloor(b *testing.B, floor, own cost) {
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
