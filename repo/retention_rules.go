package repo

import (
	"fmt"
	"time"
)

// counting are the rules that keep the newest snapshot of so many buckets.
var counting = []struct {
	name   string
	count  func(Policy) int
	bucket func(t time.Time, i int) string
}{
	{"last", func(p Policy) int { return p.Last }, func(_ time.Time, i int) string { return fmt.Sprint(i) }},
	{"hourly", func(p Policy) int { return p.Hourly }, layout("2006-01-02 15")},
	{"daily", func(p Policy) int { return p.Daily }, layout(time.DateOnly)},
	{"weekly", func(p Policy) int { return p.Weekly }, func(t time.Time, _ int) string { return fmt.Sprint(t.UTC().ISOWeek()) }},
	{"monthly", func(p Policy) int { return p.Monthly }, layout("2006-01")},
	{"yearly", func(p Policy) int { return p.Yearly }, layout("2006")},
}

func layout(l string) func(time.Time, int) string {
	return func(t time.Time, _ int) string { return t.UTC().Format(l) }
}

// clocks are the two that a snapshot's time is known by.
var clocks = []func(Snapshot) time.Time{
	func(s Snapshot) time.Time { return s.Stored },
	func(s Snapshot) time.Time { return s.Time },
}

// byRules keeps what the policy's rules keep of one source and scope.
func (d *deciding) byRules(group []Snapshot) {
	var good, suspect, before []Snapshot
	for _, s := range group {
		d.byTag(s)
		switch {
		case s.Kind == KindPoint:
		case !d.good(s):
			suspect = append(suspect, s)
		case s.Kind == KindPreRollback:
			before = append(before, s)
		default:
			good = append(good, s)
		}
	}
	for _, clock := range clocks {
		newest := d.newest(group, clock)
		for _, series := range [][]Snapshot{good, suspect, before} {
			for _, s := range series {
				d.keep(s, d.young(d.time(s, clock), newest)...)
			}
			d.counted(newestFirst(series, clock), clock)
		}
	}
}

func (d *deciding) byTag(s Snapshot) {
	tags := d.notes[s.ID].Tags(s)
	for _, t := range d.policy.Tags {
		if t.In(tags) {
			d.keep(s, "tag "+t.String())
		}
	}
}

// time is the time that a snapshot's age counts from. The base of a run is as
// old as the run's last point.
func (d *deciding) time(s Snapshot, clock func(Snapshot) time.Time) time.Time {
	t := clock(s)
	if r := d.runs[runOf(s)]; r != nil && r.last != nil && r.base != nil && r.base.ID == s.ID && clock(*r.last).After(t) {
		return clock(*r.last)
	}
	return t
}

// newest is the time that Within counts from: of the newest good snapshot, or
// where there is none of the newest other one. A time in the future is wrong,
// and would remove all that is older.
func (d *deciding) newest(group []Snapshot, clock func(Snapshot) time.Time) time.Time {
	var newest [3]time.Time // good, states before rollbacks, suspect
	for _, s := range group {
		sort := 0
		switch {
		case !d.good(s):
			sort = 2
		case s.Kind == KindPreRollback:
			sort = 1
		}
		t := clock(s)
		if t.After(d.now) {
			t = d.now
		}
		if t.After(newest[sort]) {
			newest[sort] = t
		}
	}
	for _, t := range newest {
		if !t.IsZero() {
			return t
		}
	}
	return d.now
}

// young gives the reasons to keep what is of a time t.
func (d *deciding) young(t, newest time.Time) (why []string) {
	p := d.policy
	if p.Age > 0 && t.After(d.now.Add(-p.Age)) {
		why = append(why, "younger than "+shownAge(p.Age))
	}
	if !p.Within.IsZero() && !t.Before(p.Within.Before(newest)) {
		why = append(why, "within "+p.Within.String())
	}
	return why
}

func shownAge(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "1 day"
	case d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// counted applies the counting rules to snapshots, the newest first.
func (d *deciding) counted(list []Snapshot, clock func(Snapshot) time.Time) {
	for _, rule := range counting {
		left := rule.count(d.policy)
		if left == 0 {
			continue
		}
		last := ""
		for i, s := range list {
			bucket := rule.bucket(clock(s), i)
			switch {
			case bucket != last:
				d.keep(s, rule.name)
			case i == len(list)-1:
				d.keep(s, "oldest "+rule.name)
			default:
				continue
			}
			last = bucket
			if left--; left == 0 {
				break
			}
		}
	}
}
