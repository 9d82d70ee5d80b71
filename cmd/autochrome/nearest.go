package main

import (
	"strings"

	"autochrome/internal/spelling"
)

// nearest finds the word that was probably meant, or "": one that begins with
// what was typed, or that few letters turn it into.
func nearest(typed string, words []string) string {
	best, distance := "", len(typed)/3+2
	for _, w := range words {
		d := spelling.Distance(typed, w)
		if len(typed) > 2 && strings.HasPrefix(w, typed) {
			d = 0
		}
		if d < distance && d < len(w) {
			best, distance = w, d
		}
	}
	return best
}
