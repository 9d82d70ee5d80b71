// Package memory says how the program uses memory: how much garbage may come
// together, and in what pages the heap lies. A program imports it for that: it acts
// when it is initialized, before packages whose initialization needs much memory.
// It may, since it needs few others and a path that begins with an "a" comes first
// where the order is free.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Needed is how much memory a snapshot needs, about.
const Needed = 64 << 20

// percent is how much garbage may come together, beside what is alive, until there
// is as much of both as the limit allows: before that, collecting it costs more than
// it frees.
const percent = 400

func init() {
	UseHugePages(Needed)
	Limit()
}

// least is from where on garbage is collected without waiting for as much again
// to come together. A snapshot keeps 35 to 45 MB alive (packs under way, two
// pages, a row group), whatever the size of the collection, and each page leaves
// its own size of garbage. With this limit a hundred thousand records of 384
// dimensions need 80 MB of resident memory, five million of 8 need 98, and it costs no
// time that shows.
const least = 64 << 20

// Limit sets the limit, unless the user did, and how much garbage comes together
// below it, unless the user said that. It follows what is alive: below
// that, garbage would be collected all the time (the index of four million chunks
// alone is 180 MB).
func Limit() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	debug.SetMemoryLimit(least)
	follow(least)
}

// follow sets the limit anew after each collection where that is due.
func follow(limit int64) {
	collected := &struct{ self any }{} // with a pointer, so that it is an object by itself
	runtime.AddCleanup(collected, func(limit int64) {
		wanted := limitFor(alive())
		if wanted > limit || wanted < limit-limit/8 { // setting it stops the world for a moment
			debug.SetMemoryLimit(wanted)
			limit = wanted
		}
		follow(limit)
	}, limit)
}

// limitFor leaves room for garbage of a quarter of what is alive, and for what the
// runtime takes itself.
func limitFor(alive int64) int64 { return max(least, alive+alive/4+8<<20) }

// alive is what the last collection found in use.
func alive() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
