package repo

import (
	"slices"
	"strings"
	"time"

	"autochrome/chunk"
)

// Policy says by which rules snapshots are kept. Each rule keeps some, and what
// any of them keeps stays; see Apply for what stays whatever the rules say. The
// zero value has no rule.
//
// Rules look at each source and scope by itself: a snapshot of one collection
// is no replacement for one of all.
type Policy struct {
	// Age keeps what is younger; 0 keeps nothing.
	Age time.Duration
	// Within keeps what is at most so much older than the newest good one.
	Within Period
	// Tags keeps what has any of these tags.
	Tags []TagRule

	// Last keeps the newest ones, the others the newest of each hour, day, ISO
	// week, month and year in UTC that has any, so many of them; Unlimited keeps
	// one of each there is. Where there are fewer, the oldest is kept too.
	Last, Hourly, Daily, Weekly, Monthly, Yearly int
}

// Unlimited is a count that keeps all.
const Unlimited = -1

// IsZero reports whether there is no rule.
func (p Policy) IsZero() bool {
	return p.Age == 0 && p.Within.IsZero() && len(p.Tags) == 0 && p.Last == 0 &&
		p.Hourly == 0 && p.Daily == 0 && p.Weekly == 0 && p.Monthly == 0 && p.Yearly == 0
}

// TagRule is a tag of any value, or of one.
type TagRule struct {
	Name  string
	Value *string // nil: any
}

// In reports whether tags have it.
func (t TagRule) In(tags map[string]string) bool {
	v, ok := tags[t.Name]
	return ok && (t.Value == nil || *t.Value == v)
}

func (t TagRule) String() string {
	if t.Value == nil {
		return t.Name
	}
	return t.Name + "=" + *t.Value
}

// Decision says whether a snapshot is kept.
type Decision struct {
	Snapshot Snapshot
	Reasons  []string // why it is kept; none: it is not
}

// Kept reports whether the snapshot is kept.
func (d Decision) Kept() bool { return len(d.Reasons) > 0 }

// Apply decides about snapshots, which stand in the order of Snapshots. now is
// the present time; where clocks differ, the earliest there is.
//
// Rules go by the snapshots' own times and by the store's, and what they keep by
// either is kept: so a wrong clock can only keep more. Good snapshots, suspect ones and states before rollbacks
// are counted apart: none pushes out one of another sort. Points are not
// counted; retention_runs.go says what becomes of them.
//
// Whatever the rules say these are kept: what is held; the last snapshot and
// the last good one of each source and scope; the state before the last
// rollback of a source, with its supplements; base and last point of a
// migration run that has not ended.
func (p Policy) Apply(list []Snapshot, notes map[chunk.ID]Notes, now time.Time) []Decision {
	d := &deciding{policy: p, notes: notes, now: now, reasons: map[chunk.ID][]string{}}
	d.runs = runsOf(list, notes)
	for _, group := range grouped(list) {
		d.lasts(group)
		d.byRules(group)
	}
	d.held(list)
	d.beforeRollbacks(list)
	for _, r := range d.runs {
		d.points(r)
	}
	out := make([]Decision, len(list))
	for i, s := range list {
		out[i] = Decision{s, d.reasons[s.ID]}
	}
	return out
}

// deciding is one Apply.
type deciding struct {
	policy  Policy
	notes   map[chunk.ID]Notes
	now     time.Time
	runs    map[string]*run
	reasons map[chunk.ID][]string
}

func (d *deciding) keep(s Snapshot, why ...string) {
	for _, w := range why {
		if !slices.Contains(d.reasons[s.ID], w) {
			d.reasons[s.ID] = append(d.reasons[s.ID], w)
		}
	}
}

func (d *deciding) kept(s Snapshot) bool { return len(d.reasons[s.ID]) > 0 }

func (d *deciding) good(s Snapshot) bool { return d.notes[s.ID].Suspect(s) == "" }

// youngest is the later of what the two clocks say of a snapshot.
func youngest(s Snapshot) time.Time {
	if s.Stored.After(s.Time) {
		return s.Stored
	}
	return s.Time
}

// grouped gives the snapshots of each source and scope, in the order in which
// they stand.
func grouped(list []Snapshot) (groups [][]Snapshot) {
	at := map[string]int{}
	for _, s := range list {
		key := groupKey(s)
		i, ok := at[key]
		if !ok {
			i = len(groups)
			at[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	return groups
}

// groupKey is the same for snapshots that could replace one another.
func groupKey(s Snapshot) string {
	parts := []string{s.Source, s.Scope.Tenant, s.Scope.Database}
	return strings.Join(append(parts, slices.Sorted(slices.Values(s.Scope.Collections))...), "\x00")
}

// newestFirst sorts by a clock; where that does not tell, the later one of list
// comes first.
func newestFirst(list []Snapshot, clock func(Snapshot) time.Time) []Snapshot {
	out := slices.Clone(list)
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b Snapshot) int { return clock(b).Compare(clock(a)) })
	return out
}
