package repo

import (
	"strings"
	"time"

	"autochrome/chunk"
)

// What becomes of the points of a migration run:
//
//   - those of the last day are kept;
//   - while the run has not ended its base and its last point are kept;
//   - the others go with the base, which the rules treat as a snapshot that is
//     as old as the run's last point: where a rule keeps it, all points of a run
//     that has not ended are kept too, and of one that has, the last and sixteen
//     spread over its time;
//   - where the base is gone, they go by the rules for age.
//
// So a run is at hand in full for the day when somebody is most likely to want
// any of it, takes little room afterwards, and goes as a whole. The sixteen are
// the newest good ones of each sixteenth of the time from base to last point,
// which both stay: cleaning up again chooses the same ones.
const (
	recentPoints = 24 * time.Hour
	spreadPoints = 16
)

// RunPrefix begins the name of a migration run; the rest is that of its base.
const RunPrefix = "run_"

// RunName is the name of the run that began with a base, or with what that is a
// copy of, and of which its points are: run_20261124_040000_k3f9.
func RunName(base Snapshot) string {
	return RunPrefix + strings.TrimPrefix(base.OriginalID(), displayPrefix)
}

// runOf is the name of the run that a snapshot is a point or the base of, or "".
func runOf(s Snapshot) string {
	switch {
	case s.Kind == KindPoint:
		return s.Run
	case s.Kind == KindSnapshot && s.Tags[TagRunBase] != "":
		return RunName(s)
	}
	return ""
}

// run is what is there of a migration run.
type run struct {
	base   *Snapshot // nil: it is gone
	points []Snapshot
	last   *Snapshot // the last good point, or the last where none is good
	ended  bool
}

// runsOf finds the runs by their names.
func runsOf(list []Snapshot, notes map[chunk.ID]Notes) map[string]*run {
	runs := map[string]*run{}
	for i, s := range list {
		name := runOf(s)
		if name == "" {
			continue
		}
		r := runs[name]
		if r == nil {
			r = &run{ended: true}
			runs[name] = r
		}
		good := notes[s.ID].Suspect(s) == ""
		switch {
		case s.Kind == KindPoint:
			r.points = append(r.points, s)
			if good || r.last == nil || notes[r.last.ID].Suspect(*r.last) != "" {
				r.last = &list[i]
			}
		default:
			r.base = &list[i]
			_, r.ended = notes[s.ID].Value(KeyRunEnded)
		}
	}
	return runs
}

// points decides about a run, when the rules have decided about its base.
func (d *deciding) points(r *run) {
	with := r.base != nil && d.kept(*r.base)
	if r.base == nil && r.last != nil {
		with = len(d.young(youngest(*r.last), d.now)) > 0
	}
	spread := r.spread(d.good)
	for i, s := range r.points {
		if youngest(s).After(d.now.Add(-recentPoints)) {
			d.keep(s, "point of the last day")
		}
		switch {
		case !with:
		case r.base == nil:
			d.keep(s, "point of a run whose base is gone")
		case !r.ended:
			d.keep(s, "point of a run that has not ended")
		case s.ID == r.last.ID:
			d.keep(s, "last point of its run")
		case spread[i]:
			d.keep(s, "one of the points spread over its run")
		}
	}
	if !r.ended {
		d.keep(*r.base, "base of a run that has not ended")
		if r.last != nil {
			d.keep(*r.last, "last point of a run that has not ended")
			if end := r.points[len(r.points)-1]; end.ID != r.last.ID {
				d.keep(end, "last point of a run that has not ended")
			}
		}
	}
}

// spread chooses points, by their places in r.points.
func (r *run) spread(good func(Snapshot) bool) map[int]bool {
	if r.base == nil || r.last == nil {
		return nil
	}
	var newest [spreadPoints]int
	for i := range newest {
		newest[i] = -1
	}
	whole := r.last.Time.Sub(r.base.Time)
	for i, s := range r.points {
		part := 0
		if whole > 0 {
			share := float64(s.Time.Sub(r.base.Time)) / float64(whole)
			part = min(max(int(share*spreadPoints), 0), spreadPoints-1)
		}
		if at := newest[part]; at < 0 || good(s) || !good(r.points[at]) {
			newest[part] = i
		}
	}
	chosen := map[int]bool{}
	for _, i := range newest {
		if i >= 0 {
			chosen[i] = true
		}
	}
	return chosen
}
