package snapshot

import (
	"bytes"
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// asked is what a source was asked for last.
type asked struct {
	src     Source
	of      string // server id of the collection; "": nothing
	ids     [][]byte
	records *chunk.Records
	rows    map[string]int // of records, by id
}

// read gets records by their ids, unless they are those that it got last: several
// columns of the same records are often lost together. A collection that is gone
// has none.
func (s *asked) read(ctx context.Context, live chunk.Collection, ids [][]byte) error {
	if s.of == live.ServerID && slices.EqualFunc(s.ids, ids, bytes.Equal) {
		return nil
	}
	s.of = ""
	s.records = chunk.NewRecords(live.Description.Dimension)
	if err := s.append(ctx, live.ServerID, ids); err != nil && !s.src.Gone(err) {
		return err
	}
	s.rows = make(map[string]int, s.records.Len())
	for i := range s.records.Len() {
		s.rows[string(s.records.ID(i))] = i
	}
	s.of, s.ids = live.ServerID, ids
	return nil
}

// append asks for records, for half of them at a time where they are too large.
func (s *asked) append(ctx context.Context, serverID string, ids [][]byte) error {
	var body bytes.Buffer
	err := s.src.Fetch(ctx, serverID, ids, &body)
	if s.src.TooLarge(err) && len(ids) > 1 {
		body = bytes.Buffer{}
		half := len(ids) / 2
		if err := s.append(ctx, serverID, ids[:half]); err != nil {
			return err
		}
		return s.append(ctx, serverID, ids[half:])
	}
	if err != nil {
		return err
	}
	return s.src.Decode(body.Bytes(), s.records)
}

// liveOf finds the collection of the database that a snapshot's is: by its server
// id, else by its name. It does not matter if it is another one.
func (l *Live) liveOf(snap repo.Snapshot, c tree.Collection) (live chunk.Collection, ok bool) {
	for _, info := range snap.Collections {
		if info.Name == c.Name {
			if live, ok := byServerID(l.collections, info.ServerID); ok {
				return live, true
			}
		}
	}
	at := slices.IndexFunc(l.collections, func(now chunk.Collection) bool { return now.Name == c.Name })
	if at < 0 {
		return live, false
	}
	return l.collections[at], true
}

// mender gives the Mend of a snapshot's collection: it takes what a group lacks
// of a column from the database, where the column has its content id then.
func (l *Live) mender(snap repo.Snapshot, c tree.Collection) tree.Mend {
	live, ok := l.liveOf(snap, c)
	if !ok {
		return nil
	}
	return func(ctx context.Context, g tree.Group, ids, rows *chunk.Rows, gone []tree.Damage) (*chunk.Rows, error) {
		dim := live.Description.Dimension
		if rows.Kind() == chunk.Embeddings && rows.Dim() != dim {
			return nil, nil
		}
		all := make([][]byte, g.Count)
		for i := range all {
			all[i], _ = ids.Row(i)
		}
		if err := l.read(ctx, live, all); err != nil {
			return nil, err
		}
		lacking := make([]bool, g.Count)
		for _, d := range gone {
			for i := d.First; i < d.First+d.Count; i++ {
				lacking[i] = true
			}
		}
		out := chunk.NewRows(rows.Kind(), dim)
		for i := range all {
			if !lacking[i] {
				out.AppendRows(rows, i, 1)
				continue
			}
			at, ok := l.rows[string(all[i])]
			if !ok {
				return nil, nil
			}
			out.AppendRows(l.records.Column(rows.Kind()), at, 1)
		}
		if content, _ := out.ContentID(l.hasher, nil); content != g.Columns[rows.Kind().Column()].Content {
			return nil, nil
		}
		return out, nil
	}
}
