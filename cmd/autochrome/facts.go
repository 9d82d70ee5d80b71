package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"autochrome/notify"
	"autochrome/repo"
)

// fact says something about what is done, for hooks and messages;
// docs/operating.md lists all. "" is no fact.
func (s *session) fact(name, text string) {
	if s.facts == nil {
		s.facts = notify.Facts{}
	}
	if text != "" {
		s.facts[name] = text
	}
}

// about says which snapshot it is about.
func (s *session) about(x repo.Snapshot) {
	s.fact("snapshot_id", x.DisplayID())
	s.fact("snapshot_name", x.Name)
	s.fact("source", x.Source)
	s.fact("suspect", x.Suspect)
}

// factsOf begins the facts of an action.
func (s *session) factsOf(action string) {
	s.facts = nil
	s.fact("action", action)
	s.fact("time", s.begun.UTC().Format(time.RFC3339))
	host, _ := os.Hostname() // what is not known is not said
	s.fact("host", host)
	if folder := value(s.flags, "repo"); !remote.MatchString(folder) {
		if whole, err := filepath.Abs(folder); err == nil {
			folder = whole
		}
		s.fact("repository", folder)
	}
	s.fact("chromadb_url", withoutUser(value(s.flags, "chromadb-url")))
	s.fact("tenant", value(s.flags, "tenant"))
	s.fact("database", value(s.flags, "database"))
	s.fact("version", build().Version)
}

// The outcomes of an action, in the words of the audit log; unfinished is
// exit code 3.
const (
	outcomeSuccess     = "success"
	outcomeUnfinished  = "unfinished"
	outcomeDeclined    = "declined"
	outcomeInterrupted = "interrupted"
	outcomeFailed      = "failed"
)

// factsAfter says what it came to.
func (s *session) factsAfter(err error, interrupted bool) {
	s.fact("duration_ms", strconv.FormatInt(s.millis(), 10))
	s.fact("exit_code", strconv.Itoa(exitCode(err, interrupted)))
	s.fact("outcome", outcomeOf(err, interrupted))
	if err != nil {
		message, hint := explain(err)
		s.fact("error", message)
		s.fact("hint", hint)
	}
	s.fact("text", s.sentence())
}

// sentence tells all of it to a person, in one line.
func (s *session) sentence() string {
	f := s.facts
	text := fmt.Sprintf("autochrome %s on %s: ", f["action"], cmp.Or(f["host"], "unknown host"))
	if f["outcome"] == outcomeSuccess {
		text += "done"
		if n, has := f["failures"]; has {
			text += ", after " + n + " failures"
		}
	} else {
		text += f["outcome"]
		if n := f["failures"]; n != "" && n != "1" {
			text += " for the " + ordinal(n) + " time"
		}
		text += ": " + f["error"]
	}
	for _, x := range [][2]string{{"snapshot_id", ""}, {"records", " records"}, {"run", ""}, {"source", ""}, {"repository", ""}} {
		if v := f[x[0]]; v != "" {
			text += "; " + v + x[1]
		}
	}
	return strings.TrimSpace(text)
}

// ordinal makes 3rd of 3.
func ordinal(n string) string {
	switch {
	case strings.HasSuffix(n, "11"), strings.HasSuffix(n, "12"), strings.HasSuffix(n, "13"):
		return n + "th"
	case strings.HasSuffix(n, "1"):
		return n + "st"
	case strings.HasSuffix(n, "2"):
		return n + "nd"
	case strings.HasSuffix(n, "3"):
		return n + "rd"
	}
	return n + "th"
}
