package main

import (
	"cmp"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"autochrome/restore"
	"autochrome/snapshot"
)

// progress shows on a terminal how far the work has come.
type progress struct {
	out *console
	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil: none is shown
	of  string                   // what the bar is of
}

func newProgress(out *console) *progress { return &progress{out: out} }

// show sets the bar; a new one for each thing that is done.
func (p *progress) show(of string, done, total int) {
	if !p.out.errTerminal || p.out.quiet || p.out.json {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil || p.of != of {
		p.clear()
		p.of = of
		p.bar = p.newBar(printable(of), total)
		if done < total { // the time until now is not known, so neither is the rate
			return
		}
	}
	_ = p.bar.Set(min(done, total)) // a bar that cannot be drawn is no failure
}

// figures is room for what stands behind a bar: "(1000000/1000000, 10000
// records/s) [1m10s:10m10s]"; count is it without rate and time.
const (
	figures = 52
	count   = 24
)

// newBar makes a bar that fits a line of the terminal: one that goes on in the
// next could not be removed.
func (p *progress) newBar(of string, total int) *progressbar.ProgressBar {
	width := cmp.Or(widthOf(p.out.err), 80)
	options := []progressbar.Option{
		progressbar.OptionSetWriter(p.out.err),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
	}
	of = cut(of, max(8, width-count-12))
	room := width - utf8.RuneCountInString(of) - figures
	if room >= 8 {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString("records"), progressbar.OptionSetPredictTime(true))
	} else {
		room = width - utf8.RuneCountInString(of) - count
		options = append(options, progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))
	}
	return progressbar.NewOptions(total, append(options, progressbar.OptionSetDescription(of), progressbar.OptionSetWidth(max(1, min(24, room-8))))...)
}

// end removes the bar, before anything else is printed.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}

func (p *progress) reading(x snapshot.Progress) {
	p.show("read "+x.Collection, x.Done, x.Total)
}

func (p *progress) restoring(x restore.Progress) {
	p.show(string(x.Stage)+" "+x.Collection, x.Done, x.Total)
}
