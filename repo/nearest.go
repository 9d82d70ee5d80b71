package repo

import (
	"cmp"
	"slices"
	"strings"
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
		cost := distance(bare, id[:min(len(id), max(len(bare), 1))])
		if s.Name != "" {
			cost = min(cost, distance(word, strings.ToLower(s.Name)))
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

// distance is how many letters must be changed, added or dropped to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
