package main

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/watch"
)

// jobs gives what is to be done, and when it was done last. Settings that are
// wrong end the watch here; whatever else goes wrong may be right when the job is
// due.
func (w *watcher) jobs(ctx context.Context) ([]watch.Job, error) {
	last, err := w.lastDone(ctx)
	if errors.As(err, new(*usageError)) || errors.Is(err, repo.ErrWrongKey) {
		return nil, err
	}
	do := map[string]func(ctx context.Context, s *session) error{
		"snapshot": w.snapshot, "cleanup": w.cleanup, checkAction: w.check, verifyAction: w.verify,
	}
	var list []watch.Job
	for _, r := range w.rhythms {
		at, has := last[r.action]
		if !has && r.action != "snapshot" {
			at = w.begun // the first one can wait
		}
		list = append(list, watch.Job{Name: r.action, Rhythm: r.Rhythm, Last: at, Run: func(ctx context.Context) error {
			return w.act(ctx, r.action, do[r.action])
		}})
	}
	return list, nil
}

// lastDone says when each action was done last, by this watch or by others.
func (w *watcher) lastDone(ctx context.Context) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := w.withRepository(ctx, func(r *repo.Repository) error {
		err := r.AuditEntries(ctx, func(e repo.AuditEntry) error {
			if e.Action != "snapshot" && e.Outcome == outcomeSuccess && e.Time.After(last[e.Action]) {
				last[e.Action] = e.Time
			}
			return nil
		})
		if err != nil && !errors.Is(err, repo.ErrDamaged) {
			return err
		}
		x, err := w.here(ctx, r)
		if err != nil {
			return err
		}
		if x.last != nil {
			last["snapshot"] = x.last.Time
		}
		if x.good != nil {
			w.health.good(*x.good)
		}
		if x.verified != nil {
			last[verifyAction] = x.at
		}
		return nil
	})
	return last, err
}

// here gives where the source stands that is watched.
func (w *watcher) here(ctx context.Context, r *repo.Repository) (standing, error) {
	name := w.take.Source
	if name == "" {
		db, err := w.openChroma(ctx)
		if err != nil {
			return standing{}, err
		}
		if name, err = snapshot.SourceName(ctx, r, db); err != nil {
			return standing{}, err
		}
	}
	list, err := standings(ctx, r)
	for _, x := range list {
		if x.source == name {
			return x, err
		}
	}
	return standing{}, err
}

// act does something in a session of its own, between its hooks.
func (w *watcher) act(ctx context.Context, action string, do func(ctx context.Context, s *session) error) error {
	s, out := *w.session, *w.console
	out.quiet = !out.verbose // the line about its end says it all
	s.console, s.begun = &out, time.Now()
	t := w.telling
	before := w.failures[action]
	t.ended = func(s *session, err error) {
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			w.failures[action] = 0
		default:
			w.failures[action]++
		}
		if n := max(before, w.failures[action]); n > 0 {
			s.fact("failures", fmt.Sprint(n))
		}
	}
	t.wants = func(err error, interrupted bool) bool {
		switch n := w.failures[action]; {
		case interrupted:
			return false
		case err != nil: // the 1st, 2nd, 4th, 8th in a row
			return bits.OnesCount(uint(n)) == 1
		default:
			return t.always || before > 0
		}
	}
	err := s.told(ctx, t, action, func() error { return do(ctx, &s) })
	w.metrics.set.Ran(action, time.Now(), time.Since(s.begun), exitCode(err, ctx.Err() != nil))
	w.facts[action] = s.facts
	return err
}

func (w *watcher) snapshot(ctx context.Context, s *session) error {
	after := func(*repo.Repository) {}
	if w.auto {
		after = func(r *repo.Repository) { s.cleanUpAfter(ctx, r, w.policy, w.budget) }
	}
	return s.snapshot(ctx, w.take, after, func(_ context.Context, _ *repo.Repository, res snapshot.Result) error {
		if res.Snapshot.Suspect == "" {
			w.health.good(res.Snapshot)
		}
		return nil
	})
}

func (w *watcher) cleanup(ctx context.Context, s *session) error {
	return s.withRepository(ctx, func(r *repo.Repository) error { return s.cleanUp(ctx, r, w.policy, w.budget) })
}

func (w *watcher) check(ctx context.Context, s *session) error {
	return s.checkRepository(ctx, func(r *repo.Repository) error {
		return s.audited(ctx, r, checkAction, func(e *repo.AuditEntry) error {
			c, err := s.checked(ctx, r, w.share)
			e.Counts = checkCounts(c, w.share.Bytes != nil)
			return err
		})
	})
}

func (w *watcher) verify(ctx context.Context, s *session) error {
	return s.withRepository(ctx, func(r *repo.Repository) error {
		return s.audited(ctx, r, verifyAction, func(e *repo.AuditEntry) error {
			x, err := w.here(ctx, r)
			if err != nil {
				return err
			}
			if x.good == nil {
				return &hintedError{errors.New("there is no good snapshot to verify"), "the next snapshot is one, if Chroma answers"}
			}
			s.about(*x.good)
			e.Snapshot = &x.good.ID
			return s.verify(ctx, r, *x.good, func(v verified) error {
				e.Counts = map[string]int64{"records": v.Records, "damaged": v.Damaged}
				if v.Damaged == 0 || s.json { // the event's error says it
					return nil
				}
				return s.printVerified(v)
			})
		})
	})
}
