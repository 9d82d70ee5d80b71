package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// whenHint says how a point in time is written.
const whenHint = `for example 2026-11-23T04:00:00Z, 2026-11-23T04:00 (local time), -2h, -1d12h or "3 days ago"`

// whenLayouts are those of local times.
var whenLayouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"}

// ago is a time before now: -2h, -1d12h, 2h ago, 3 days ago.
var (
	ago  = regexp.MustCompile(`^(?:-((?:\d+[a-z]+)+)|((?:\d+ ?[a-z]+ ?)+) ago)$`)
	part = regexp.MustCompile(`(\d+) ?([a-z]+)`)
)

var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// parseWhen reads the value of a flag that is a point in time and not in the
// future. A day is 24 hours.
func parseWhen(flag, text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	at, ok := absolute(text)
	if !ok {
		at, ok = ofDay(flag, text, now)
	}
	if !ok {
		back, understood := relative(strings.ToLower(text))
		if !understood {
			return at, usage(whenHint, "--%s %q is no time", flag, text)
		}
		at = now.Add(-back)
	}
	if at.After(now) {
		return at, usage("give a time that has been; the newest snapshot of all is: latest", "--%s %s is in the future", flag, shownTime(at))
	}
	return at, nil
}

func absolute(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	for _, layout := range whenLayouts {
		if at, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// ofDay reads a date alone, where it is clear which end of the day is meant.
func ofDay(flag, text string, now time.Time) (at time.Time, ok bool) {
	day, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil || flag != "since" && flag != "until" {
		return at, false
	}
	if flag == "since" || day.After(now) {
		return day, true
	}
	if end := day.AddDate(0, 0, 1).Add(-1); end.Before(now) {
		return end, true
	}
	return now, true
}

func relative(text string) (back time.Duration, ok bool) {
	m := ago.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	for _, p := range part.FindAllStringSubmatch(m[1]+m[2], -1) {
		word := p[2]
		if len(word) > 3 { // days, and not ms
			word = strings.TrimSuffix(word, "s")
		}
		unit, known := units[word]
		n, err := strconv.Atoi(p[1])
		if !known || err != nil || n > 36500 {
			return 0, false
		}
		back += time.Duration(n) * unit
	}
	return back, true
}

// shownTime is a point in time for a person: in UTC, as in lists of snapshots.
func shownTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
