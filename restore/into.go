package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// Over says what becomes of a collection that the target has already under the
// name of one that is to be restored.
type Over string

const (
	// OverNothing refuses with an *ExistsError, unless all that the collection has
	// is as in the snapshot already: then what it lacks is added. That is how a
	// restore that was interrupted goes on.
	OverNothing Over = ""
	// OverRecords writes the snapshot's records over those of the same ids. Its
	// other records, its metadata and its configuration stay as they are. One of
	// another dimension or space is refused.
	OverRecords Over = "merge"
	// OverAll makes the collection the snapshot's: records that the snapshot does
	// not have are deleted.
	OverAll Over = "replace"
)

// Into says how a snapshot goes into a target that was not its source.
type Into struct {
	Names Names
	Over  Over
}

// ExistsError names collections of the target that would have to be
// overwritten. Nothing was written.
type ExistsError struct{ Names []string }

func (e *ExistsError) Error() string {
	what := "has a collection of this name with other content"
	if len(e.Names) > 1 {
		what = "has collections of these names with other content"
	}
	return fmt.Sprintf("the target %s: %s", what, strings.Join(e.Names, ", "))
}

// Hint says what to do next.
func (e *ExistsError) Hint() string {
	return "--merge writes the snapshot's records over theirs and keeps the others; --replace makes them as in the snapshot; --rename and --prefix choose other names"
}

// Restore brings collections of a snapshot into any database, under their own
// or other names, and compares record by record. Collections of the target that
// have none of these names are never touched. Where something there is to be
// overwritten or deleted, it is recorded first, as before a rollback, as a
// snapshot of the target's own source. Of the options DropExtra, IDs, Only,
// Where and Swap mean nothing here. What the report says holds also with an error.
func Restore(ctx context.Context, r *repo.Repository, t Target, s repo.Snapshot, into Into, o Options) (Report, error) {
	rep := Report{Snapshot: s}
	want, err := WantedOf(ctx, tree.NewReader(r), s, o.Collections)
	if err != nil {
		return rep, err
	}
	if err := into.Names.apply(want, t.ValidName); err != nil {
		return rep, err
	}
	live, err := t.Collections(ctx)
	if err != nil {
		return rep, err
	}
	there := false
	for i := range want {
		c, ok := byName(live, want[i].Tree.Name)
		if !ok {
			continue
		}
		there = true
		if into.Over == OverRecords {
			if err := mergeable(t, c, want[i]); err != nil {
				return rep, err
			}
			want[i].part = &part{merge: true}
		}
	}
	none := func(string) bool { return false }
	o.DropExtra, o.Swap = false, false
	o.planned = func(p *Plan) error {
		if into.Over == OverNothing {
			return overwrites(p)
		}
		return nil
	}
	if there && into.Over != OverNothing && !o.DryRun {
		if err := rep.record(ctx, r, t, want, none, o, "", namesOf(want)); err != nil {
			return rep, err
		}
		return rep, rep.carryOut(ctx, r, t, o)
	}
	err = snapshot.WithScratch(r, func(store *snapshot.Scratch) error {
		if err := rep.plan(ctx, r, store, t, want, none, o); err != nil || o.DryRun {
			return err
		}
		return rep.carryOut(ctx, r, t, o)
	})
	return rep, err
}

// mergeable says why the records of a collection cannot go among those of
// another.
func mergeable(t Target, have chunk.Collection, want Wanted) error {
	now, then := have.Description.Dimension, want.Description.Dimension
	if now != 0 && then != 0 && now != then {
		return &NamesError{fmt.Sprintf("collection %q has %d dimensions in the target and %d in the snapshot, so they cannot be merged", have.Name, now, then),
			"--replace it, or choose another name with --rename"}
	}
	fields, _ := t.Differs(have.Description, want.Description)
	if slices.ContainsFunc(fields, func(f string) bool { return strings.HasSuffix(f, ".space") }) {
		return &NamesError{fmt.Sprintf("collection %q has another space in the target than in the snapshot, so they cannot be merged", have.Name),
			"--replace it, or choose another name with --rename"}
	}
	return nil
}

// overwrites refuses a plan that does more than to add to what is there.
func overwrites(p *Plan) error {
	e := &ExistsError{}
	for _, c := range p.Collections {
		// A restore that was cut off right after it had created the collection.
		bare := c.have != nil && c.Action == Change && c.have.Tree.Top.Count == 0 && len(c.have.Collection.Description.Metadata) == 0 && slices.Equal(c.Fields, []string{"metadata"})
		if c.have != nil && !bare && (c.Action == Recreate || c.Updated+c.Deleted+len(c.Fields) > 0) {
			e.Names = append(e.Names, c.Name)
		}
	}
	if len(e.Names) > 0 {
		return e
	}
	return nil
}
