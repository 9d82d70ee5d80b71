package restore

import (
	"context"
	"fmt"

	"autochrome/chunk"
	"autochrome/filter"
	"autochrome/tree"
)

// part is what of a collection shall be brought back; nil: all of it. With a
// part the collection itself stays as it is: its description and its name are
// neither changed nor compared, and it is never dropped or made anew.
type part struct {
	ids  map[string]bool // nil: all records
	only tree.ColumnSet  // 0: all columns; else those of records that both sides have

	merge bool // records that the snapshot does not have stay

	// where selects records as the snapshot has them, and those that it does not
	// have as they are; nil: all.
	where *filter.Filter
}

// newPart gives what the options ask for.
func newPart(o Options) (*part, error) {
	if o.IDs == nil && len(o.Only) == 0 && o.Where == nil {
		return nil, nil
	}
	p := &part{where: o.Where}
	if o.IDs != nil {
		p.ids = make(map[string]bool, len(o.IDs))
		for _, id := range o.IDs {
			p.ids[id] = true
		}
	}
	for _, k := range o.Only {
		if !k.IsColumn() || k == chunk.IDs {
			return nil, fmt.Errorf("%v is no column that can be brought back by itself: those are embeddings, documents, metadatas and uris", k)
		}
		p.only |= 1 << k.Column()
	}
	return p, nil
}

// direction says which side of a difference is the snapshot.
type direction int

const (
	toSnapshot   direction = iota // from what is there to the snapshot: a plan
	fromSnapshot                  // from the snapshot to what is there: a comparison
)

// take says what of a difference is asked for.
func (p *part) take(ctx context.Context, x tree.Difference, d direction) (tree.Difference, bool, error) {
	if p == nil {
		return x, true, nil
	}
	if p.ids != nil && !p.ids[x.ID] {
		return x, false, nil
	}
	if p.merge && (x.Op == tree.Removed && d == toSnapshot || x.Op == tree.Added && d == fromSnapshot) {
		return x, false, nil
	}
	if p.only != 0 {
		if x.Columns &= p.only; x.Op != tree.Changed || x.Columns == 0 {
			return x, false, nil
		}
	}
	if p.where == nil {
		return x, true, nil
	}
	side := x.After
	if x.Op == tree.Removed || x.Op != tree.Added && d == fromSnapshot {
		side = x.Before
	}
	r, err := side(ctx, p.where.Kinds()...)
	return x, err == nil && p.where.Match(&r), err
}

// taking is fn for what of the differences is asked for.
func (p *part) taking(ctx context.Context, d direction, fn func(tree.Difference) error) func(tree.Difference) error {
	return func(x tree.Difference) error {
		x, ok, err := p.take(ctx, x, d)
		if err != nil || !ok {
			return err
		}
		return fn(x)
	}
}
