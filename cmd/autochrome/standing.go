package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
)

// standing is where a source stands. A snapshot before a rollback and points of
// a run are counted, and are none of the others.
type standing struct {
	source    string
	snapshots int
	last      *repo.Snapshot
	suspect   string // why the last one is; "": it is not
	good      *repo.Snapshot
	verified  *repo.Snapshot
	at        time.Time // when that was verified
}

// standings gives all sources by their names, and what is noted of snapshots.
func standings(ctx context.Context, r *repo.Repository) ([]standing, error) {
	all, err := r.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := r.Annotations(ctx)
	if err != nil {
		return nil, err
	}
	var list []standing
	for i := range all { // the newest last
		x := &all[i]
		at := slices.IndexFunc(list, func(s standing) bool { return s.source == x.Source })
		if at < 0 {
			at = len(list)
			list = append(list, standing{source: x.Source})
		}
		s := &list[at]
		s.snapshots++
		if x.Kind != repo.KindSnapshot {
			continue
		}
		n := notes[x.ID]
		s.last, s.suspect = x, n.Suspect(*x)
		if s.suspect == "" {
			s.good = x
		}
		if v, ok := n[repo.KeyVerified]; ok && !v.Removed && (s.verified == nil || v.Time.After(s.at)) {
			s.verified, s.at = x, v.Time
		}
	}
	slices.SortFunc(list, func(a, b standing) int { return strings.Compare(a.source, b.source) })
	return list, nil
}
