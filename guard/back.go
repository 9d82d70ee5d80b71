package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
	"autochrome/restore"
)

// goBack rolls a failed run back.
func (x *run) goBack(ctx context.Context) {
	rep := x.report
	to := x.RollbackTo
	if to == BackAsk {
		var err error
		if to, err = x.Ask(*rep); err != nil {
			rep.RollbackFail = err
			return
		}
	}
	rep.Back = to
	goal := rep.Base
	switch to {
	case BackToLastGood:
		goal = rep.LastGood
	case BackNone:
		return
	}
	begun := time.Now()
	so := x.Snapshot
	so.Tags, so.Source = nil, rep.Base.Source
	var others []string
	var err error
	rep.Rollback, err = restore.Rollback(ctx, x.Repository, x.Database, goal, restore.Options{
		Snapshot: so, Progress: x.Progress,
		Confirm: func(p *restore.Plan) (proceed, drop bool, err error) {
			others = x.spareOthers(p)
			inTheWay := slices.ContainsFunc(others, func(name string) bool { return slices.Contains(p.Blocked, name) })
			return true, !inTheWay, nil
		},
	})
	switch {
	case err != nil:
		rep.RollbackFail = err
	case !rep.Rollback.Verified():
		rep.RollbackFail = fmt.Errorf("%d differences from %s remain", rep.Rollback.Compared.Differences, goal.DisplayID())
	case len(others) > 0:
		rep.RollbackFail = &OthersKeptError{others}
	default:
		rep.RolledBack = true
	}
	x.audit(ctx, repo.AuditEntry{Action: "rollback", Trigger: x.trigger(), Snapshot: &goal.ID, Millis: time.Since(begun).Milliseconds()}, "failed", rep.RollbackFail)
}

// OthersKeptError: all was rolled back, and there are collections that the base
// does not have and the run did not make.
type OthersKeptError struct{ Names []string }

func (e *OthersKeptError) Error() string {
	return "collections that the run did not make were kept: " + strings.Join(e.Names, ", ")
}

// spareOthers takes what the run did not make, and so is not the run's to drop,
// out of what a plan drops, and names it.
func (x *run) spareOthers(p *restore.Plan) (others []string) {
	p.Extra = slices.DeleteFunc(p.Extra, func(name string) bool {
		if x.made[name] {
			return false
		}
		others = append(others, name)
		return true
	})
	return others
}

// trigger says who or what started the rollback.
func (x *run) trigger() string {
	switch {
	case x.RollbackTo == BackAsk, x.report.Outcome == Interrupted:
		return "manual"
	case x.report.Outcome == TimedOut:
		return "time-based"
	}
	return "automatic"
}

// conclude notes on the base how the run ended, unless it still has to be
// rolled back, and leaves an audit entry.
func (x *run) conclude(ctx context.Context) {
	rep := x.report
	ended := string(rep.Outcome)
	othersKept := errors.As(rep.RollbackFail, new(*OthersKeptError))
	if rep.RolledBack || othersKept {
		ended += fmt.Sprintf(", rolled back to %s", rep.Rollback.Snapshot.DisplayID())
	}
	var err error
	if rep.RollbackFail == nil || othersKept {
		err = x.Repository.Annotate(ctx, repo.Annotation{Snapshot: rep.Base.ID, Key: repo.KeyRunEnded, Value: ended, User: x.Snapshot.User, Host: x.Snapshot.Host})
	}
	if err != nil && rep.Reason == "" {
		rep.Reason = fmt.Sprintf("the end of the run cannot be noted: %v", err)
	}
	var failed error
	if rep.Failed() {
		failed = fmt.Errorf("%s: %s", rep.Outcome, rep.Reason)
	}
	e := repo.AuditEntry{
		Action: "guard", Trigger: "manual", Snapshot: &rep.Base.ID, Millis: time.Since(x.begun).Milliseconds(),
		Counts: map[string]int64{"points": int64(rep.Points), "writes": rep.Writes, "exit_code": int64(rep.ExitCode)},
	}
	outcome := "failed"
	if rep.Outcome == Interrupted {
		outcome = "interrupted"
	}
	x.audit(ctx, e, outcome, failed)
}

// audit leaves an entry, with the outcome of failed where that is not nil. That it
// cannot be written changes nothing about the run, which is over.
func (x *run) audit(ctx context.Context, e repo.AuditEntry, outcome string, failed error) {
	e.Time, e.User, e.Host, e.Command = time.Now(), x.Snapshot.User, x.Snapshot.Host, cmp.Or(x.Snapshot.Command, "guard")
	e.Outcome = "success"
	if failed != nil {
		e.Outcome, e.Error = outcome, failed.Error()
	}
	if err := x.Repository.Audit(ctx, e); err != nil {
		x.report.Unaudited = err
	}
}
