package tree

import (
	"context"
	"math"

	"autochrome/chunk"
)

// Removed calls fn for each record that only a has, in a's order.
func (d *Delta) Removed(ctx context.Context, fn func(Difference) error) error {
	if err := d.loose.run(ctx); err != nil {
		return err
	}
	return d.loose.unmatched(ctx, func(g groupRef, row int, id string) error {
		at := g.start + int64(row)
		return fn(Difference{
			Op: Removed, ID: id, From: at, At: at, delta: d,
			inA: location{g.start, row, g.count},
		})
	})
}

// Present calls fn for each record of b that a does not have, or has
// otherwise, in b's order.
func (d *Delta) Present(ctx context.Context, fn func(Difference) error) error {
	w := &walk{delta: d, fn: fn, equal: d.equal, next: 0}
	for i, g := range d.onlyB {
		err := w.passEqual(ctx, g.start)
		if err != nil {
			return err
		}
		if j := d.pair[i]; j >= 0 {
			err = w.pair(ctx, d.onlyA[j], g)
		} else {
			err = w.loose(ctx, i, g)
		}
		if err != nil {
			return err
		}
	}
	return w.passEqual(ctx, math.MaxInt64)
}

// walk goes through b in order.
type walk struct {
	delta *Delta
	fn    func(Difference) error
	equal []span
	next  int64 // position in a behind the last record that kept its order
}

// passEqual passes over what both sides have before position b of b.
func (w *walk) passEqual(ctx context.Context, b int64) error {
	for len(w.equal) > 0 && w.equal[0].b < b {
		s := w.equal[0]
		w.equal = w.equal[1:]
		if s.a >= w.next {
			w.next = s.a + s.count
		} else if err := w.movedSpan(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// movedSpan reports the records of groups that both sides have in another
// order.
func (w *walk) movedSpan(ctx context.Context, s span) error {
	d := w.delta
	for done := int64(0); done < s.count; {
		g, err := d.a.at(ctx, s.a+done)
		if err != nil {
			return err
		}
		ids, err := g.column(ctx, chunk.IDs)
		if err != nil {
			return err
		}
		for row := range g.Count {
			id, _ := ids.Row(row)
			x := Difference{
				Op: Moved, ID: string(id), From: s.a + done + int64(row), At: w.next, delta: d,
				inA: location{s.a + done, row, g.Count}, inB: location{s.b + done, row, g.Count},
			}
			if err := w.fn(x); err != nil {
				return err
			}
		}
		done += int64(g.Count)
	}
	return nil
}

// pair compares two groups that hold the same ids in the same order: only the
// columns whose contents differ are loaded.
func (w *walk) pair(ctx context.Context, ra, rb groupRef) error {
	ga, err := w.delta.a.at(ctx, ra.start)
	if err != nil {
		return err
	}
	gb, err := w.delta.b.at(ctx, rb.start)
	if err != nil {
		return err
	}
	moved := ra.start < w.next
	differ := make([]ColumnSet, rb.count)
	for i, k := range chunk.Columns {
		if ga.Columns[i].Content == gb.Columns[i].Content {
			continue
		}
		a, err := ga.column(ctx, k)
		if err != nil {
			return err
		}
		b, err := gb.column(ctx, k)
		if err != nil {
			return err
		}
		for row := range differ {
			if !a.Equal(row, b, row) {
				differ[row] |= 1 << i
			}
		}
	}
	ids, err := gb.column(ctx, chunk.IDs)
	if err != nil {
		return err
	}
	for row, columns := range differ {
		if columns == 0 && !moved {
			continue
		}
		id, _ := ids.Row(row)
		x := Difference{
			Op: Changed, ID: string(id), Columns: columns, Moved: moved, delta: w.delta,
			From: ra.start + int64(row), At: ra.start + int64(row),
			inA: location{ra.start, row, ra.count}, inB: location{rb.start, row, rb.count},
		}
		if columns == 0 {
			x.Op, x.Moved = Moved, false
		}
		if moved {
			x.At = w.next
		}
		if err := w.fn(x); err != nil {
			return err
		}
	}
	if !moved {
		w.next = ra.start + int64(ra.count)
	}
	return nil
}

// loose compares the records of a group without a pair with those of the same
// ids, wherever a has them.
func (w *walk) loose(ctx context.Context, i int, rb groupRef) error {
	d := w.delta
	found, err := d.loose.group(ctx, i)
	if err != nil {
		return err
	}
	gb, err := d.b.at(ctx, rb.start)
	if err != nil {
		return err
	}
	ids, err := gb.column(ctx, chunk.IDs)
	if err != nil {
		return err
	}
	for row := range ids.Len() {
		f := foundAt{group: -1}
		if found != nil {
			f = found[row]
		}
		id, _ := ids.Row(row)
		x := Difference{Op: Added, ID: string(id), From: -1, At: w.next, delta: d, inB: location{rb.start, row, rb.count}}
		if f.group >= 0 {
			ra := d.onlyA[f.group]
			x.From = ra.start + int64(f.row)
			x.inA = location{ra.start, int(f.row), ra.count}
			if x.Columns, err = d.compare(ctx, ra, int(f.row), gb, row); err != nil {
				return err
			}
			kept := x.From >= w.next
			switch {
			case kept:
				w.next = x.From + 1
				x.At = x.From
				if x.Columns == 0 {
					continue
				}
				x.Op = Changed
			case x.Columns == 0:
				x.Op = Moved
			default:
				x.Op, x.Moved = Changed, true
			}
		}
		if err := w.fn(x); err != nil {
			return err
		}
	}
	return nil
}

// compare gives the columns in which a record differs. Rows that lie in the
// same place are the same without a look at them.
func (d *Delta) compare(ctx context.Context, ra groupRef, rowA int, gb *foundGroup, rowB int) (set ColumnSet, err error) {
	ga, err := d.a.at(ctx, ra.start)
	if err != nil {
		return 0, err
	}
	for i, k := range chunk.Columns {
		if k == chunk.IDs {
			continue
		}
		if at, ok := placeOf(ga.Columns[i].Runs, rowA); ok {
			if bt, _ := placeOf(gb.Columns[i].Runs, rowB); at == bt {
				continue
			}
		}
		a, err := ga.column(ctx, k)
		if err != nil {
			return 0, err
		}
		b, err := gb.column(ctx, k)
		if err != nil {
			return 0, err
		}
		if !a.Equal(rowA, b, rowB) {
			set |= 1 << i
		}
	}
	return set, nil
}

// placeOf says where a row of runs lies; false where there are no runs.
func placeOf(runs []Run, row int) (place, bool) {
	for _, r := range runs {
		if row < r.Count {
			return place{r.Chunk, r.First + row}, true
		}
		row -= r.Count
	}
	return place{}, false
}
