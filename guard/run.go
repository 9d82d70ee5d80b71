package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"autochrome/repo"
	"autochrome/snapshot"
)

// Run guards a migration: it takes a base snapshot, forwards and records what
// the migration writes, and goes back when it has failed. The error says why
// there was no run; how a run ended is in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	rep := Report{ExitCode: -1, Back: BackNone}
	x := &run{Options: o, report: &rep, begun: time.Now()}
	unlock, err := x.begin(ctx)
	if err != nil {
		return rep, err
	}
	defer func() { _ = unlock() }() // it goes with the process at the latest
	// What is under way is ended in good order also when ctx is.
	work := context.WithoutCancel(ctx)
	err = o.Repository.Write(work, func(w *repo.Writer) error { return x.guard(ctx, work, w) })
	if err != nil && rep.Outcome == "" {
		return rep, err // nothing was run
	}
	if err != nil && rep.Outcome != Unrecorded {
		rep.Outcome, rep.Reason = Unrecorded, err.Error()
	}
	if rep.Failed() {
		x.goBack(work)
	}
	x.conclude(work)
	return rep, nil
}

// run is one run at work.
type run struct {
	Options
	report *Report
	begun  time.Time
	from   repo.Snapshot   // the last point of a run that goes on, else the base
	made   map[string]bool // collections that the run made, once it is over

	recorder *recorder
	proxy    *proxy
	stopped  chan struct{} // closed when the run must end
	stopOnce sync.Once
}

// begin takes the base, or finds where the run stands. Nobody else can go on with
// the run until unlock.
func (x *run) begin(ctx context.Context) (unlock func() error, err error) {
	if x.Resume != nil {
		return x.resume(ctx)
	}
	so := x.Snapshot
	so.Kind, so.Progress, so.Tags = repo.KindSnapshot, x.Reading, map[string]string{TagBase: "true"}
	taken, err := snapshot.Take(ctx, x.Repository, x.Database, so)
	if err != nil {
		return nil, fmt.Errorf("the snapshot before the migration: %w", err)
	}
	x.from = taken.Snapshot
	x.report.Base, x.report.Run = taken.Snapshot, RunName(taken.Snapshot)
	return x.Repository.LockRun(x.report.Run)
}

// guard is the run from the first request that is forwarded to the last point.
// ctx says when to end it.
func (x *run) guard(ctx, work context.Context, w *repo.Writer) (err error) {
	x.recorder = &recorder{
		db: x.Database, store: w, run: x.report.Run, lazy: x.Durability > 0,
		collections: map[string]*collection{}, last: x.from, points: x.report.Points, told: x.pointMade,
	}
	defer func() { err = errors.Join(err, x.recorder.close()) }()
	x.report.Last, x.report.LastGood = x.from, x.report.Base
	if err := x.load(ctx, w); err != nil {
		return err
	}
	if x.Resume != nil {
		if err := x.catchUp(ctx); err != nil {
			return err
		}
	}
	x.stopped = make(chan struct{})
	x.proxy = newProxy(x.Upstream, x.Transport, x.Database, x.recorder)
	x.proxy.recorded = x.recorded
	listener, err := net.Listen("tcp", cmp.Or(x.Listen, "127.0.0.1:0"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: x.proxy, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends with Close
	defer func() { err = errors.Join(err, server.Close()) }()
	address := "http://" + listener.Addr().String()
	if x.Started != nil {
		x.Started(address, x.report.Base)
	}
	stopFlushing := x.flushing(work)
	x.migrate(ctx, address)
	x.proxy.close(x.over())
	stopFlushing()
	x.report.Writes, x.report.Refused = x.proxy.counts.Writes.Load(), x.proxy.counts.Refused.Load()
	x.made = x.recorder.made()
	if err := x.flush(work); err != nil {
		return err
	}
	err = x.judge(ctx, work, address)
	x.recorder.sealRest(work)
	x.made = x.recorder.made()
	return err
}

// migrate runs the migration until it ends, or has to.
func (x *run) migrate(ctx context.Context, address string) {
	if x.MaxTime > 0 {
		timer := time.AfterFunc(x.MaxTime, func() {
			x.stop(TimedOut, fmt.Sprintf("it took longer than %v", x.MaxTime))
		})
		defer timer.Stop()
	}
	end := func() {
		select {
		case <-ctx.Done():
			if x.Command == nil {
				x.stop(Succeeded, "")
			} else {
				x.stop(Interrupted, "it was interrupted")
			}
		case <-x.stopped:
		}
	}
	if x.Command == nil {
		end()
		return
	}
	c, err := x.start(x.Command, append(slices.Clone(x.Env), environment(address)...))
	if err != nil {
		x.stop(ChildFailed, err.Error())
		return
	}
	go func() {
		<-c.Done()
		if code := c.Code(); code != 0 {
			x.stop(ChildFailed, fmt.Sprintf("%s: %v", x.Command[0], c.State())) // the rest may have secrets
		} else {
			x.stop(Succeeded, "")
		}
	}()
	end()
	x.proxy.shut(x.over())
	c.Stop() // also where it waits for the answer to a write that never comes
	x.report.ExitCode = c.Code()
}

// over is the answer to what is written after the end.
func (x *run) over() *refusal {
	return &refusal{http.StatusServiceUnavailable, "the guarded run has ended: " + cmp.Or(x.report.Reason, string(x.report.Outcome))}
}

// stop says how the run ended; only the first one counts.
func (x *run) stop(how Outcome, why string) {
	x.stopOnce.Do(func() {
		x.report.Outcome, x.report.Reason = how, why
		close(x.stopped)
	})
}

// pointMade hears of each point. The recorder is locked.
func (x *run) pointMade(p Point) {
	x.report.Last, x.report.Points = p.Snapshot, p.Number
	x.report.Unrecorded = x.report.Unrecorded || p.Snapshot.Tags[TagUnrecorded] != ""
	if x.surelyGood() {
		x.report.LastGood = p.Snapshot
	}
	if x.Point != nil {
		x.Point(p)
	}
}

// recorded hears what became of each write.
func (x *run) recorded(ctx context.Context, words string, err error) {
	if err != nil {
		why := fmt.Sprintf("%s could not be recorded: %v", words, err)
		x.proxy.shut(&refusal{http.StatusInsufficientStorage, why})
		x.stop(Unrecorded, why)
		return
	}
	if x.Full != nil && x.Full() {
		x.proxy.shut(&refusal{http.StatusInsufficientStorage, "the repository has no space left: what was written is recorded, and nothing more is let through"})
	}
	if tooMuch, err := x.weigh(ctx, false); tooMuch != nil || err != nil {
		x.stop(Lost, errors.Join(tooMuch, err).Error())
	}
}

// weigh notes what is lost, and says whether it is too much. Where it is not, and
// that is known for certain, the last point is a good one.
func (x *run) weigh(ctx context.Context, thorough bool) (tooMuch, err error) {
	err = x.recorder.weigh(ctx, x.Expect, thorough, func(lost []Loss, last repo.Snapshot) {
		x.report.Losses = lost
		tooMuch = x.tooMuch(lost)
		if thorough && tooMuch == nil && len(x.recorder.dirty) == 0 {
			x.report.LastGood = last
		}
	})
	return tooMuch, err
}

// surelyGood reports whether no more is lost than may be, even if no collection has
// the records of those that it is expected to replace: they are looked for at the end
// only. The recorder is locked.
func (x *run) surelyGood() bool {
	for c, deleted := range x.recorder.ofBase() {
		if c.loss(deleted, x.Expect).Share() > x.MaxLoss {
			return false
		}
	}
	return true
}

// tooMuch names the collections of which more is lost than may be.
func (x *run) tooMuch(losses []Loss) error {
	var words []string
	for _, l := range losses {
		if l.Share() > x.MaxLoss {
			words = append(words, l.String())
		}
	}
	if words == nil {
		return nil
	}
	return fmt.Errorf("%s, where at most %.4g %% may be lost", strings.Join(words, "; "), 100*x.MaxLoss)
}

func (x *run) flush(ctx context.Context) error {
	return faultless(func() error { return x.recorder.flush(ctx) })
}

// flushing makes points of what lazy recording left, until it is told to stop.
func (x *run) flushing(ctx context.Context) (stop func()) {
	if x.Durability <= 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(x.Durability)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if err := x.flush(ctx); err != nil {
					x.stop(Unrecorded, err.Error())
					return
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}
