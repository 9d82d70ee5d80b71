package guard

import (
	"cmp"
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/tree"
)

// collection is one of the guarded database's, as the last point has it.
type collection struct {
	live   chunk.Collection
	tree   tree.Collection
	places *places
	order  order
	base   *tree.Collection // what the run began with; nil: it was not there
	losses losses

	// foreign: others made it while the run was going on, and it is not the run's to
	// drop.
	foreign bool
}

// newCollection finds the places of a collection's records. base is what the
// run began with, of which it counts losses; nil: it was not there.
func newCollection(ctx context.Context, r *tree.Reader, live chunk.Collection, now tree.Collection, base *tree.Collection) (*collection, error) {
	about := now.Top.Count
	if base != nil {
		about = max(about, base.Top.Count)
	}
	p, err := newPlaces(about)
	if err != nil {
		return nil, err
	}
	c := &collection{live: live, tree: now, places: p, base: base}
	if base != nil {
		c.losses.base = base.Top.Count
		err = eachRecord(ctx, r, *base, func(id []byte, now flags) error {
			pl := place{flags: ofBase | lost}
			if now&document != 0 {
				pl.flags |= hadDocument
			}
			c.losses.lost++
			return p.put(id, pl)
		})
	}
	if err == nil {
		err = eachRecord(ctx, r, now, func(id []byte, now flags) error {
			pl, err := p.find(id)
			if err != nil {
				return err
			}
			pl.number = c.order.append()
			c.losses.note(&pl, now)
			return p.put(id, pl)
		})
	}
	if err != nil {
		_ = p.close() // the first error says more
		return nil, err
	}
	return c, nil
}

// eachRecord calls fn with the id of each record, and what it has. Vectors are
// not looked at: a record that has none is named as damage where it is captured.
func eachRecord(ctx context.Context, r *tree.Reader, c tree.Collection, fn func(id []byte, now flags) error) error {
	return r.Groups(ctx, c, func(_ int64, g tree.Group) error {
		recs, err := r.Records(ctx, g, chunk.IDs, chunk.Documents)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			now := present | vector
			if _, ok := recs.Column(chunk.Documents).Row(i); ok {
				now |= document
			}
			if err := fn(recs.ID(i), now); err != nil {
				return err
			}
		}
		return nil
	})
}

// touched is a record that a write named, and what became of it.
type touched struct {
	id  []byte
	row int // in what was read back; -1: it is not there
	place
}

// touch finds the places of the records that a write named; now is what of
// them is there. The records come in the order of now, those that are not there
// behind them.
func (c *collection) touch(ids []string, now *chunk.Records) ([]touched, error) {
	rows := make(map[string]int, now.Len())
	for i := range now.Len() {
		rows[string(now.ID(i))] = i
	}
	seen := make(map[string]bool, len(ids))
	var out []touched
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		t := touched{id: []byte(id), row: -1}
		if row, ok := rows[id]; ok {
			t.row = row
		}
		var err error
		if t.place, err = c.places.find(t.id); err != nil {
			return nil, err
		}
		if t.row >= 0 || t.flags&present != 0 {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b touched) int { return cmp.Compare(uint(a.row), uint(b.row)) })
	return out, nil
}

// splices turns what became of records into changes of the tree.
func (c *collection) splices(ts []touched, now *chunk.Records) []tree.Splice {
	var out []tree.Splice
	added := chunk.NewRecords(now.Column(chunk.Embeddings).Dim())
	for _, t := range ts {
		if t.flags&present == 0 {
			added.AppendRecords(now, t.row, 1)
			continue
		}
		s := tree.Splice{At: c.order.position(t.number), Remove: 1}
		if t.row >= 0 {
			s.Insert = chunk.NewRecords(now.Column(chunk.Embeddings).Dim())
			s.Insert.AppendRecords(now, t.row, 1)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b tree.Splice) int { return cmp.Compare(a.At, b.At) })
	if added.Len() > 0 {
		out = append(out, tree.Splice{At: c.order.count, Insert: added})
	}
	return out
}

// settle notes what became of records, once the tree has it.
func (c *collection) settle(ts []touched, now *chunk.Records) error {
	for _, t := range ts {
		is := flags(0)
		if t.row >= 0 {
			is = present
			if _, ok := now.Column(chunk.Documents).Row(t.row); ok {
				is |= document
			}
			if _, ok := now.Column(chunk.Embeddings).Row(t.row); ok {
				is |= vector
			}
		}
		switch was := t.flags&present != 0; {
		case was && is == 0:
			c.order.remove(t.number)
		case !was && is != 0:
			t.number = c.order.append()
		}
		c.losses.note(&t.place, is)
		if err := c.places.put(t.id, t.place); err != nil {
			return err
		}
	}
	return nil
}
