package memory

import (
	"testing"
	"time"
)

// TestPace: frequent collections raise the limit, up to a bound; rare ones take it
// down again; what is alive always has room.
func TestPace(t *testing.T) {
	p := &pace{}
	for i, step := range []struct {
		alive int64
		since time.Duration
		want  int64
	}{
		{10 << 20, often, least},
		{10 << 20, 20 * often, least},
		{10 << 20, often / 2, least + room},
		{10 << 20, often / 2, least + 2*room},
		{10 << 20, 2 * often, least + 2*room},
		{10 << 20, 11 * often, least + room},
		{80 << 20, 2 * often, 90<<20 + own + room},
		{80 << 20, 0, 90<<20 + own + 2*room},
	} {
		if got := p.next(step.alive, step.since); got != step.want {
			t.Errorf("step %d: the limit is %d MB, want %d", i, got>>20, step.want>>20)
		}
	}
	for range 100 {
		p.next(0, 0)
	}
	if got := p.next(0, often); got != least+mostRoom {
		t.Errorf("in the end it is %d MB", got>>20)
	}
	defer frugal.Store(false)
	Frugal()
	p = &pace{}
	if got := p.next(0, 0); got != least {
		t.Errorf("where memory counts, it is %d MB", got>>20)
	}
}
