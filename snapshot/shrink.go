package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
)

// ErrShrunken: the source has lost most of what its last good snapshot has. A
// snapshot of it would look good and hold little.
var ErrShrunken = errors.New("the source has shrunken")

const (
	// shrunkenShare is the share of the last good snapshot's records that a
	// source must still have, one in so many.
	shrunkenShare = 2
	// shrunkenFloor is how many records must be gone for that: of few records a
	// single edit takes half.
	shrunkenFloor = 100
)

// Loss is a collection that has lost most of its records, or is gone.
type Loss struct {
	Collection string `json:"collection"`
	Before     int64  `json:"before"` // records in the last good snapshot
	Records    int64  `json:"records"`
	Gone       bool   `json:"gone,omitempty"` // the collection itself is not there any more
}

// A rollback that wrote nothing says so in a tag of the state before it.
const (
	TagRollback  = repo.TagRollback
	WroteNothing = repo.RollbackUnused
)

// Unused reports whether a state before a rollback says that the rollback wrote
// nothing.
func Unused(n repo.Notes) bool {
	v, _ := n.Value(repo.TagKey(TagRollback))
	return v == WroteNothing
}

// bases are the snapshots that a new one of these collections is judged by, the
// newest first: the last good one that looked at all of them, and what rollbacks
// since have brought back. None where there is no good one.
func (h *history) bases(notes map[chunk.ID]repo.Notes, names []string) []repo.Snapshot {
	var bases []repo.Snapshot
	imported := func(s repo.Snapshot) bool { return s.Kind == repo.KindImported }
	alone := !slices.ContainsFunc(h.all, func(s repo.Snapshot) bool { return !imported(s) })
	for _, s := range h.all {
		switch {
		case imported(s) && !alone: // it may be old
		case s.Kind == repo.KindPreRollback:
			to := s.Tags[string(repo.KindPreRollback)]
			i := slices.IndexFunc(h.all, func(x repo.Snapshot) bool { return x.Called(to) })
			if i >= 0 && !Unused(notes[s.ID]) && covers(h.all[i], names) {
				bases = append(bases, h.all[i])
			}
		case notes[s.ID].Suspect(s) == "" && covers(s, names):
			return append(bases, s)
		}
	}
	return nil
}

// covers reports whether a snapshot looked at all collections of these names.
func covers(s repo.Snapshot, names []string) bool {
	return s.Scope.Collections == nil || names != nil &&
		!slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(s.Scope.Collections, n) })
}

// judged says what speaks against a snapshot, in comparison with its bases.
type judged struct {
	shrunken string // "": it has not lost most of what each of them has
	damaged  string // "": it has no more damaged records than one of them
	losses   []Loss // of single collections, in comparison with the newest
}

// suspect is the reason to mark the snapshot with, or "".
func (j judged) suspect() string {
	var why []string
	if j.shrunken != "" {
		why = append(why, "shrunken: "+j.shrunken)
	}
	if j.damaged != "" {
		why = append(why, j.damaged)
	}
	return strings.Join(why, "; ")
}

func judge(s repo.Snapshot, bases []repo.Snapshot) judged {
	var j judged
	if n := s.Damage.Total; n > 0 {
		j.damaged = fmt.Sprintf("damaged records: %d", n)
	}
	for i, base := range bases {
		before := int64(0)
		for _, c := range base.Collections {
			if s.Scope.Collections == nil || slices.Contains(s.Scope.Collections, c.Name) {
				before += c.Records
			}
		}
		shrunken := ""
		if isLoss(before, s.Root.Records) {
			shrunken = fmt.Sprintf("%d records left of %d that %s has", s.Root.Records, before, base.DisplayID())
		}
		if i == 0 || shrunken == "" {
			j.shrunken = shrunken
		}
		if base.Damage.Total >= s.Damage.Total {
			j.damaged = ""
		}
		if shrunken == "" {
			break
		}
	}
	if len(bases) > 0 {
		j.losses = losses(bases[0], s)
	}
	return j
}

// isLoss reports whether so few records are left that it may be no intention.
func isLoss(before, now int64) bool {
	return before > 0 && now == 0 || before-now >= shrunkenFloor && now*shrunkenShare < before
}

// losses names the collections of base, in the scope of s, that have lost most
// of their records. A collection is known again by its server id, then by name.
func losses(base, s repo.Snapshot) []Loss {
	var out []Loss
	for _, c := range base.Collections {
		if s.Scope.Collections != nil && !slices.Contains(s.Scope.Collections, c.Name) {
			continue
		}
		now := int64(0)
		gone := true
		same := func(x repo.CollectionInfo) bool { return x.ServerID == c.ServerID && c.ServerID != "" }
		if !slices.ContainsFunc(s.Collections, same) {
			same = func(x repo.CollectionInfo) bool { return x.Name == c.Name }
		}
		if i := slices.IndexFunc(s.Collections, same); i >= 0 {
			now, gone = s.Collections[i].Records, false
		}
		if isLoss(c.Records, now) {
			out = append(out, Loss{c.Name, c.Records, now, gone})
		}
	}
	return out
}
