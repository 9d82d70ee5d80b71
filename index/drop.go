package index

import (
	"slices"

	"autochrome/chunk"
)

// hiddenMin and hiddenShare say when the rows of dropped packs are taken out:
// that copies the index, so there have to be many.
const (
	hiddenMin   = 1 << 12
	hiddenShare = 4
)

// Drop forgets packs that are gone; those that are not known are left out. A
// pack of the same name can be added again.
func (x *Index) Drop(packs ...chunk.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range packs {
		n, known := x.number[id]
		if !known {
			continue
		}
		delete(x.number, id)
		p := &x.packs[n]
		p.dropped = true
		x.rows, x.hidden = x.rows-p.rows, x.hidden+p.rows
	}
	if x.hidden < hiddenMin+x.rows/hiddenShare {
		return
	}
	gone := func(r row) bool { return x.of(r).dropped }
	for i := range x.shards {
		s := &x.shards[i]
		s.main, s.fresh = without(s.main, gone), without(s.fresh, gone)
	}
	x.hidden = 0
}

// without gives the other rows, without room to spare.
func without(run []row, gone func(row) bool) []row {
	if !slices.ContainsFunc(run, gone) {
		return run
	}
	n := 0
	for _, r := range run {
		if !gone(r) {
			n++
		}
	}
	out := make([]row, 0, n)
	for _, r := range run {
		if !gone(r) {
			out = append(out, r)
		}
	}
	return out
}
