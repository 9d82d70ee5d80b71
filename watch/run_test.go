package watch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// watched runs jobs for so long of a fake clock and gives when each run of
// them began, since the start.
type watched struct {
	Options
	begun  map[string][]time.Duration
	events []Event
	shift  time.Duration // of the clock that the scheduler looks at
}

func (w *watched) run(t *testing.T, length time.Duration) {
	t.Helper()
	w.begun = map[string][]time.Duration{}
	start := time.Now()
	w.now = func() time.Time { return time.Now().Add(w.shift).Round(0) }
	w.Observe = func(e Event) {
		w.events = append(w.events, e)
		if e.Kind == Begun {
			w.begun[e.Job] = append(w.begun[e.Job], time.Since(start))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := Run(ctx, w.Options); err != nil {
		t.Fatal(err)
	}
}

func (w *watched) demand(t *testing.T, job string, want ...time.Duration) {
	t.Helper()
	if !slices.Equal(w.begun[job], want) {
		t.Errorf("%s ran at %v, want %v", job, w.begun[job], want)
	}
}

func (w *watched) ended(job string) (list []Event) {
	for _, e := range w.events {
		if e.Kind == Ended && e.Job == job {
			list = append(list, e)
		}
	}
	return list
}

func takes(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestEveryKeepsItsGrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Run: takes(7 * time.Minute)}}}}
		w.run(t, 3*time.Hour+time.Minute)
		w.demand(t, "a", 0, time.Hour, 2*time.Hour, 3*time.Hour)
	})
}

func TestTicksMeanwhileAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Run: takes(150 * time.Minute)}}}}
		w.run(t, 5*time.Hour)
		w.demand(t, "a", 0, 3*time.Hour)
		if e := w.ended("a")[0]; e.Skipped != 2 || e.Took != 150*time.Minute {
			t.Errorf("%+v", e)
		}
	})
}

// TestOneAtATime has two jobs due at once, and a third that falls due while
// they run.
func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{
			{Name: "a", Rhythm: Every(24 * time.Hour), Run: takes(10 * time.Minute)},
			{Name: "b", Rhythm: Every(24 * time.Hour), Run: takes(10 * time.Minute)},
			{Name: "c", Rhythm: Every(24 * time.Hour), Last: time.Now().Add(-24*time.Hour + 5*time.Minute), Run: takes(time.Minute)},
		}}}
		w.run(t, time.Hour)
		w.demand(t, "a", 0)
		w.demand(t, "b", 10*time.Minute)
		w.demand(t, "c", 20*time.Minute)
		if i := slices.IndexFunc(w.events, func(e Event) bool { return e.Kind == Begun && e.Job == "c" }); w.events[i].Late != 15*time.Minute {
			t.Errorf("%+v", w.events[i])
		}
	})
}

// TestRestart begins from what was done before the process began.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{
			{Name: "recent", Rhythm: Every(time.Hour), Last: time.Now().Add(-20 * time.Minute), Run: takes(0)},
			{Name: "missed", Rhythm: Every(time.Hour), Last: time.Now().Add(-50 * time.Hour), Run: takes(0)},
			{Name: "future", Rhythm: Every(time.Hour), Last: time.Now().Add(50 * time.Hour), Run: takes(0)},
		}}}
		w.run(t, 70*time.Minute)
		w.demand(t, "recent", 40*time.Minute)
		w.demand(t, "missed", 0, time.Hour)
		w.demand(t, "future", 0, time.Hour)
	})
}

// TestSleep has the clock go on while nothing runs: what was missed is made up
// for once.
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Run: takes(0)}}}}
		time.AfterFunc(90*time.Minute+time.Second, func() { w.shift = 10 * time.Hour })
		w.run(t, 3*time.Hour)
		w.demand(t, "a", 0, time.Hour, 90*time.Minute+30*time.Second, 150*time.Minute+30*time.Second)
	})
}

func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Run: takes(0)}}}}
		time.AfterFunc(30*time.Minute+time.Second, func() { w.shift = -10 * time.Hour })
		w.run(t, 2*time.Hour)
		w.demand(t, "a", 0, 90*time.Minute+30*time.Second)
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := errors.New("no")
		n := 0
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(24 * time.Hour), Run: func(context.Context) error {
			if n++; n <= 9 {
				return failing
			}
			return nil
		}}}}}
		w.run(t, 30*time.Hour)
		// 1, 2, 4, 8, 16, 32, 60, 60, 60 minutes; then a day after the last one began.
		var want []time.Duration
		at := time.Duration(0)
		for _, minutes := range []int{0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 24 * 60} {
			at += time.Duration(minutes) * time.Minute
			want = append(want, at)
		}
		w.demand(t, "a", want...)
		for i, e := range w.ended("a") {
			if want := (i + 1) % 10; i < 10 && e.Failures != want {
				t.Errorf("run %d: %d failures in a row, want %d", i, e.Failures, want)
			}
		}
	})
}

// TestBackoffWithinTicks never makes a job later than its next tick.
func TestBackoffWithinTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(90 * time.Second), Run: func(context.Context) error { return errors.New("no") }}}}}
		w.run(t, 5*time.Minute)
		w.demand(t, "a", 0, time.Minute, 150*time.Second, 4*time.Minute)
	})
}

func TestFinalWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{
			Jobs:  []Job{{Name: "a", Rhythm: Every(time.Hour), Run: func(context.Context) error { return errors.New("damaged") }}},
			Final: func(error) bool { return true },
		}}
		w.run(t, 90*time.Minute)
		w.demand(t, "a", 0, time.Hour)
	})
}

func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Options: Options{
			Jobs:   []Job{{Name: "a", Rhythm: Every(time.Hour), Run: takes(0)}},
			Jitter: 10 * time.Minute, random: func(d time.Duration) time.Duration { return d / 2 },
		}}
		w.run(t, 3*time.Hour)
		w.demand(t, "a", 0, 65*time.Minute, 130*time.Minute)
		w = &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Last: time.Now(), Run: takes(0)}}, Jitter: 10 * time.Minute}}
		w.run(t, 30*time.Hour)
		for i := 1; i < len(w.begun["a"]); i++ {
			if d := w.begun["a"][i] - w.begun["a"][i-1]; d < time.Hour || d > 70*time.Minute {
				t.Errorf("%v between two runs", d)
			}
		}
	})
}

// TestStop lets what runs finish, within the time it has.
func TestStop(t *testing.T) {
	for _, test := range []struct {
		takes, finish time.Duration
		ends          time.Duration
		cut           bool
	}{
		{time.Hour, 10 * time.Second, 40 * time.Second, true},
		{35 * time.Second, 10 * time.Second, 35 * time.Second, false},
		{time.Hour, 0, 30 * time.Second, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(2 * time.Hour), Run: takes(test.takes)}}, Finish: test.finish}}
			w.run(t, 30*time.Second)
			if took := time.Since(start); took != test.ends {
				t.Errorf("it ended after %v, want %v", took, test.ends)
			}
			if cut := errors.Is(w.ended("a")[0].Err, context.Canceled); cut != test.cut {
				t.Errorf("cut off: %v, want %v", cut, test.cut)
			}
		})
	}
}

func TestStopsWhileIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := &watched{Options: Options{Jobs: []Job{{Name: "a", Rhythm: Every(time.Hour), Last: start, Run: takes(0)}}, Finish: time.Hour}}
		w.run(t, 17*time.Second)
		if took := time.Since(start); took != 17*time.Second || len(w.begun["a"]) != 0 {
			t.Errorf("it ended after %v with %d runs", took, len(w.begun["a"]))
		}
	})
}

type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

func TestNothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		err := Run(t.Context(), Options{Jobs: []Job{{Name: "a", Rhythm: never{}, Run: func(context.Context) error { n++; return nil }}}})
		if err == nil || n != 1 {
			t.Errorf("%d runs, %v", n, err)
		}
	})
}
