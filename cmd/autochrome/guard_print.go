package main

import (
	"errors"
	"fmt"
	"strconv"

	"autochrome/guard"
)

// guardError: a run failed.
type guardError struct {
	message, hint string
	code          int
}

func (e *guardError) Error() string { return e.message }
func (e *guardError) Hint() string  { return e.hint }
func (e *guardError) exitCode() int { return e.code }

// guardJSON is what a run came to.
type guardJSON struct {
	Type       string       `json:"type"` // summary
	Run        string       `json:"run"`
	Base       string       `json:"base"`
	Last       string       `json:"last"`
	LastGood   string       `json:"last_good"`
	Points     int          `json:"points"`
	Writes     int64        `json:"writes"`
	Refused    int64        `json:"refused"`
	Outcome    string       `json:"outcome"`
	Reason     string       `json:"reason,omitempty"`
	ExitCode   int          `json:"child_exit_code"`
	Losses     []guard.Loss `json:"losses"`
	Unrecorded bool         `json:"unrecorded_writes"`
	Rollback   string       `json:"rollback"` // base, last-good or none
	RolledBack bool         `json:"rolled_back"`
	PreID      string       `json:"pre_rollback_id,omitempty"`
	Error      string       `json:"rollback_error,omitempty"`
	Duration   int64        `json:"duration_ms"`
}

// guarded prints what a run came to, and gives its error.
func (s *session) guarded(rep guard.Report) error {
	out := guardJSON{
		Type: "summary", Run: rep.Run, Base: rep.Base.DisplayID(), Last: rep.Last.DisplayID(), LastGood: rep.LastGood.DisplayID(),
		Points: rep.Points, Writes: rep.Writes, Refused: rep.Refused, Outcome: string(rep.Outcome), Reason: rep.Reason,
		ExitCode: rep.ExitCode, Losses: rep.Losses, Unrecorded: rep.Unrecorded, Rollback: string(rep.Back), RolledBack: rep.RolledBack,
		Duration: s.millis(),
	}
	if rep.Rollback.PreRollback != nil {
		out.PreID = rep.Rollback.PreRollback.DisplayID()
	}
	if rep.RollbackFail != nil {
		out.Error = rep.RollbackFail.Error()
	}
	s.about(rep.Base)
	for name, text := range map[string]string{
		"run": out.Run, "base": out.Base, "last": out.Last, "points": strconv.Itoa(out.Points), "run_outcome": out.Outcome, "reason": out.Reason,
		"rolled_back": strconv.FormatBool(out.RolledBack), "pre_rollback_id": out.PreID,
	} {
		s.fact(name, text)
	}
	var unprinted error
	if s.json {
		unprinted = s.printJSON(out)
	} else {
		s.sayGuarded(rep)
	}
	if rep.Unaudited != nil {
		s.warn("the audit entry cannot be written: %v", rep.Unaudited)
	}
	if failure := guardFailure(rep); failure != nil {
		return failure // its message says it
	}
	return unprinted
}

func (s *session) sayGuarded(rep guard.Report) {
	s.say("%s: %s, %s in %s", rep.Run, rep.Outcome, plural(rep.Points, "point"), took(s.begun))
	for _, l := range rep.Losses {
		if l.Lost > 0 {
			s.say("%s", l)
		}
	}
	if rep.Unrecorded {
		s.warn("there were writes that did not come through the proxy; they are a point of their own, see: autochrome guard show %s", rep.Run)
	}
	if rep.Refused > 0 {
		s.warn("%s refused", plural(rep.Refused, "write"))
	}
	if rep.RolledBack {
		s.say("rolled back to %s, and compared record by record", rep.Rollback.Snapshot.DisplayID())
		if pre := rep.Rollback.PreRollback; pre != nil {
			s.say("what was there before is %s", pre.DisplayID())
		}
	}
}

// guardFailure is the error of a run that failed.
func guardFailure(rep guard.Report) error {
	if !rep.Failed() {
		return nil
	}
	e := &guardError{message: fmt.Sprintf("%s: %s: %s", rep.Run, rep.Outcome, rep.Reason), code: exitNotRolledBack}
	switch {
	case rep.RolledBack:
		e.code = exitRolledBack
		e.hint = "what it did is kept in its points: autochrome guard show " + rep.Run
	case errors.As(rep.RollbackFail, new(*guard.OthersKeptError)):
		e.message += fmt.Sprintf("; it was rolled back, but %v", rep.RollbackFail)
		e.hint = "nothing to do, if that is right; else: autochrome rollback " + rep.Base.DisplayID() + " --drop-extra"
	case rep.RollbackFail != nil:
		e.message += fmt.Sprintf("; it could not be rolled back: %v", rep.RollbackFail)
		e.hint = "run it again when Chroma answers: autochrome rollback " + rep.Base.DisplayID()
	default:
		e.message += "; it was not rolled back, as asked"
		e.hint = "go back: autochrome rollback " + rep.Base.DisplayID()
	}
	return e
}
