package main

import "strings"

// nearest finds the word that was probably meant, or "": one that begins with
// what was typed, or that few letters turn it into.
func nearest(typed string, words []string) string {
	best, distance := "", len(typed)/3+2
	for _, w := range words {
		d := editDistance(typed, w)
		if len(typed) > 2 && strings.HasPrefix(w, typed) {
			d = 0
		}
		if d < distance && d < len(w) {
			best, distance = w, d
		}
	}
	return best
}

// editDistance counts the letters to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
