package restore

import (
	"context"
	"fmt"

	"autochrome/tree"
)

// Records gives each record that the plan changes, with the values before (what
// is there) and after (as in the snapshot), collection by collection. Those of
// the extra collections are among them where drop says that these go.
func (p *Plan) Records(ctx context.Context, drop bool, fn func(RecordDiff) error) error {
	in := func(collection string) func(tree.Difference) error {
		return func(x tree.Difference) error {
			if x.Op == tree.Moved {
				return nil
			}
			d, err := diffRecord(ctx, x)
			if err != nil {
				return fmt.Errorf("collection %q, record %q: %w", collection, x.ID, err)
			}
			d.Collection = collection
			return fn(d)
		}
	}
	for _, c := range p.Collections {
		if c.Action == Recreate {
			if err := p.eachOf(ctx, c.have.Tree, in(c.Name)); err != nil {
				return err
			}
		}
		if c.Action == Keep {
			continue
		}
		give := c.want.part.taking(ctx, toSnapshot, in(c.Name))
		if err := c.delta.Removed(ctx, give); err != nil {
			return err
		}
		if err := c.delta.Present(ctx, give); err != nil {
			return err
		}
	}
	if !drop {
		return nil
	}
	for _, name := range p.Extra {
		if err := p.eachOf(ctx, p.extra[name].Tree, in(name)); err != nil {
			return err
		}
	}
	return nil
}

// eachOf gives every record of a collection that goes.
func (p *Plan) eachOf(ctx context.Context, c tree.Collection, fn func(tree.Difference) error) error {
	delta, err := tree.Diff(ctx, p.reader, c, tree.Collection{})
	if err != nil {
		return err
	}
	return delta.Removed(ctx, fn)
}
