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
	base   *state // what the run began with; nil: it was not there
	losses losses

	// foreign: others made it while the run was going on, and it is not the run's to
	// drop.
	foreign bool
}

// state is a collection as it was captured.
type state struct {
	tree.Collection
	damaged bool // there are records without a whole vector in it, or may be
}

// newCollection finds the places of a collection's records. base is what the
// run began with, of which it counts losses; nil: it was not there.
func newCollection(ctx context.Context, r *tree.Reader, live chunk.Collection, now state, base *state) (*collection, error) {
	about := now.Top.Count
	if base != nil {
		about = max(about, base.Top.Count)
	}
	p, err := newPlaces(about)
	if err != nil {
		return nil, err
	}
	c := &collection{live: live, tree: now.Collection, places: p, base: base}
	if base != nil {
		c.losses.base = base.Top.Count
		err = eachRecord(ctx, r, *base, func(id []byte, now flags) error {
			pl := place{flags: ofBase | lost}
			if now&document != 0 {
				pl.flags |= hadDocument
			}
			if now&vector != 0 {
				pl.flags |= hadVector
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
// looked at only where some are damaged.
func eachRecord(ctx context.Context, r *tree.Reader, s state, fn func(id []byte, now flags) error) error {
	columns := []chunk.Kind{chunk.IDs, chunk.Documents}
	if s.damaged {
		columns = append(columns, chunk.Embeddings)
	}
	return r.Groups(ctx, s.Collection, func(_ int64, g tree.Group) error {
		recs, err := r.Records(ctx, g, columns...)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			now := flagsOf(recs, i)
			if !s.damaged {
				now |= vector
			}
			if err := fn(recs.ID(i), now); err != nil {
				return err
			}
		}
		return nil
	})
}

// flagsOf says what record i has.
func flagsOf(recs *chunk.Records, i int) flags {
	is := present
	if _, ok := recs.Column(chunk.Documents).Row(i); ok {
		is |= document
	}
	if recs.Damage(i) == "" {
		is |= vector
	}
	return is
}

// touched is a record that a write named, and what became of it.
type touched struct {
	id  []byte
	row int // in what was read back; -1: it is not there
	place
}

// distinct gives each id where it comes first, as Chroma takes those of a request.
func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// touch finds the places of the records that a write named, each once; now is what
// of them is there. The records come in the order of now, those that are not there
// behind them.
func (c *collection) touch(ids []string, now *chunk.Records) ([]touched, error) {
	rows := make(map[string]int, now.Len())
	for i := range now.Len() {
		rows[string(now.ID(i))] = i
	}
	var out []touched
	for _, id := range ids {
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
			is = flagsOf(now, t.row)
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
