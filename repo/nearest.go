package repo

import (
	"cmp"
	"slices"
	"strings"

	"autochrome/internal/spelling"
)

const (
	// nearestShown is how many snapshots are suggested for a word that means
	// none.
	nearestShown = 3

	// nearEnough is the share of a word's letters that may be wrong, one in so
	// many.
	nearEnough = 3
)

// nearest gives the snapshots whose name or display id is most like a word, the
// newest first among equals; none where nothing is like it.
func nearest(list []Snapshot, word string) []Snapshot {
	type scored struct {
		s    Snapshot
		cost int
	}
	word = strings.ToLower(word)
	if len(word) > maxName || len(word) < nearEnough {
		return nil
	}
	var near []scored
	for _, s := range slices.Backward(list) {
		id := strings.TrimPrefix(s.DisplayID(), displayPrefix)
		bare := strings.TrimPrefix(word, displayPrefix)
		cost := spelling.Distance(bare, id[:min(len(id), max(len(bare), 1))])
		if s.Name != "" {
			cost = min(cost, spelling.Distance(word, strings.ToLower(s.Name)))
		}
		if cost <= max(1, len(bare)/nearEnough) {
			near = append(near, scored{s, cost})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int { return cmp.Compare(a.cost, b.cost) })
	var out []Snapshot
	for _, x := range near[:min(len(near), nearestShown)] {
		out = append(out, x.s)
	}
	return out
}
