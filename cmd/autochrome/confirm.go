package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"autochrome/repo"
	"autochrome/restore"
)

// confirm shows the plan and asks whether to go on, and whether collections
// that the snapshot does not have may be dropped.
func (s *session) confirm(ctx context.Context, snap repo.Snapshot, p *restore.Plan) (proceed, dropExtra bool, err error) {
	yes, drop := s.flags.Bool("yes"), s.flags.Bool("drop-extra")
	if !yes || !s.quiet && !s.json {
		if err := printPlan(s.err, snap.DisplayID(), p, drop); err != nil {
			return false, false, err
		}
	}
	unwritable := p.Needs.Unwritable > 0 && !s.flags.Bool("skip-unwritable")
	if yes && unwritable {
		return false, false, &unwritableError{p.Needs}
	}
	if yes || p.Empty() {
		return true, drop, nil
	}
	answers := bufio.NewReader(s.in)
	if len(p.Extra) > 0 && drop {
		s.note("with all their records will be dropped: %s", join(p.Extra))
	}
	onlyDrop := !changes(p)
	if unwritable {
		proceed, err = s.ask(ctx, answers, "Go on without what the server cannot hold?")
		if !proceed {
			return false, false, err
		}
	}
	if !onlyDrop {
		if proceed, err = s.ask(ctx, answers, "Change the database so?"); !proceed {
			return false, false, err
		}
	}
	if s.flags.IsSet("plan") && !drop {
		return true, false, nil // more than was reviewed is not asked for
	}
	if len(p.Extra) > 0 && (!drop || onlyDrop) {
		drop, err = s.ask(ctx, answers, fmt.Sprintf("Drop %s with all records: %s?", plural(len(p.Extra), "collection"), join(p.Extra)))
		if err != nil || !drop && (onlyDrop || len(p.Blocked) > 0) {
			return false, false, err
		}
	}
	return true, drop, nil
}

// changes reports whether a plan does more than to drop collections.
func changes(p *restore.Plan) bool {
	rest := *p
	rest.Extra = nil
	return !rest.Empty()
}

// ask asks a question whose answer is no unless it is yes. No answer, and an
// end of the input, are no.
func (s *session) ask(ctx context.Context, in *bufio.Reader, question string) (bool, error) {
	_, _ = io.WriteString(s.err, s.line(question)+" [y/N] ")
	answer := make(chan string, 1)
	go func() { // it waits until the program ends where nobody answers
		line, _ := in.ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		s.note("")
		return false, ctx.Err()
	case line := <-answer:
		if !strings.HasSuffix(line, "\n") {
			s.note("")
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return true, nil
		}
		return false, nil
	}
}
