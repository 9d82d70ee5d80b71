package restore

import (
	"context"

	"autochrome/tree"
)

// Differing is given what still differs after a restore: a record with what the
// snapshot has (before) and what is there (after), or, without a record, what is
// otherwise about a collection.
type Differing func(d Difference, record *RecordDiff) error

// missing tells of a collection that is not there.
func (x *comparison) missing(d Difference) error {
	if x.differing == nil {
		return nil
	}
	return x.differing(d, nil)
}

// told tells what differs in the collection that was compared last. That is not
// done while it is compared, since what is settled differs no more.
func (x *comparison) told(ctx context.Context, w Wanted) error {
	if x.differing == nil {
		return nil
	}
	for _, d := range x.whole {
		if err := x.differing(d, nil); err != nil {
			return err
		}
	}
	if x.delta == nil {
		return nil
	}
	tell := w.part.taking(ctx, fromSnapshot, func(t tree.Difference) error {
		if t.Op == tree.Moved {
			return nil
		}
		d, err := diffRecord(ctx, t)
		if err != nil {
			return err
		}
		d.Collection = w.Tree.Name
		return x.differing(Difference{Collection: d.Collection, ID: d.ID, What: d.Op.String()}, &d)
	})
	if err := x.delta.Removed(ctx, tell); err != nil {
		return err
	}
	return x.delta.Present(ctx, tell)
}
