package bench

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkFirstSnapshot takes a snapshot into a new repository on disk, in
// turns with the plain client.
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
			})
		againstFloor(b, costs[0], costs[1])
	}
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
