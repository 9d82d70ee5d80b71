package tree

import (
	"context"
	"slices"

	"autochrome/chunk"
)

// matched says where the base has the records of a new group.
type matched struct {
	spots []spot   // of each record
	whole *element // the base's group of the same ids in the same order, or nil
	// column gives a column of a group of the base by its number, and where it lies.
	column func(ctx context.Context, group int, kind chunk.Kind) (*chunk.Rows, []Run, error)
	// What the base says is stored may be lost. Where both are nil, nothing is.
	has  func(chunk.ID) bool // whether a chunk is stored
	lost func(error) bool    // what is an error of column and no reason to fail
	// Where recs is not nil, the whole group's records are these but for fresh
	// ones.
	recs  *chunk.Records
	fresh []int
}

// unchanged gives a column of the whole group where none of its fresh rows says
// anything new.
func (m *matched) unchanged(rows *chunk.Rows) (Column, bool) {
	if m.whole == nil || m.recs == nil {
		return Column{}, false
	}
	old := m.recs.Column(rows.Kind())
	if old.Dim() != rows.Dim() {
		return Column{}, false
	}
	for _, i := range m.fresh {
		if !rows.Equal(i, old, i) {
			return Column{}, false
		}
	}
	return m.whole.group.Columns[rows.Kind().Column()], true
}

// spot is a record's place in the base. Group -1: it is not there.
type spot struct{ group, row int }

// asIs gives the base's column where it says the same.
func (m *matched) asIs(k chunk.Kind, content chunk.ID) (Column, bool) {
	if m.whole == nil {
		return Column{}, false
	}
	c := m.whole.group.Columns[k.Column()]
	return c, c.Content == content
}

// stored reports whether rows can be referred to.
func (m *matched) stored(runs []Run) bool {
	return m.has == nil || !slices.ContainsFunc(runs, func(r Run) bool { return !m.has(r.Chunk) })
}

// origins says for each row of a new group's column where the base has the
// same row of the same record.
func (m *matched) origins(ctx context.Context, rows *chunk.Rows) ([]place, error) {
	out := make([]place, rows.Len())
	order := make([]int, 0, len(m.spots)) // group by group, so that each is read once
	for i, s := range m.spots {
		if s.group >= 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return m.spots[i].group - m.spots[j].group })
	at := -1
	var old *chunk.Rows // nil: lost
	var places []place
	for _, i := range order {
		s := m.spots[i]
		if s.group != at {
			var runs []Run
			var err error
			old, runs, err = m.column(ctx, s.group, rows.Kind())
			if err != nil && (m.lost == nil || !m.lost(err)) {
				return nil, err
			}
			if at = s.group; err != nil {
				old = nil
				continue
			}
			places = m.places(runs, places[:0])
		}
		if old != nil && len(places) > 0 && old.Dim() == rows.Dim() && rows.Equal(i, old, s.row) {
			out[i] = places[s.row]
		}
	}
	return out, nil
}

// places gives the place of each row of runs; none where its chunk is lost.
func (m *matched) places(runs []Run, dst []place) []place {
	n := 0
	for _, r := range runs {
		n += r.Count
	}
	dst = slices.Grow(dst, n)
	for i, r := range runs {
		if m.stored(runs[i : i+1]) {
			dst = spread(runs[i:i+1], dst)
		} else {
			dst = append(dst, make([]place, r.Count)...)
		}
	}
	return dst
}

// spread gives the place of each row of runs.
func spread(runs []Run, dst []place) []place {
	for _, r := range runs {
		for i := range r.Count {
			dst = append(dst, place{r.Chunk, r.First + i})
		}
	}
	return dst
}

// same gives the base's group where the new one says the same.
func (m *matched) same(logical chunk.ID) (element, bool) {
	if m.whole == nil || m.whole.logical != logical {
		return element{}, false
	}
	for _, c := range m.whole.group.Columns {
		if !m.stored(c.Runs) {
			return element{}, false
		}
	}
	return *m.whole, true
}
