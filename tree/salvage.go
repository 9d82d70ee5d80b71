package tree

import (
	"context"
	"fmt"

	"autochrome/chunk"
)

// Salvage reads what can be read of a collection of dim components, in the order
// of its records: keep gets those of which every column can be had, and lost is
// told what the others lack, by column; what it is told may overlap. The result
// counts the others. damaged says whether an error tells damage; any other ends
// it. mend gives a column of a group of which not all can be read, nil where it
// cannot; a nil one knows none. It is given what can be read, with absent rows
// between, and the group's ids.
func (r *Reader) Salvage(ctx context.Context, c Collection, dim int, damaged func(error) bool, mend Mend, keep func(*chunk.Records) error, lost func(Damage) error) (lacking int64, err error) {
	if c.Height == 0 {
		return 0, nil
	}
	s := &salvage{r: r, damaged: damaged, mend: mend, lost: lost}
	gap := func(d Damage) error {
		lacking += d.Count
		return lost(d)
	}
	w := &leftWalk{r: r, damaged: damaged, lost: gap, group: func(ctx context.Context, start int64, g Group, after string) (bool, error) {
		recs, lacks, err := s.group(ctx, start, g, after, dim)
		if err != nil {
			return false, err
		}
		if lacks == nil {
			return true, keep(recs)
		}
		rest := chunk.NewRecords(dim)
		for i, is := range lacks {
			if !is {
				rest.AppendRecords(recs, i, 1)
			}
		}
		if lacking += int64(g.Count - rest.Len()); rest.Len() == 0 {
			return false, nil
		}
		return false, keep(rest)
	}}
	_, err = w.node(ctx, c.top(), "")
	return lacking, err
}

// Verify reads every chunk that a collection needs, decodes it, and checks that
// the rows are those that were stored. lost and damaged are those of Salvage;
// lost is also told of a description. group is called for each row group that
// was found, with how many of its records lack something.
func Verify(ctx context.Context, r *Reader, c Collection, damaged func(error) bool, group func(g Group, lacking int), lost func(Damage) error) error {
	if _, err := r.Description(ctx, c); err != nil {
		if !damaged(err) {
			return err
		}
		if err := lost(Damage{Kind: chunk.Description, Err: err}); err != nil {
			return err
		}
	}
	if c.Height == 0 {
		return nil
	}
	s := &salvage{r: r, damaged: damaged, lost: lost}
	w := &leftWalk{r: r, damaged: damaged, lost: lost, group: func(ctx context.Context, start int64, g Group, after string) (bool, error) {
		_, lacks, err := s.group(ctx, start, g, after, -1)
		if err != nil {
			return false, err
		}
		lacking := 0
		for _, is := range lacks {
			if is {
				lacking++
			}
		}
		group(g, lacking)
		return lacks == nil, nil
	}}
	_, err := w.node(ctx, c.top(), "")
	return err
}

// Mend makes a column whole: see Reader.Salvage. What it gives has the column's
// content id.
type Mend func(ctx context.Context, g Group, ids, rows *chunk.Rows, gone []Damage) (*chunk.Rows, error)

type salvage struct {
	r       *Reader
	damaged func(error) bool
	mend    Mend
	lost    func(Damage) error
}

// group reads the records of a group. Where not all can be read lacks says of
// which a column cannot, which is absent then, and lost is told. A dimension
// below zero: that of the rows.
func (s *salvage) group(ctx context.Context, start int64, g Group, after string, dim int) (recs *chunk.Records, lacks []bool, err error) {
	recs, failed := s.r.Records(ctx, g)
	if failed == nil {
		failed = lastIs(recs.Column(chunk.IDs), g.Last)
	}
	if failed == nil {
		return recs, nil, nil
	}
	if !s.damaged(failed) {
		return nil, nil, failed
	}
	if dim < 0 {
		dim = s.dim(ctx, g)
	}
	recs = chunk.NewRecords(dim)
	lacks = make([]bool, g.Count)
	var all []Damage
	lacksIDs, mended := false, false
	for at, kind := range chunk.Columns {
		gone, err := s.column(ctx, g, kind, recs.Columns[at])
		if err != nil {
			return nil, nil, err
		}
		if len(gone) > 0 && s.mend != nil && kind != chunk.IDs && !lacksIDs {
			rows, err := s.mend(ctx, g, recs.Columns[0], recs.Columns[at], gone)
			if err != nil {
				return nil, nil, err
			}
			if rows != nil {
				recs.Columns[at], gone, mended = rows, nil, true
			}
		}
		lacksIDs = lacksIDs || kind == chunk.IDs && len(gone) > 0
		for _, d := range gone {
			d.After, d.Last = after, g.Last
			all = append(all, d)
			for i := d.First; i < d.First+d.Count; i++ {
				lacks[i] = true
			}
		}
	}
	if len(all) == 0 && mended {
		return recs, nil, nil
	}
	if len(all) == 0 { // each chunk is right, and together they are not the group
		for i := range lacks {
			lacks[i] = true
		}
		return recs, lacks, s.lost(Damage{Kind: chunk.Groups, First: start, Count: int64(g.Count), After: after, Last: g.Last, Err: failed})
	}
	for _, d := range all {
		for i := d.First; i < d.First+d.Count; i++ {
			if id, ok := recs.Column(chunk.IDs).Row(int(i)); ok {
				d.IDs = append(d.IDs, string(id))
			}
		}
		d.First += start
		if err := s.lost(d); err != nil {
			return nil, nil, err
		}
	}
	return recs, lacks, nil
}

// lastIs checks that a group's entry names its last record.
func lastIs(ids *chunk.Rows, last string) error {
	if row, _ := ids.Row(ids.Len() - 1); string(row) != last {
		return fmt.Errorf("%w: the last record is %q, and its entry names %q", chunk.ErrCorrupt, row, last)
	}
	return nil
}

// dim gives the dimension of the first embeddings of a group that can be read.
func (s *salvage) dim(ctx context.Context, g Group) int {
	for _, run := range g.Columns[chunk.Embeddings.Column()].Runs {
		if rows, err := s.r.Rows(ctx, run.Chunk, chunk.Embeddings); err == nil {
			return rows.Dim()
		}
	}
	return 1 // nobody uses it
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
		some, err := s.r.runs(ctx, kind, []Run{run}, nil)
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
