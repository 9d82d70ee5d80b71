package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
)

const (
	wordLatest = "latest"

	// identityPrefix is how many digits of an identity name a snapshot at
	// least; fewer would too often be a date or a name.
	identityPrefix = 8

	// candidates is how many snapshots a message names.
	candidates = 5
)

// Find gives the snapshot that a word means, in this order:
//
//   - "latest": the newest good one of the source, other than those that were
//     taken before a rollback (else rolling back to the latest twice would undo
//     itself); one that was imported counts by the time that it was taken;
//   - the name that a user gave: of several the newest good one, as a tag
//     means what it was last given to; the newest of all where none is good;
//   - a display id, or the beginning of one, with or without "snapshot_";
//   - at least eight digits of an identity;
//   - of a copy, the display id of what it is a copy of, likewise: tags have it.
//
// The source chooses among snapshots of several sources; ids do not need it.
// A word that means none or several is a FindError.
func (r *Repository) Find(ctx context.Context, word, source string) (Snapshot, error) {
	list, deleted, notes, err := r.snapshotsAndNotes(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	word = strings.TrimSpace(word)
	s, err := find(list, notes, word, source)
	if errors.Is(err, ErrNoSnapshot) && word != wordLatest {
		if gone, e := find(deleted, notes, word, source); e == nil {
			return s, &FindError{word, ErrNoSnapshot, nil,
				"it was deleted; until prune removes it: autochrome snapshot delete --undo " + gone.DisplayID()}
		}
	}
	return s, err
}

// FindDeleted is Find among the snapshots that were deleted and whose records
// are still there.
func (r *Repository) FindDeleted(ctx context.Context, word, source string) (Snapshot, error) {
	_, deleted, notes, err := r.snapshotsAndNotes(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if len(deleted) == 0 {
		return Snapshot{}, &FindError{word, ErrNoSnapshot, nil, "no deleted snapshot is left in the repository"}
	}
	s, err := find(deleted, notes, strings.TrimSpace(word), source)
	if e := new(FindError); errors.As(err, &e) && e.Reason == ErrNoSnapshot && len(e.Nearest) == 0 {
		e.Hint = "see those that were deleted: autochrome snapshot list --deleted"
	}
	return s, err
}

func find(list []Snapshot, notes map[chunk.ID]Notes, word, source string) (Snapshot, error) {
	good := func(s Snapshot) bool { return notes[s.ID].Suspect(s) == "" }
	if len(list) == 0 {
		return Snapshot{}, &FindError{word, ErrNoSnapshot, nil, "the repository holds none yet: take one with `autochrome snapshot create`"}
	}
	if word == wordLatest {
		return latest(list, good, source)
	}
	named := where(list, func(s Snapshot) bool { return s.Name == word && word != "" && (source == "" || s.Source == source) })
	if len(named) > 0 {
		if names := sourcesOf(named); len(names) > 1 {
			return Snapshot{}, severalSources(word, names, named)
		}
		if ok := where(named, good); len(ok) > 0 {
			named = ok
		}
		return named[len(named)-1], nil
	}
	lower := strings.ToLower(word)
	found := where(list, func(s Snapshot) bool { return hasPrefix(s.DisplayID(), lower) })
	if len(found) == 0 && len(lower) >= identityPrefix {
		found = where(list, func(s Snapshot) bool { return strings.HasPrefix(s.ID.String(), lower) })
	}
	if len(found) == 0 {
		found = where(list, func(s Snapshot) bool { return hasPrefix(s.OriginalID(), lower) })
	}
	if len(found) == 0 && len(list) > 1 && lower != "" && strings.HasPrefix(displayPrefix, lower) {
		found = slices.Clone(list) // all begin so
	}
	switch len(found) {
	case 0:
		near := nearest(list, word)
		return Snapshot{}, &FindError{word, ErrNoSnapshot, near, hint("did you mean", near, len(near))}
	case 1:
		return found[0], nil
	}
	n := len(found)
	slices.Reverse(found)
	found = found[:min(n, candidates)]
	return Snapshot{}, &FindError{word, ErrAmbiguous, found, hint("it may mean", found, n)}
}

// hasPrefix reports whether a lower-case word is the beginning of a display id,
// with or without its prefix.
func hasPrefix(id, word string) bool {
	bare := strings.TrimPrefix(id, displayPrefix)
	return len(word) > len(displayPrefix) && strings.HasPrefix(id, word) || word != "" && strings.HasPrefix(bare, word)
}

func latest(list []Snapshot, good func(Snapshot) bool, source string) (Snapshot, error) {
	of := where(list, func(s Snapshot) bool { return source == "" || s.Source == source })
	if len(of) == 0 {
		return Snapshot{}, &FindError{wordLatest, ErrNoSnapshot, nil,
			fmt.Sprintf("there is none of source %q; sources are %s", source, quoted(sourcesOf(list)))}
	}
	if names := sourcesOf(of); len(names) > 1 {
		return Snapshot{}, severalSources(wordLatest, names, nil)
	}
	fit := where(of, func(s Snapshot) bool { return good(s) && s.Kind != KindPreRollback })
	if len(fit) == 0 {
		slices.Reverse(of)
		n := len(of)
		of = of[:min(n, candidates)]
		return Snapshot{}, &FindError{wordLatest, ErrNoSnapshot, of,
			hint("all there are were taken before a rollback, or are suspect; name one of them", of, n)}
	}
	// An archive may be older than what is here: one that was imported is the
	// latest only where it was taken after all others.
	imported := func(s Snapshot) bool { return s.Kind == KindImported }
	own := where(fit, func(s Snapshot) bool { return !imported(s) })
	best := fit[0]
	if len(own) > 0 {
		best = own[len(own)-1]
	}
	for _, s := range where(fit, imported) {
		if !s.Time.Before(best.Time) {
			best = s
		}
	}
	return best, nil
}

func severalSources(word string, names []string, found []Snapshot) error {
	return &FindError{word, ErrAmbiguous, found, "choose a source with --source: " + quoted(names)}
}

func where(list []Snapshot, ok func(Snapshot) bool) []Snapshot {
	var out []Snapshot
	for _, s := range list {
		if ok(s) {
			out = append(out, s)
		}
	}
	return out
}

func sourcesOf(list []Snapshot) []string {
	var names []string
	for _, s := range list {
		names = append(names, s.Source)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func quoted(names []string) string {
	var out []string
	for _, name := range names {
		out = append(out, fmt.Sprintf("%q", name))
	}
	return strings.Join(out, ", ")
}

// hint names snapshots, of n in all.
func hint(what string, list []Snapshot, n int) string {
	if len(list) == 0 {
		return "`autochrome snapshot list` shows them"
	}
	var s strings.Builder
	s.WriteString(what + " ")
	for i, x := range list {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(x.DisplayID())
		if x.Name != "" {
			fmt.Fprintf(&s, " (%s)", x.Name)
		}
	}
	if more := n - len(list); more > 0 {
		fmt.Fprintf(&s, " and %d more", more)
	}
	return s.String()
}
