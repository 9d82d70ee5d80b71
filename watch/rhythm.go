package watch

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Rhythm says when a job falls due.
type Rhythm interface {
	// Next gives the first tick after a time; zero: there is none any more.
	Next(after time.Time) time.Time
}

// Every is a tick each time so long has passed.
type Every time.Duration

// Next implements Rhythm.
func (e Every) Next(after time.Time) time.Time { return after.Add(time.Duration(e)) }

// shortest is the shortest interval: snapshots more often than this are what
// guard is for.
const shortest = time.Second

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads an interval (90s, 1h30m) or a line of cron: five
// fields, or @hourly, @daily, @weekly, @monthly. Times are local, or those of a
// zone that the line names first: "TZ=Europe/Berlin 0 3 * * *". What a change to
// summer time leaves out is left out.
func Parse(text string) (Rhythm, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("it is empty")
	}
	if d, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(text, "@every "))); err == nil {
		if d < shortest {
			return nil, fmt.Errorf("%v is shorter than %v", d, shortest)
		}
		return Every(d), nil
	}
	s, err := parseCron(text)
	if err != nil {
		return nil, err
	}
	if s.Next(time.Now()).IsZero() {
		return nil, errors.New("there is no such day")
	}
	return s, nil
}

// parseCron parses with robfig/cron, whose parser panics on a zone without
// fields behind it.
func parseCron(text string) (Rhythm, error) {
	if zone, rest, _ := strings.Cut(text, " "); strings.Contains(zone, "TZ=") && strings.TrimSpace(rest) == "" {
		return nil, errors.New("there is a zone and no time")
	}
	return parser.Parse(text)
}
