package restore

import (
	"cmp"
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// maxRounds is how often records are read again before they are written over.
// Each round keeps what changed while the last one was made durable, so that
// there is another one only where somebody writes to the same records all the
// time.
const maxRounds = 5

// seen is a record as it was found last.
type seen struct {
	recs *chunk.Records // nil: it is not there
	row  int
}

// keepRecords reads the records that are about to be deleted or overwritten,
// and keeps those that are not as they were planned to be found. The changes
// then start from what was found.
func (s *Supplement) keepRecords(ctx context.Context, t Target, name string, live chunk.Collection, todo []pending) error {
	r := newReread(t, live, todo)
	for round := 1; ; round++ {
		late, err := r.read(ctx)
		if err != nil || len(late) == 0 {
			return err
		}
		if s.strict {
			e := &WritingError{Collection: live.Name, Records: len(late)}
			for _, l := range late {
				e.IDs = append(e.IDs, l.named.ID)
			}
			return e
		}
		if err := s.keep(ctx, name, live.Description.Dimension, late); err != nil {
			return err
		}
		if round == maxRounds {
			s.late.Unsettled += len(late)
			return nil
		}
	}
}

// keep makes a supplement with records as they were found.
func (s *Supplement) keep(ctx context.Context, name string, dim int, late []lateRecord) error {
	c, err := s.tree(ctx, name)
	if err != nil {
		return err
	}
	slices.SortFunc(late, func(a, b lateRecord) int { return cmp.Compare(a.from, b.from) })
	splices, gone := splicesOf(late, s.gone[name])
	changed := *c
	err = s.repo.Write(ctx, func(w *repo.Writer) error {
		var err error
		if changed.Height, changed.Top, err = tree.Apply(ctx, w, *c, dim, splices); err != nil {
			return err
		}
		return s.save(ctx, w, changed)
	})
	if err != nil {
		return err
	}
	s.gone[name] = gone
	for _, l := range late {
		s.note(1, l.named)
	}
	return nil
}

// splicesOf puts records, in the order of their positions in the state before,
// into a tree that has all of its records but those at gone. It gives the
// positions that are gone afterwards.
func splicesOf(late []lateRecord, gone []int64) ([]tree.Splice, []int64) {
	var splices []tree.Splice
	after := slices.Clone(gone)
	for _, l := range late {
		before, was := slices.BinarySearch(gone, l.from)
		sp := tree.Splice{At: l.from - int64(before), Insert: l.whole}
		if !was {
			sp.Remove = 1
		}
		at, is := slices.BinarySearch(after, l.from)
		switch {
		case l.whole == nil && !is:
			after = slices.Insert(after, at, l.from)
		case l.whole != nil && is:
			after = slices.Delete(after, at, at+1)
		}
		if sp.Remove > 0 || sp.Insert != nil {
			splices = append(splices, sp)
		}
	}
	return splices, after
}

// lateRecord is one that is not as it was seen.
type lateRecord struct {
	from  int64          // position in the state before
	whole *chunk.Records // the record alone; nil: it is not there
	named Difference
}

// reread reads the same records again and again.
type reread struct {
	target Target
	live   chunk.Collection
	todo   []pending
	seen   []seen
	ids    [][]byte
	at     map[string]int // place in todo
}

func newReread(t Target, live chunk.Collection, todo []pending) *reread {
	r := &reread{target: t, live: live, todo: todo, at: make(map[string]int, len(todo))}
	had := r.records()
	for i, p := range todo {
		had.Append(*p.Have)
		r.seen = append(r.seen, seen{had, i})
		r.ids = append(r.ids, []byte(p.Have.ID))
		r.at[p.Have.ID] = i
	}
	return r
}

func (r *reread) records() *chunk.Records { return chunk.NewRecords(r.live.Description.Dimension) }

// read gives the records that are neither as they were seen nor as they shall
// be, and makes the changes start from what is there now. All columns count,
// also those that are not overwritten: what somebody wrote is a whole record.
func (r *reread) read(ctx context.Context) ([]lateRecord, error) {
	recs := r.records()
	if err := r.target.ReadColumns(ctx, r.live.ServerID, r.ids, chunk.Columns[:], recs); err != nil {
		return nil, err
	}
	now := make([]seen, len(r.todo))
	for row := range recs.Len() {
		if i, ok := r.at[string(recs.ID(row))]; ok {
			now[i] = seen{recs, row}
		}
	}
	var late []lateRecord
	for i, is := range now {
		was := r.seen[i]
		r.seen[i] = is
		fields := differing(was, is)
		if len(fields) == 0 {
			continue
		}
		l := lateRecord{from: r.todo[i].from, named: Difference{Collection: r.live.Name, ID: string(r.ids[i]), What: tree.Removed.String()}}
		if is.recs != nil {
			l.whole = r.records()
			l.whole.AppendRecords(recs, is.row, 1)
			l.named.What = tree.Changed.String()
			if was.recs != nil {
				l.named.Fields = fields
			}
			have, err := recs.Record(is.row)
			if err != nil {
				return nil, err
			}
			r.todo[i].startFrom(have)
		}
		if !r.holds(r.todo[i].Want, is) {
			late = append(late, l)
		}
	}
	return late, nil
}

// differing names the columns in which two states of a record differ.
func differing(a, b seen) (names []string) {
	if a.recs == nil && b.recs == nil {
		return nil
	}
	for _, k := range chunk.Columns {
		if a.recs == nil || b.recs == nil || !a.recs.Column(k).Equal(a.row, b.recs.Column(k), b.row) {
			names = append(names, k.String())
		}
	}
	return names
}

// holds reports whether a record is as it is wanted: then the snapshot that is
// brought back has it.
func (r *reread) holds(wanted *chunk.Record, is seen) bool {
	want := seen{}
	if wanted != nil {
		want.recs = r.records()
		want.recs.Append(*wanted)
	}
	return len(differing(is, want)) == 0
}
