package main

import (
	"fmt"
	"strings"

	"autochrome/restore"
)

// unwritableError: the server cannot hold all of a plan, and nobody said that
// this is to be left out. Nothing was written.
type unwritableError struct{ needs *restore.Needs }

func (e *unwritableError) Error() string {
	const most = 3
	var words []string
	for _, x := range e.needs.Refused {
		words = append(words, fmt.Sprintf("%s/%q: %s", x.Collection, x.ID, x.Reason))
	}
	for _, x := range e.needs.Inexact {
		words = append(words, fmt.Sprintf("%s/%q, %s: %s would be %s", x.Collection, x.ID, x.Where, x.Want, x.Stored))
	}
	words = words[:min(len(words), most)]
	if more := e.needs.Unwritable - len(words); more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return "nothing was written, since the server cannot hold all of it: " + strings.Join(words, "; ")
}

func (e *unwritableError) Hint() string {
	return "--skip-unwritable leaves out the records that it refuses and writes the others as nearly as can be; --dry-run names them all"
}
