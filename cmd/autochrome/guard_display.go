package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"autochrome/guard"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

// guardDisplay shows a run while it goes on: a line that changes on a terminal,
// and otherwise a JSON line for each point, on stdout with --json and else on
// stderr.
type guardDisplay struct {
	s     *session
	bar   *progress // of the base and the rollback
	limit time.Duration

	mu      sync.Mutex
	begun   time.Time // of the command
	points  int
	records int64 // of the base
	stored  int64
	written int64 // records that writes named
	shown   bool  // a line stands on the terminal
}

func newGuardDisplay(s *session, o *guard.Options) *guardDisplay {
	d := &guardDisplay{s: s, bar: newProgress(s.console), limit: o.MaxTime}
	o.Reading = func(p snapshot.Progress) { d.bar.reading(p) }
	o.Started, o.Point = d.started, d.point
	if s.errTerminal && !s.quiet && !s.json {
		o.Stdout, o.Stderr = &clearing{d, o.Stdout}, &clearing{d, o.Stderr}
	}
	o.Progress = func(p restore.Progress) {
		d.clear()
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
	d.begun, d.records = time.Now(), base.Root.Records
	if d.s.errTerminal && !d.s.json {
		d.s.say("base %s: %s; the proxy is at %s", base.DisplayID(), plural(base.Root.Records, "record"), proxy)
	}
	d.event(guardEvent{Type: "started", Run: guard.RunName(base), Proxy: proxy, SnapshotID: base.DisplayID(), Records: base.Root.Records})
}

func (d *guardDisplay) point(p guard.Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.points, d.stored = p.Number, d.stored+p.Snapshot.Stats.BytesStored
	d.event(guardEvent{
		Type: "point", Run: p.Snapshot.Run, Point: p.Number, SnapshotID: p.Snapshot.DisplayID(),
		Request: p.Request, Records: p.Snapshot.Root.Records, Stored: p.Snapshot.Stats.BytesStored,
	})
	if !d.s.errTerminal || d.s.quiet || d.s.json {
		return
	}
	d.written += p.Written
	words := []string{
		plural(p.Number, "point"), fmt.Sprintf("%.0f records/s", float64(d.written)/time.Since(d.begun).Seconds()),
		plural(p.Snapshot.Root.Records, "record"), fmt.Sprintf("%.1f %% lost", 100*p.Lost),
		size(d.stored) + " stored", time.Since(d.begun).Round(time.Second).String(),
	}
	if d.limit > 0 {
		words = append(words, (d.limit-time.Since(d.begun)).Round(time.Second).String()+" left")
	}
	_, _ = fmt.Fprintf(d.s.err, "\r\x1b[K%s  %s", strings.Join(words, ", "), printable(p.Request))
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
	if d.shown {
		_, _ = fmt.Fprint(d.s.err, "\r\x1b[K")
		d.shown = false
	}
}

func (d *guardDisplay) end() {
	d.clear()
	d.bar.end()
}
