package main

import (
	"sync"
	"time"

	"autochrome/repo"
)

// watchHealth says whether the last good snapshot is as new as it should be.
type watchHealth struct {
	rhythm rhythm
	maxAge time.Duration // 0: by the rhythm
	jitter time.Duration

	mu     sync.Mutex
	last   *repo.Snapshot // nil: none is known
	ended  bool           // the first run since the beginning has
	reason string         // why the last run failed; "": it did not
}

// healthzJSON is what /healthz answers with.
type healthzJSON struct {
	Status     string    `json:"status"` // ok, starting or stale
	SnapshotID string    `json:"snapshot_id,omitempty"`
	LastGood   time.Time `json:"last_good,omitzero"`
	Age        int64     `json:"age_seconds,omitempty"`
	Until      time.Time `json:"until,omitzero"` // when the next good one must be there
	Error      string    `json:"error,omitempty"`
}

// good says that a good snapshot is there.
func (h *watchHealth) good(x repo.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = &x
}

// run says how a run that was to take a snapshot ended.
func (h *watchHealth) run(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended, h.reason = true, ""
	if err != nil {
		h.reason, _ = explain(err)
	}
}

// slack is for what comes on top of a run's own time.
const slack = time.Minute

// until is when the next good snapshot must be there: one tick may be missed,
// and a run may take twice as long as the last one.
func (h *watchHealth) until() time.Time {
	at := h.last.Time
	if h.maxAge > 0 {
		return at.Add(h.maxAge)
	}
	second := h.rhythm.Next(h.rhythm.Next(at))
	if second.IsZero() { // the rhythm has ended
		return at.AddDate(1000, 0, 0)
	}
	return second.Add(h.jitter + 2*time.Duration(h.last.Stats.Millis)*time.Millisecond + slack)
}

// state answers at a time. Before the first run has ended it is starting, which
// is well: what is old shall just be made up for.
func (h *watchHealth) state(now time.Time) (j healthzJSON, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j.Error = h.reason
	fresh := false
	if h.last != nil {
		until := h.until()
		fresh = now.Before(until)
		j.SnapshotID, j.LastGood, j.Age, j.Until = h.last.DisplayID(), h.last.Time.UTC(), int64(max(0, now.Sub(h.last.Time)).Seconds()), until.UTC()
	}
	switch {
	case fresh:
		j.Status = "ok"
	case !h.ended:
		j.Status = "starting"
	default:
		j.Status = "stale"
		return j, false
	}
	return j, true
}
