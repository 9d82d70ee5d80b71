// Package memory says how much garbage may come together. A program imports it for
// that: it acts when it is initialized.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	_ "autochrome/internal/hugepages" // for whoever uses memory
)

// percent is how much garbage may come together, beside what is alive, until there
// is as much of both as the limit allows: before that, collecting it costs more than
// it frees.
const percent = 400

func init() { Limit() }

// Limit sets the limit, unless the user did, and how much garbage comes together
// below it, unless the user said that. From then on it follows what is alive, and
// how often garbage is collected.
func Limit() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	p := &pace{last: time.Now()}
	p.limit = p.next(0, often)
	debug.SetMemoryLimit(p.limit)
	p.follow()
}

// follow sets the limit anew after each collection where that is due.
func (p *pace) follow() {
	collected := &struct{ self any }{} // with a pointer, so that it is an object by itself
	runtime.AddCleanup(collected, func(p *pace) {
		now := time.Now()
		wanted := p.next(alive(), now.Sub(p.last))
		p.last = now
		if wanted > p.limit || wanted < p.limit-p.limit/8 { // setting it stops the world for a moment
			debug.SetMemoryLimit(wanted)
			p.limit = wanted
		}
		p.follow()
	}, p)
}

// alive is what the last collection found in use, in bytes.
func alive() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
