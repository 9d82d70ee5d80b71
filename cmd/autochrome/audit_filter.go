package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"autochrome/repo"
)

// auditFilter says which audit entries to list; what is empty or zero takes
// all.
type auditFilter struct {
	since, until             time.Time
	actions, users, outcomes []string
	last                     int
}

func (s *session) auditFilter() (f auditFilter, err error) {
	for flag, at := range map[string]*time.Time{"since": &f.since, "until": &f.until} {
		if s.flags.IsSet(flag) {
			if *at, err = parseWhen(flag, s.flags.String(flag), s.begun); err != nil {
				return f, err
			}
		}
	}
	if !f.until.IsZero() && f.since.After(f.until) {
		return f, usage("", "--since %s is after --until %s", shownTime(f.since), shownTime(f.until))
	}
	for flag, list := range map[string]*[]string{"action": &f.actions, "user": &f.users, "outcome": &f.outcomes} {
		if *list, err = split(flag, s.flags.StringSlice(flag)); err != nil {
			return f, err
		}
	}
	f.last, err = s.lastFlag("entries")
	return f, err
}

// auditWords are what there is in a log to choose from.
type auditWords struct{ actions, users, outcomes map[string]bool }

func (w *auditWords) add(e repo.AuditEntry) {
	for set, words := range map[*map[string]bool][]string{
		&w.actions: {e.Action}, &w.users: {e.User, e.User + "@" + e.Host}, &w.outcomes: {e.Outcome},
	} {
		if *set == nil {
			*set = map[string]bool{}
		}
		for _, word := range words {
			(*set)[word] = true
		}
	}
}

// unknown says which word of a filter no entry has, and which there are; "": all
// are known.
func (f auditFilter) unknown(w auditWords) string {
	for _, x := range []struct {
		what   string
		wanted []string
		are    map[string]bool
	}{{"action", f.actions, w.actions}, {"outcome", f.outcomes, w.outcomes}, {"user", f.users, w.users}} {
		for _, word := range x.wanted {
			if !x.are[word] {
				return fmt.Sprintf("none has the %s %q; there are: %s", x.what, word, strings.Join(slices.Sorted(maps.Keys(x.are)), ", "))
			}
		}
	}
	return ""
}

func (f auditFilter) has(e repo.AuditEntry) bool {
	one := func(list []string, words ...string) bool {
		return list == nil || slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	return !e.Time.Before(f.since) && (f.until.IsZero() || !e.Time.After(f.until)) &&
		one(f.actions, e.Action) && one(f.outcomes, e.Outcome) && one(f.users, e.User, e.User+"@"+e.Host)
}

// lastFlag reads --last N; 0: all.
func (s *session) lastFlag(what string) (int, error) {
	if !s.flags.IsSet("last") {
		return 0, nil
	}
	text := s.flags.String("last")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, usage("for example --last 5", "--last %q is no number of %s", text, what)
	}
	return n, nil
}
