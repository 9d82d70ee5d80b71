package main

import (
	"sync"
	"time"

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
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(p.out.err),
			progressbar.OptionSetDescription(printable(of)),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("records"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(24),
		)
		_ = p.bar.RenderBlank() // the time until now is not known, so neither is the rate
		if done < total {
			return
		}
	}
	_ = p.bar.Set(min(done, total)) // a bar that cannot be drawn is no failure
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
