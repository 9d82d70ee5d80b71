package faulty

import (
	"slices"
	"strings"
	"sync/atomic"
)

// Match chooses the operations that a fault strikes.
type Match func(op *Op) bool

// Any chooses operations of these kinds, of every kind without any.
func Any(kinds ...Kind) Match {
	return func(op *Op) bool { return len(kinds) == 0 || slices.Contains(kinds, op.Kind) }
}

// Folder chooses operations on names that begin with prefix.
func Folder(prefix string) Match {
	return func(op *Op) bool { return strings.HasPrefix(op.Name, prefix) }
}

// All chooses what each of the matches chooses. They are asked in order until
// one says no, so that All(Folder("packs/"), Nth(2)) counts in packs/ only.
func All(matches ...Match) Match {
	return func(op *Op) bool {
		return !slices.ContainsFunc(matches, func(m Match) bool { return !m(op) })
	}
}

// Nth chooses the nth operation, from 1, of these kinds. It counts for
// itself, so one Match serves one fault.
func Nth(n int64, kinds ...Kind) Match {
	var seen atomic.Int64
	of := Any(kinds...)
	return func(op *Op) bool { return of(op) && seen.Add(1) == n }
}

// From chooses the nth operation, from 1, of these kinds, and all operations
// of every kind after it: a store that dies and stays dead.
func From(n int64, kinds ...Kind) Match {
	var seen atomic.Int64
	of := Any(kinds...)
	return func(op *Op) bool {
		if of(op) {
			return seen.Add(1) >= n
		}
		return seen.Load() >= n
	}
}
