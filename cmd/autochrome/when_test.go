package main

import (
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	old := time.Local
	defer func() { time.Local = old }()
	time.Local = time.FixedZone("", 3*60*60)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-11-23T04:00:00Z":      "2026-11-23T04:00:00Z",
		"2026-11-23T04:00:00.123Z":  "2026-11-23T04:00:00.123Z",
		"2026-11-23T04:00:00+01:00": "2026-11-23T03:00:00Z",
		"2026-11-23 04:00:00Z":      "2026-11-23T04:00:00Z",
		"2026-11-23T04:00":          "2026-11-23T01:00:00Z",
		"2026-11-23 04:00:30":       "2026-11-23T01:00:30Z",
		"-2h":                       "2026-11-23T10:00:00Z",
		"-1d12h":                    "2026-11-22T00:00:00Z",
		" -1w ":                     "2026-11-16T12:00:00Z",
		"2h ago":                    "2026-11-23T10:00:00Z",
		"3 days ago":                "2026-11-20T12:00:00Z",
		"1 Day 2 hours ago":         "2026-11-22T10:00:00Z",
		"90 mins ago":               "2026-11-23T10:30:00Z",
		"-0s":                       "2026-11-23T12:00:00Z",
	} {
		at, err := parseWhen("at", text, now)
		if err != nil || at.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%q is %v, %v; want %s", text, at.UTC(), err, want)
		}
	}
	for _, text := range []string{
		"", "yesterday", "2h", "2026-11-23", "-5ms", "-5", "--2h", "-2h ago", "3 parsecs ago", "ago", "-99999999999999999999d", "-1.5h",
		"2026-11-23T12:00:01Z", "2026-13-01T00:00:00Z", "2026-11-23T16:00",
	} {
		if at, err := parseWhen("at", text, now); exitCode(err, false) != exitUsage {
			t.Errorf("%q is %v, %v", text, at, err)
		}
	}
}

func TestDateAlone(t *testing.T) {
	zone := time.Local
	t.Cleanup(func() { time.Local = zone })
	time.Local = time.FixedZone("", 3*60*60)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct{ flag, text, want string }{
		{"since", "2026-11-22", "2026-11-21T21:00:00Z"},
		{"since", "2026-11-23", "2026-11-22T21:00:00Z"},
		{"until", "2026-11-22", "2026-11-22T20:59:59.999999999Z"},
		{"until", "2026-11-23", "2026-11-23T12:00:00Z"},
	} {
		if at, err := parseWhen(x.flag, x.text, now); err != nil || at.UTC().Format(time.RFC3339Nano) != x.want {
			t.Errorf("--%s %s is %v, %v; want %s", x.flag, x.text, at.UTC(), err, x.want)
		}
	}
	for flag, text := range map[string]string{"at": "2026-11-22", "since": "2026-11-24", "until": "2026-11-24"} {
		if at, err := parseWhen(flag, text, now); exitCode(err, false) != exitUsage {
			t.Errorf("--%s %s is %v, %v", flag, text, at, err)
		}
	}
}
