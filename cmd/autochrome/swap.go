package main

import (
	"strings"

	"autochrome/restore"
)

// checkSwap refuses what --swap and --drop-old do not go with.
func (s *session) checkSwap() error {
	swap, drop := s.flags.Bool("swap"), s.flags.Bool("drop-old")
	for _, flag := range []string{"keep-old", "rebuild"} {
		if s.flags.Bool(flag) && !swap {
			return usage("add --swap", "--%s is about --swap", flag)
		}
	}
	if !swap && !drop {
		return nil
	}
	flag, others := "swap", []string{"ids", "ids-from", "only", "where", "where-document", "plan", "plan-out", "drop-old"}
	if drop && !swap {
		flag, others = "drop-old", append(others[:7], "at", "undo", "drop-extra", "check-queries")
	}
	for _, other := range others {
		if s.flags.IsSet(other) {
			return usage("leave one of them out", "--%s is about whole collections as they are, and does not go with --%s", flag, other)
		}
	}
	return nil
}

// stillWritten names the old collections that somebody goes on writing to, or "".
func stillWritten(rep restore.Report) string {
	var names []string
	for _, b := range rep.Applied.Beside {
		if b.Writing {
			names = append(names, b.Name)
		}
	}
	return strings.Join(names, ", ")
}

// sayBeside says which old collections are there still, and how they go.
func (s *session) sayBeside(rep restore.Report) {
	for _, b := range rep.Applied.Beside {
		switch {
		case b.Writing:
			s.say("the old %s is still there, as %s", b.Of, b.Name)
		default:
			s.say("the old %s is kept as %s; drop it with: autochrome rollback %s --drop-old", b.Of, b.Name, rep.Snapshot.DisplayID())
		}
	}
}
