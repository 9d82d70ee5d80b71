package main

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"autochrome/notify"
	"autochrome/watch"
)

// watchLog prints each event as a line. That nobody can read them any more is no
// reason to stop.
type watchLog struct {
	console
	mu   sync.Mutex
	over bool // nothing comes any more
}

// watchStartedJSON is the first line of watch --json.
type watchStartedJSON struct {
	Type       string       `json:"type"` // started
	Time       time.Time    `json:"time"`
	Repository string       `json:"repository"`
	URL        string       `json:"url"`
	Rhythms    []rhythmJSON `json:"rhythms"`
	Listen     string       `json:"listen,omitempty"`
	Version    string       `json:"version"`
}

type rhythmJSON struct {
	Action string `json:"action"`
	Rhythm string `json:"rhythm"`
}

// watchEventJSON is a line about a run: type is planned, begun or ended.
type watchEventJSON struct {
	Type     string       `json:"type"`
	Time     time.Time    `json:"time"`
	Action   string       `json:"action"`
	Next     time.Time    `json:"next,omitzero"`
	Late     int64        `json:"late_ms,omitempty"` // begun: after it was due
	Outcome  string       `json:"outcome,omitempty"`
	Duration int64        `json:"duration_ms,omitempty"`
	Failures int          `json:"failures,omitempty"` // in a row
	Skipped  int          `json:"skipped,omitempty"`  // ticks that passed meanwhile
	Error    string       `json:"error,omitempty"`
	Hint     string       `json:"hint,omitempty"`
	Code     int          `json:"exit_code,omitempty"` // that the command alone would have had
	Facts    notify.Facts `json:"facts,omitempty"`
}

// watchStopJSON is a line about the end: stopping or stopped.
type watchStopJSON struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
}

// line prints one, in words or as an object. A failure is also told with
// --quiet.
func (l *watchLog) line(at time.Time, failure bool, v any, words ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over: // it was to be told that it stops, and it has
	case l.json:
		_ = l.printJSON(v)
	case failure || !l.quiet:
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		_ = l.print("%s %s", at.UTC().Format(time.RFC3339), printable(strings.Join(words, " ")))
	}
}

func (l *watchLog) started(w *watcher, listen string) {
	j := watchStartedJSON{Type: "started", Time: w.begun.UTC(), Repository: value(w.flags, "repo"), URL: withoutUser(value(w.flags, "chromadb-url")),
		Rhythms: []rhythmJSON{}, Listen: listen, Version: build().Version}
	text := ""
	for _, r := range w.rhythms {
		j.Rhythms = append(j.Rhythms, rhythmJSON{r.action, r.text})
		text += "; " + r.action + ": " + r.text
	}
	if listen != "" {
		text += "; listening on " + listen
	}
	l.line(j.Time, false, j, "watching", j.URL, "into", j.Repository+text)
}

func (l *watchLog) event(e watch.Event, facts notify.Facts) {
	j := watchEventJSON{Time: e.Time.UTC(), Action: e.Job, Next: e.Next.UTC(), Late: e.Late.Milliseconds(), Duration: e.Took.Milliseconds(), Failures: e.Failures, Skipped: e.Skipped}
	if e.Next.IsZero() {
		j.Next = time.Time{}
	}
	switch e.Kind {
	case watch.Planned:
		j.Type = "planned"
		l.line(j.Time, false, j, j.Action, "planned:", next(e))
	case watch.Begun:
		j.Type = "begun"
		if l.json || l.verbose {
			l.line(j.Time, false, j, j.Action, "begun")
		}
	case watch.Ended:
		j.Type, j.Outcome = "ended", facts["outcome"]
		j.Error, j.Hint = facts["error"], facts["hint"]
		j.Code, _ = strconv.Atoi(facts["exit_code"]) // it is a number
		j.Facts = ownFacts(facts)
		skipped, failures := "", ""
		if e.Skipped > 0 {
			skipped = plural(e.Skipped, "tick") + " skipped;"
		}
		if e.Failures > 1 {
			failures = "for the " + ordinal(strconv.Itoa(e.Failures)) + " time"
		}
		said := cmp.Or(j.Error, factsInWords(facts))
		if said != "" {
			said = ": " + said
		}
		if j.Hint != "" {
			said += " (" + j.Hint + ")"
		}
		l.line(j.Time, j.Error != "", j, j.Action, strings.TrimSpace(j.Outcome+" "+failures)+said+";", "took", duration(e.Took)+";", skipped, next(e))
	}
}

func next(e watch.Event) string {
	if e.Next.IsZero() {
		return "never again"
	}
	if !e.Next.After(e.Time) {
		return "next now"
	}
	return "next " + e.Next.UTC().Format(time.RFC3339)
}

// ownFacts leaves out what an event says by itself.
func ownFacts(facts notify.Facts) notify.Facts {
	own := maps.Clone(facts)
	for _, name := range []string{"action", "time", "outcome", "error", "hint", "exit_code", "duration_ms", "failures", "text", "version", "hook"} {
		delete(own, name)
	}
	return own
}

// factsInWords tells what an action did.
func factsInWords(f notify.Facts) string {
	var words []string
	add := func(name, unit string) {
		if v := f[name]; v != "" && v != "0" {
			words = append(words, strings.TrimSpace(v+" "+unit))
		}
	}
	bytes := func(name, what string) {
		if n, err := strconv.ParseInt(f[name], 10, 64); err == nil && n > 0 {
			words = append(words, size(n)+" "+what)
		}
	}
	add("snapshot_id", "")
	add("records", "records")
	bytes("bytes_stored", "stored")
	if f["suspect"] != "" {
		words = append(words, "suspect: "+f["suspect"])
	}
	add("removed", "snapshots deleted")
	bytes("bytes_deleted", "freed")
	return strings.Join(words, ", ")
}

func (l *watchLog) stopping(finish time.Duration) {
	now := time.Now().UTC()
	l.line(now, false, watchStopJSON{"stopping", now}, "stopping: what is done has", duration(finish), "to end; a second signal ends at once")
}

func (l *watchLog) stopped() {
	now := time.Now().UTC()
	l.line(now, false, watchStopJSON{"stopped", now}, "stopped")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}
