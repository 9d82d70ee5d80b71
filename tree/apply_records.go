package tree

import (
	"bytes"
	"context"

	"autochrome/chunk"
)

// regroupRecords makes the row groups anew where records changed.
func (a *applier) regroupRecords(ctx context.Context, dim int, splices []Splice) ([]patch, error) {
	var all []element
	m := newGroupMaker(a.store, dim, func(_ context.Context, e element) error { all = append(all, e); return nil })
	for _, g := range m.gathers {
		g.recent = a.reader.recent
	}
	r := &recutter{applier: a, maker: m}
	m.match = r.match
	var out []patch
	for len(splices) > 0 {
		cur, err := a.reader.seek(ctx, a.base, 0, splices[0].At)
		if err != nil {
			return nil, err
		}
		p, made := patch{from: -1}, m.made
		r.groups, r.last, r.gone = nil, -1, map[string]spot{}
		for {
			e, start, ok, err := cur.next(ctx)
			if err != nil {
				return nil, err
			}
			if !ok {
				for ; len(splices) > 0; splices = splices[1:] {
					if err := r.insert(ctx, splices[0].Insert); err != nil {
						return nil, err
					}
				}
				if err := r.end(ctx); err != nil {
					return nil, err
				}
				p.to = a.base.Top.Count
				break
			}
			if p.from < 0 {
				p.from = start
			}
			if splices, err = r.group(ctx, e, start, splices); err != nil {
				return nil, err
			}
			pos := start + e.count
			if m.group.Len() == 0 && r.skip <= pos && pos < a.base.Top.Count && (len(splices) == 0 || splices[0].At >= pos) {
				p.to = pos
				break
			}
		}
		p.made = m.made - made
		out = append(out, p)
	}
	if err := m.flush(ctx); err != nil {
		return nil, err
	}
	return deal(out, all), nil
}

// recutter feeds records to a groupMaker and remembers where each comes from.
type recutter struct {
	*applier
	maker  *groupMaker
	groups []element // of the base, as they were read
	last   int       // number of the group whose records are recs
	recs   *chunk.Records
	spots  []spot          // of the records in maker.group
	fresh  []int           // those of them that were inserted
	skip   int64           // records before this position are removed
	gone   map[string]spot // removed records, by id

	// While the ids of the group at hand are the first ones of a group of the
	// base, it ends where that one ends, and nothing is hashed to find out.
	like  *chunk.Rows // the ids of the base's group; nil: there is none
	alike int         // how many are the same so far
}

// group feeds one group of the base with the splices that fall into it.
func (r *recutter) group(ctx context.Context, e element, start int64, splices []Splice) ([]Splice, error) {
	n := len(r.groups)
	r.groups = append(r.groups, e)
	if r.skip >= start+e.count && (len(splices) == 0 || splices[0].At >= start+e.count) {
		return splices, nil // removed as a whole
	}
	r.catchUp()
	recs, err := r.records(ctx, *e.group)
	if err != nil {
		return nil, err
	}
	if err := r.maker.fits(recs); err != nil {
		return nil, err
	}
	r.last, r.recs = n, recs
	if r.maker.group.Len() == 0 && start+e.count < r.base.Top.Count { // the last group ends without a cut
		r.like, r.alike = recs.Column(chunk.IDs), 0
	}
	for row, end := 0, recs.Len(); row < end; {
		pos, to := start+int64(row), end
		if len(splices) > 0 {
			to = int(min(int64(end), splices[0].At-start))
		}
		switch {
		case pos < r.skip:
			row = int(min(int64(end), r.skip-start))
		case row < to:
			if err := r.add(ctx, recs, row, to, func(i int) spot { return spot{n, i} }); err != nil {
				return nil, err
			}
			row = to
		default:
			s := splices[0]
			splices = splices[1:]
			r.skip = pos + s.Remove
			for i := row; i < end && start+int64(i) < r.skip; i++ {
				r.gone[string(recs.ID(i))] = spot{n, i}
			}
			if s.Insert != nil && s.Insert.Len() > 0 {
				if err := r.lookAhead(ctx, start+e.count); err != nil {
					return nil, err
				}
			}
			if err := r.insert(ctx, s.Insert); err != nil {
				return nil, err
			}
		}
	}
	return splices, nil
}

// lookAhead notes the records from pos up to skip, which are removed in later
// groups.
func (r *recutter) lookAhead(ctx context.Context, pos int64) error {
	if pos >= r.skip {
		return nil
	}
	cur, err := r.reader.seek(ctx, r.base, 0, pos)
	if err != nil {
		return err
	}
	for {
		e, start, ok, err := cur.next(ctx)
		if err != nil || !ok || start >= r.skip {
			return err
		}
		ids, err := r.applier.column(ctx, *e.group, chunk.IDs)
		if err != nil {
			return err
		}
		for i := 0; i < ids.Len() && start+int64(i) < r.skip; i++ {
			id, _ := ids.Row(i)
			r.gone[string(id)] = spot{len(r.groups), i}
		}
		r.groups = append(r.groups, e)
	}
}

// insert feeds new records. One that takes the place of a removed record of
// the same id may refer to the columns that did not change.
func (r *recutter) insert(ctx context.Context, recs *chunk.Records) error {
	if recs == nil {
		return nil
	}
	if err := r.maker.fits(recs); err != nil {
		return err
	}
	return r.add(ctx, recs, 0, recs.Len(), func(i int) spot {
		r.fresh = append(r.fresh, len(r.spots))
		if at, ok := r.gone[string(recs.ID(i))]; ok {
			return at
		}
		return spot{group: -1}
	})
}

// add feeds the records [first, to) of recs, which come from where from says.
func (r *recutter) add(ctx context.Context, recs *chunk.Records, first, to int, from func(i int) spot) error {
	for i := first; i < to; i++ {
		r.spots = append(r.spots, from(i))
		if r.ends(recs.ID(i)) {
			r.maker.group.AppendRecords(recs, first, i+1-first)
			first = i + 1
			if err := r.end(ctx); err != nil {
				return err
			}
		}
	}
	r.maker.group.AppendRecords(recs, first, to-first)
	return nil
}

// ends reports whether a group ends after the record that comes next.
func (r *recutter) ends(id []byte) bool {
	if r.like != nil {
		if next, _ := r.like.Row(r.alike); bytes.Equal(next, id) {
			r.alike++
			return r.alike == r.like.Len()
		}
		r.catchUp()
	}
	return r.maker.cutter.Ends(id)
}

// catchUp hands the cutter the ids that it did not need to see so far.
func (r *recutter) catchUp() {
	if r.like == nil {
		return
	}
	for i := range r.alike {
		id, _ := r.like.Row(i)
		r.maker.cutter.Ends(id) // no group ends here: none did in the base
	}
	r.like = nil
}

func (r *recutter) end(ctx context.Context) error {
	err := r.maker.end(ctx)
	r.spots, r.fresh, r.like = r.spots[:0], r.fresh[:0], nil
	return err
}

// match gives where the records of the group at hand come from.
func (r *recutter) match(_ context.Context, _ *chunk.Records, ids chunk.ID) (*matched, error) {
	m := &matched{column: r.origin, spots: r.spots}
	if at := r.spots[0].group; at >= 0 && r.groups[at].group.Columns[0].Content == ids {
		m.whole = &r.groups[at]
		if at == r.last {
			m.recs, m.fresh = r.recs, r.fresh
		}
	}
	return m, nil
}

// origin gives a column of one of the groups. That of the last one is at hand
// mostly.
func (r *recutter) origin(ctx context.Context, group int, kind chunk.Kind) (*chunk.Rows, []Run, error) {
	g := *r.groups[group].group
	runs := g.Columns[kind.Column()].Runs
	if group == r.last {
		return r.recs.Column(kind), runs, nil
	}
	rows, err := r.applier.column(ctx, g, kind)
	return rows, runs, err
}
