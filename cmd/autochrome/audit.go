package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"autochrome/repo"
	"autochrome/restore"
)

// auditTime is how long to try to write the entry of a command that was
// interrupted.
const auditTime = 20 * time.Second

// audited carries out fn and leaves an entry about it in the repository,
// whatever it came to. fn fills in the snapshot and the counts.
func (s *session) audited(ctx context.Context, r *repo.Repository, action string, fn func(e *repo.AuditEntry) error) error {
	e := repo.AuditEntry{Time: s.begun, Command: s.command, Trigger: s.trigger, Action: action}
	err := fn(&e)
	e.Outcome = outcomeOf(err, ctx.Err() != nil)
	remains := e.Outcome == outcomeUnfinished
	if remains {
		e.Outcome = outcomeSuccess // the error says what remains
	}
	if err != nil {
		e.Error, _ = explain(err)
	}
	e.Millis = s.millis()
	for name, n := range e.Counts {
		s.fact(name, strconv.FormatInt(n, 10))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	auditErr := r.Audit(ctx, e)
	switch {
	case auditErr == nil:
		return err
	case err == nil || remains:
		return errors.Join(fmt.Errorf("it is done, but the audit entry cannot be written: %w", auditErr), err)
	}
	s.detail("the audit entry cannot be written: %v", auditErr)
	return err
}

// outcomeOf says in a word what something came to.
func outcomeOf(err error, interrupted bool) string {
	switch {
	case err == nil:
		return outcomeSuccess
	case interrupted:
		return outcomeInterrupted
	case errors.Is(err, restore.ErrDeclined):
		return outcomeDeclined
	case errors.As(err, new(*unfinishedError)):
		return outcomeUnfinished
	}
	return outcomeFailed
}

// annotate says something about a snapshot. That it cannot be said is no
// failure of what was done: a repository may be read-only.
func (s *session) annotate(ctx context.Context, r *repo.Repository, a repo.Annotation) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	if err := r.Annotate(ctx, a); err != nil {
		s.warn("it cannot be noted in the repository that the snapshot was %s: %v", a.Key, err)
	}
}
