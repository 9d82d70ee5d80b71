package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"autochrome/guard"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

// guardDisplay shows a run while it goes on: a line that changes on a terminal,
// also while nothing is written, and otherwise a JSON line for each point, on
// stdout with --json and else on stderr.
type guardDisplay struct {
	s      *session
	bar    *progress // of the base and the rollback
	limit  time.Duration
	undoes bool // an interrupted run is rolled back

	mu      sync.Mutex
	begun   time.Time // of the command; before it runs, of what comes before
	runs    bool      // the command does, and its time
	last    guard.Point
	records int64 // that there are
	stored  int64
	written int64         // records that writes named
	shown   bool          // a line stands on the terminal
	ended   chan struct{} // closed when no line is shown any more
}

func newGuardDisplay(s *session, o *guard.Options) *guardDisplay {
	d := &guardDisplay{s: s, bar: newProgress(s.console), limit: o.MaxTime, begun: time.Now(), ended: make(chan struct{})}
	d.undoes = o.Command != nil && (o.RollbackTo == guard.BackToBase || o.RollbackTo == guard.BackToLastGood)
	o.Reading = func(p snapshot.Progress) { d.bar.reading(p) }
	o.Started, o.Point = d.started, d.point
	if d.line() {
		o.Stdout, o.Stderr = &clearing{d, o.Stdout}, &clearing{d, o.Stderr}
	}
	o.Progress = func(p restore.Progress) {
		d.stop()
		d.bar.restoring(p)
	}
	return d
}

// guardEvent is a JSON line.
type guardEvent struct {
	Type       string    `json:"type"` // started, point
	Time       time.Time `json:"time"`
	Run        string    `json:"run,omitempty"`
	Proxy      string    `json:"proxy,omitempty"`
	Point      int       `json:"point,omitempty"`
	SnapshotID string    `json:"snapshot_id"`
	Request    string    `json:"request,omitempty"`
	Records    int64     `json:"records"`
	Stored     int64     `json:"bytes_stored"`

	// Of points.
	Written int64   `json:"written,omitempty"` // records that the writes since the last point named
	Rate    float64 `json:"records_per_second,omitempty"`
	Lost    float64 `json:"lost"` // the greatest share of a collection, from 0 to 1
	Elapsed int64   `json:"elapsed_ms"`
	Left    *int64  `json:"left_ms,omitempty"` // until the time limit
}

func (d *guardDisplay) event(e guardEvent) {
	out := d.s.err
	if d.s.json {
		out = d.s.out
	} else if d.s.errTerminal || d.s.quiet {
		return
	}
	e.Time = time.Now().UTC()
	_ = writeJSON(out, e) // nobody can be told
}

func (d *guardDisplay) started(proxy string, base repo.Snapshot) {
	d.bar.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun, d.runs, d.records = time.Now(), true, base.Root.Records
	if d.line() {
		go d.tick()
	}
	if d.s.errTerminal && !d.s.json {
		d.s.say("base %s: %s; the proxy is at %s", base.DisplayID(), plural(base.Root.Records, "record"), proxy)
	}
	d.event(guardEvent{Type: "started", Run: guard.RunName(base), Proxy: proxy, SnapshotID: base.DisplayID(), Records: base.Root.Records})
}

// stopping tells that a signal was heard: what comes then may take long, and who
// hears nothing presses again, which would end it.
func (d *guardDisplay) stopping() {
	d.bar.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.s.json {
		_ = d.s.printJSON(watchStopJSON{"stopping", time.Now().UTC()})
		return
	}
	d.wipe()
	if d.runs && d.undoes {
		d.s.say("stopping, and rolling back; a second signal ends at once, and leaves what was written")
	} else {
		d.s.say("stopping; a second signal ends at once")
	}
}

// line reports whether a line is shown.
func (d *guardDisplay) line() bool { return d.s.errTerminal && !d.s.quiet && !d.s.json }

func (d *guardDisplay) point(p guard.Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last, d.records, d.written = p, p.Snapshot.Root.Records, d.written+p.Written
	d.stored += p.Snapshot.Stats.BytesStored
	e := guardEvent{
		Type: "point", Run: p.Snapshot.Run, Point: p.Number, SnapshotID: p.Snapshot.DisplayID(), Request: p.Request,
		Records: d.records, Stored: p.Snapshot.Stats.BytesStored, Written: p.Written, Rate: math.Round(10*d.rate()) / 10, Lost: p.Lost,
		Elapsed: time.Since(d.begun).Milliseconds(),
	}
	if left, limited := d.left(); limited {
		ms := left.Milliseconds()
		e.Left = &ms
	}
	d.event(e)
	d.show()
}

func (d *guardDisplay) rate() float64 { return float64(d.written) / time.Since(d.begun).Seconds() }

// left is how long the command may still take.
func (d *guardDisplay) left() (left time.Duration, limited bool) {
	return max(0, d.limit-time.Since(d.begun)), d.runs && d.limit > 0
}

// tick keeps the line's times right.
func (d *guardDisplay) tick() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			d.mu.Lock()
			d.show()
			d.mu.Unlock()
		case <-d.ended:
			return
		}
	}
}

// show writes the line. d.mu is held.
func (d *guardDisplay) show() {
	select {
	case <-d.ended:
		return
	default:
	}
	if !d.line() {
		return
	}
	words := []string{
		plural(d.last.Number, "point"), fmt.Sprintf("%.0f records/s", d.rate()), plural(d.records, "record"),
		fmt.Sprintf("%.1f %% lost", 100*d.last.Lost), size(d.stored) + " stored", time.Since(d.begun).Round(time.Second).String(),
	}
	if left, limited := d.left(); limited {
		words = append(words, left.Round(time.Second).String()+" left")
	}
	line := strings.Join(words, ", ") + "  " + printable(d.last.Request)
	if width := widthOf(d.s.err); width > 0 {
		line = cut(line, width-1)
	}
	_, _ = fmt.Fprint(d.s.err, "\r\x1b[K", line)
	d.shown = true
}

// clearing is the command's output: the line goes before it comes.
type clearing struct {
	d  *guardDisplay
	to io.Writer
}

func (c *clearing) Write(b []byte) (int, error) {
	c.d.clear()
	return c.to.Write(b)
}

// clear removes the line before anything else is printed.
func (d *guardDisplay) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipe()
}

// wipe is clear. d.mu is held.
func (d *guardDisplay) wipe() {
	if d.shown {
		_, _ = fmt.Fprint(d.s.err, "\r\x1b[K")
		d.shown = false
	}
}

// stop takes the line away for good.
func (d *guardDisplay) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wipe()
	select {
	case <-d.ended:
	default:
		close(d.ended)
	}
}

func (d *guardDisplay) end() {
	d.stop()
	d.bar.end()
}
