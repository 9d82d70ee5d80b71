package tree

import (
	"context"
	"fmt"

	"autochrome/chunk"
)

// Salvage reads what can be read of a collection of dim components, in the order
// of its records: keep gets those of which every column can be had, and lost is
// told what the others lack, by column; what it is told may overlap. damaged
// says whether an error tells damage; any other ends it.
func (r *Reader) Salvage(ctx context.Context, c Collection, dim int, damaged func(error) bool, keep func(*chunk.Records) error, lost func(Damage) error) error {
	if c.Height == 0 {
		return nil
	}
	s := &salvage{r, dim, damaged, keep, lost}
	return s.node(ctx, c.top(), "")
}

type salvage struct {
	r       *Reader
	dim     int
	damaged func(error) bool
	keep    func(*chunk.Records) error
	lost    func(Damage) error
}

func (s *salvage) node(ctx context.Context, n node, after string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	children, err := s.r.entries(ctx, n)
	if err != nil {
		if !s.damaged(err) {
			return err
		}
		return s.lost(Damage{Kind: kindAt(n.level), First: n.start, Count: n.Count, After: after, Last: n.Last, Err: err})
	}
	start := n.start
	for _, e := range children {
		if e.group != nil {
			err = s.group(ctx, start, *e.group, after)
		} else {
			err = s.node(ctx, e.child(n.level, start), after)
		}
		if err != nil {
			return err
		}
		start += e.count
		after = e.last
	}
	return nil
}

func (s *salvage) group(ctx context.Context, start int64, g Group, after string) error {
	recs, failed := s.r.Records(ctx, g)
	if failed == nil {
		return s.keep(recs)
	}
	if !s.damaged(failed) {
		return failed
	}
	recs = chunk.NewRecords(s.dim)
	lacks := make([]bool, g.Count)
	var all []Damage
	for at, kind := range chunk.Columns {
		gone, err := s.column(ctx, g, kind, recs.Columns[at])
		if err != nil {
			return err
		}
		for _, d := range gone {
			d.After, d.Last = after, g.Last
			all = append(all, d)
			for i := d.First; i < d.First+d.Count; i++ {
				lacks[i] = true
			}
		}
	}
	if len(all) == 0 { // each chunk is right, and together they are not the group
		return s.lost(Damage{Kind: chunk.Groups, First: start, Count: int64(g.Count), After: after, Last: g.Last, Err: failed})
	}
	for _, d := range all {
		for i := d.First; i < d.First+d.Count; i++ {
			if id, ok := recs.Column(chunk.IDs).Row(int(i)); ok {
				d.IDs = append(d.IDs, string(id))
			}
		}
		d.First += start
		if err := s.lost(d); err != nil {
			return err
		}
	}
	rest := chunk.NewRecords(s.dim)
	for i, lacking := range lacks {
		if !lacking {
			rest.AppendRecords(recs, i, 1)
		}
	}
	if rest.Len() == 0 {
		return nil
	}
	return s.keep(rest)
}

// column reads a column into rows, absent ones where they cannot be read, and
// gives which these are, as positions in the group.
func (s *salvage) column(ctx context.Context, g Group, kind chunk.Kind, rows *chunk.Rows) (gone []Damage, err error) {
	if g.Columns[kind.Column()].Content.IsZero() {
		for range g.Count {
			rows.AppendAbsent()
		}
		return nil, nil
	}
	for _, run := range g.Columns[kind.Column()].Runs {
		some, err := s.r.runs(ctx, kind, []Run{run})
		if err == nil && some.Dim() != rows.Dim() {
			err = fmt.Errorf("chunk %v: %w: embeddings of %d dimensions in a collection of %d", run.Chunk, chunk.ErrCorrupt, some.Dim(), rows.Dim())
		}
		if err == nil {
			rows.AppendRows(some, 0, run.Count)
			continue
		}
		if !s.damaged(err) {
			return nil, err
		}
		gone = append(gone, Damage{Kind: kind, First: int64(rows.Len()), Count: int64(run.Count), Err: err})
		for range run.Count {
			rows.AppendAbsent()
		}
	}
	return gone, nil
}
