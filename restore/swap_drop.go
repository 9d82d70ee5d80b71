package restore

import (
	"context"
	"fmt"
	"slices"

	"autochrome/repo"
	"autochrome/snapshot"
)

// NoneKeptError: no swap to a snapshot has kept a collection that is still
// there.
type NoneKeptError struct{ Snapshot repo.Snapshot }

func (e *NoneKeptError) Error() string {
	return fmt.Sprintf("nothing is left that a swap to %s has kept", e.Snapshot.DisplayID())
}

// Hint says what to do next.
func (e *NoneKeptError) Hint() string {
	return "rollback --swap --keep-old says what it keeps, and to which snapshot it went back"
}

// DropOld drops the collections that swaps to a snapshot have kept, of all
// collections or of those that the options name. They are recorded first, as
// before a rollback. One whose name nobody has now is not dropped: it may be all
// that there is.
func DropOld(ctx context.Context, r *repo.Repository, t Target, s repo.Snapshot, o Options) (Report, error) {
	rep := Report{Snapshot: s}
	live, err := t.Collections(ctx)
	if err != nil {
		return rep, err
	}
	var names []string
	var left []Left
	for _, c := range live {
		m, ok := markOf(c)
		if ok && m.Role == roleKept && m.Snapshot == s.ID.String() && m.Repository == r.ID() && aside(c, live) &&
			(o.Collections == nil || slices.Contains(o.Collections, m.Of)) {
			names, left = append(names, c.Name), append(left, Left{c.Name, m.Of})
		}
	}
	if len(names) == 0 {
		return rep, &NoneKeptError{s}
	}
	these := func(name string) bool { return slices.Contains(names, name) }
	o.DropExtra, o.Swap, o.Collections = false, false, names
	o.swaps = func(p *Plan) { p.toSwap(&o, left) }
	if o.DryRun {
		return rep, snapshot.WithScratch(r, func(store *snapshot.Scratch) error {
			return rep.plan(ctx, r, store, t, nil, these, o)
		})
	}
	if err := rep.record(ctx, r, t, nil, these, o, s.Source, names); err != nil {
		return rep, err
	}
	return rep, rep.carryOut(ctx, r, t, o)
}
