package tree

import (
	"context"

	"autochrome/chunk"
)

// Builder makes a collection's tree of records that come in the server's
// order. Its memory is bounded by a group, not by the collection.
type Builder struct {
	groups *groupMaker
	base   *base // nil: none
	tower  tower
	view   *chunk.Records // a group that lies in the records at hand
}

// NewBuilder builds a collection of dim components afresh: each column of each
// group becomes a chunk of its own.
func NewBuilder(store Store, dim int) *Builder {
	b := &Builder{tower: tower{store: store}, view: chunk.NewRecords(dim)}
	b.groups = newGroupMaker(store, dim, b.tower.add)
	return b
}

// NewBuilderOn builds a collection that refers to the rows which an earlier
// state of it has, wherever they are the same.
func NewBuilderOn(ctx context.Context, store Store, dim int, earlier Collection) (*Builder, error) {
	b := NewBuilder(store, dim)
	if earlier.Height == 0 {
		return b, nil
	}
	base, err := newBase(ctx, store, earlier)
	if err != nil {
		return nil, err
	}
	b.base, b.groups.match = base, base.match
	b.tower.refer, b.tower.known = true, base.node
	return b, nil
}

// SkipLost makes rows of the earlier state that cannot be read, with an error of
// which lost says so, count as rows that it does not have. Without it such an
// error ends the building.
func (b *Builder) SkipLost(lost func(error) bool) {
	if b.base != nil {
		b.base.lost = lost
	}
}

// Add takes the next records, whose ids are distinct throughout.
func (b *Builder) Add(ctx context.Context, recs *chunk.Records) error {
	if err := b.groups.fits(recs); err != nil {
		return err
	}
	first := 0
	for i := range recs.Len() {
		if !b.groups.cutter.Ends(recs.ID(i)) {
			continue
		}
		if err := b.end(ctx, recs, first, i+1-first); err != nil {
			return err
		}
		first = i + 1
	}
	b.groups.group.AppendRecords(recs, first, recs.Len()-first)
	return nil
}

// end ends a group with count records of recs from first on. One that has no
// others is made where they lie.
func (b *Builder) end(ctx context.Context, recs *chunk.Records, first, count int) error {
	if b.groups.group.Len() > 0 {
		b.groups.group.AppendRecords(recs, first, count)
		return b.groups.end(ctx)
	}
	b.view.View(recs, first, count)
	return b.groups.add(ctx, b.view)
}

// Finish gives the tree's height and top node; height 0 without records.
func (b *Builder) Finish(ctx context.Context) (height int, top Node, err error) {
	if err := b.groups.finish(ctx); err != nil {
		return 0, Node{}, err
	}
	return b.tower.finish(ctx)
}
