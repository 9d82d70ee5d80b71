package watch

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
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

// Parse reads an interval (90s, 1h30m, 1d) or a line of cron: five
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
	if d, ok := days(text); ok {
		return Every(d), nil
	}
	if !strings.ContainsAny(text, " @") {
		return nil, errors.New("it is neither an interval, of at most 290 years, nor a line of cron")
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
	fields := strings.Fields(text)
	if n := len(fields); n >= 5 {
		fields[n-1] = sundays(fields[n-1])
		text = strings.Join(fields, " ")
	}
	return parser.Parse(text)
}

// sundays makes the days of a week that crontab(5) numbers from 0 to 7 those
// from 0 to 6, where both ends are a Sunday.
func sundays(field string) string {
	var out []string
	for item := range strings.SplitSeq(field, ",") {
		days, every, stepped := strings.Cut(item, "/")
		first, last, isRange := strings.Cut(days, "-")
		from, err := strconv.Atoi(first)
		step := 1
		if err == nil && stepped {
			step, err = strconv.Atoi(every)
		}
		switch {
		case err != nil || from < 0 || from > 7 || step < 1:
		case isRange && last == "7":
			for day := from; day <= 7; day += step {
				out = append(out, strconv.Itoa(day%7))
			}
			continue
		case item == "7":
			item = "0"
		}
		out = append(out, item)
	}
	return strings.Join(out, ",")
}

// inDays is an interval that begins with weeks or days.
var inDays = regexp.MustCompile(`^(?:(\d{1,4})w)?(?:(\d{1,4})d)?((?:\d{1,4}[hms])*)$`)

// days reads an interval such as 1d, 1w or 1d12h. A day is 24 hours.
func days(text string) (time.Duration, bool) {
	m := inDays.FindStringSubmatch(text)
	if m == nil || m[1]+m[2] == "" {
		return 0, false
	}
	weeks, _ := strconv.Atoi(m[1])      // "": 0
	days, _ := strconv.Atoi(m[2])       // likewise
	rest, _ := time.ParseDuration(m[3]) // likewise
	d := time.Duration(7*weeks+days)*24*time.Hour + rest
	return d, d >= shortest
}
