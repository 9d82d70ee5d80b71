package restore

import (
	"fmt"

	"autochrome/chunk"
	"autochrome/tree"
)

// part is what of a collection shall be brought back; nil: all of it. With a
// part the collection itself stays as it is: its description and its name are
// neither changed nor compared, and it is never dropped or made anew.
type part struct {
	ids  map[string]bool // nil: all records
	only tree.ColumnSet  // 0: all columns; else those of records that both sides have
}

// newPart gives what the options ask for.
func newPart(o Options) (*part, error) {
	if o.IDs == nil && len(o.Only) == 0 {
		return nil, nil
	}
	p := &part{}
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

// take says what of a difference is asked for.
func (p *part) take(x tree.Difference) (tree.Difference, bool) {
	if p == nil {
		return x, true
	}
	if p.ids != nil && !p.ids[x.ID] {
		return x, false
	}
	if p.only == 0 {
		return x, true
	}
	x.Columns &= p.only
	return x, x.Op == tree.Changed && x.Columns != 0
}

// taking is fn for what of the differences is asked for.
func (p *part) taking(fn func(tree.Difference) error) func(tree.Difference) error {
	return func(x tree.Difference) error {
		if x, ok := p.take(x); ok {
			return fn(x)
		}
		return nil
	}
}
