package watch

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Job is what is done again and again.
type Job struct {
	Name   string
	Rhythm Rhythm
	// Last is when it was done last, before this process began: the next tick
	// after that is the first one, at once where it has passed. Zero: it is due
	// at once.
	Last time.Time
	// Run does it. ctx ends when the time that Options.Finish gives is over.
	Run func(ctx context.Context) error
}

// Options say how to watch. Jobs are needed.
type Options struct {
	Jobs []Job
	// Jitter is added to each tick, at random up to so much, so that many
	// watchers do not come at once.
	Jitter time.Duration
	// Retry is how long after a failure a job is tried again, each time twice as
	// long, up to RetryMax; or at its next tick, where that is earlier. Zero: a
	// minute, an hour.
	Retry, RetryMax time.Duration
	// Finish is how long a job that runs when Run is told to stop may take to
	// end; then its context ends.
	Finish time.Duration
	// Final reports whether it is of no use to try again before the next tick.
	// Nil: it never is.
	Final func(error) bool
	// Observe gets what happens, one event after the other. Nil: nobody does.
	Observe func(Event)

	now    func() time.Time                  // nil: the machine's clock
	random func(time.Duration) time.Duration // nil: evenly between zero and that
}

// Kind says what happened.
type Kind int

const (
	Planned Kind = iota // the first tick of a job is known
	Begun               // a run of it began
	Ended               // it ended
)

// Event is something that happened to a job.
type Event struct {
	Kind     Kind
	Job      string
	Time     time.Time
	Next     time.Time     // when it is due again; zero: never, or not known yet
	Late     time.Duration // of Begun: how long ago it fell due
	Took     time.Duration // of Ended
	Err      error         // of Ended
	Failures int           // of Ended: in a row, this one included
	Skipped  int           // of Ended: ticks that passed meanwhile
}

// task is a job with its state.
type task struct {
	Job
	due      time.Time // zero: never again
	failures int
}

// longestWait is how long a timer runs before the clock is looked at again: a
// timer stands still while a machine sleeps, and knows nothing of a clock that
// is set.
const longestWait = 30 * time.Second

// setBack is how far a clock must go back to be one that was set.
const setBack = time.Minute

// Run does the jobs until ctx ends, and the one that then runs may finish. It
// returns nil then, and an error only where no job has a tick left.
func Run(ctx context.Context, o Options) error {
	o.Retry, o.RetryMax = cmp.Or(o.Retry, time.Minute), cmp.Or(o.RetryMax, time.Hour)
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.Final == nil {
		o.Final = func(error) bool { return false }
	}
	if o.now == nil {
		// Without the monotonic clock, which may stand still while a machine sleeps.
		o.now = func() time.Time { return time.Now().Round(0) }
	}
	if o.random == nil {
		o.random = func(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d) + 1)) }
	}
	tasks := make([]*task, len(o.Jobs))
	last := o.now()
	for i, j := range o.Jobs {
		tasks[i] = &task{Job: j, due: last}
		if !j.Last.IsZero() && !j.Last.After(last) {
			tasks[i].due = o.tick(j.Rhythm.Next(j.Last))
		}
		o.Observe(Event{Kind: Planned, Job: j.Name, Time: last, Next: tasks[i].due})
	}
	for ctx.Err() == nil {
		now := o.now()
		if now.Before(last.Add(-setBack)) {
			for _, t := range tasks {
				t.due = o.tick(t.Rhythm.Next(now))
			}
		}
		last = now
		t := first(tasks)
		if t == nil {
			return errors.New("no job is ever due again")
		}
		if wait := t.due.Sub(now); wait > 0 {
			sleep(ctx, min(wait, longestWait))
			continue
		}
		o.do(ctx, t)
	}
	return nil
}

// tick adds the jitter to one.
func (o *Options) tick(at time.Time) time.Time {
	if o.Jitter <= 0 || at.IsZero() {
		return at
	}
	return at.Add(o.random(o.Jitter))
}

// first gives the task that is due first.
func first(tasks []*task) (f *task) {
	for _, t := range tasks {
		if !t.due.IsZero() && (f == nil || t.due.Before(f.due)) {
			f = t
		}
	}
	return f
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// do runs a task and plans its next run.
func (o *Options) do(ctx context.Context, t *task) {
	begun := o.now()
	o.Observe(Event{Kind: Begun, Job: t.Name, Time: begun, Late: begun.Sub(t.due)})
	err := o.run(ctx, t)
	ended := o.now()
	e := Event{Kind: Ended, Job: t.Name, Time: ended, Took: ended.Sub(begun), Err: err}
	next := t.Rhythm.Next(begun)
	for ; !next.IsZero() && !next.After(ended); next = t.Rhythm.Next(next) {
		e.Skipped++
	}
	t.due = o.tick(next)
	if err == nil {
		t.failures = 0
	} else {
		t.failures++
		if again := ended.Add(o.after(t.failures)); !o.Final(err) && (t.due.IsZero() || again.Before(t.due)) {
			t.due = again
		}
	}
	e.Failures, e.Next = t.failures, t.due
	o.Observe(e)
}

// after is how long to wait after so many failures in a row.
func (o *Options) after(failures int) time.Duration {
	d := o.Retry
	for range failures - 1 {
		if d *= 2; d >= o.RetryMax {
			return o.RetryMax
		}
	}
	return min(d, o.RetryMax)
}

// run gives a job a context that outlives ctx by the time it may take to finish.
func (o *Options) run(ctx context.Context, t *task) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(o.Finish):
			cancel()
		case <-ended:
		}
	})()
	return t.Run(inner)
}
