package main

import (
	"maps"
	"slices"
	"strings"

	"autochrome/repo"
)

// remarks are what a list says of a snapshot besides its figures.
func remarks(l listedJSON) string {
	var words []string
	before, isBefore := l.Tags[string(repo.KindPreRollback)]
	isBefore = isBefore && l.Kind == repo.KindPreRollback
	switch {
	case isBefore:
		words = append(words, "before the rollback to "+before)
	case l.Kind != repo.KindSnapshot:
		words = append(words, string(l.Kind))
	}
	if l.Scope.Collections != nil && l.Kind != repo.KindPreRollback {
		words = append(words, "only "+strings.Join(l.Scope.Collections, ","))
	}
	if l.Damaged > 0 {
		words = append(words, plural(l.Damaged, "damaged record"))
	}
	if l.Deleted != nil {
		words = append(words, withReason("deleted", l.DeletedWhy))
	}
	if l.Held {
		words = append(words, withReason("held", l.HeldWhy))
	}
	if l.Suspect != "" {
		words = append(words, "suspect: "+l.Suspect)
	}
	if l.Verified != nil {
		words = append(words, "verified")
	}
	if l.Restored != nil {
		words = append(words, "restored")
	}
	for _, k := range slices.Sorted(maps.Keys(l.Tags)) {
		if !isBefore || k != string(repo.KindPreRollback) {
			words = append(words, k+"="+l.Tags[k])
		}
	}
	return strings.Join(words, ", ")
}

func withReason(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}
