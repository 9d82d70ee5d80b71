package restore

import (
	"context"
	"fmt"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// planPart is planCollection for a part. A collection that has another name
// now keeps it; one that is missing is created for records that the snapshot
// has of it.
func planPart(ctx context.Context, r *tree.Reader, w Wanted, have *snapshot.Captured) (CollectionPlan, error) {
	c := CollectionPlan{Name: w.Tree.Name, Action: Keep, want: w, have: have}
	before := tree.Collection{}
	switch {
	case have != nil:
		before = have.Tree
		c.Name = have.Collection.Name
		c.want.Tree.Name = c.Name
	case w.part.only != 0:
		c.Reason = "it is missing, and single columns are brought back to records that are there"
		return c, nil
	}
	var err error
	if c.delta, err = tree.Diff(ctx, r, before, w.Tree); err != nil {
		return c, err
	}
	if err := c.count(ctx); err != nil {
		return c, err
	}
	switch {
	case c.Added+c.Updated+c.Deleted == 0:
		return c, nil
	case have == nil:
		c.Action = Create
		return c, nil
	}
	c.Action = Change
	now, then := have.Collection.Description.Dimension, w.Description.Dimension
	if now != 0 && then != 0 && now != then && (c.Added > 0 || c.Columns[chunk.Embeddings.String()] > 0) {
		return c, fmt.Errorf("it has %d dimensions now and had %d in the snapshot, so single vectors of it cannot be brought back; roll back the whole collection, or other columns only", now, then)
	}
	return c, nil
}
