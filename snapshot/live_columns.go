package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// wanted is a chunk of a column that is lost.
type wanted struct {
	id    chunk.ID
	kind  chunk.Kind
	where []*whereabouts // by collection of the database
	lives map[string]*whereabouts
	named string // a snapshot's name of the collection
}

// whereabouts says which of a collection's records a chunk's rows are.
type whereabouts struct {
	live   chunk.Collection
	places []place
	rows   int    // up to the end of the last one that a place has
	known  []bool // by row
}

// place is a run of a chunk in a row group.
type place struct {
	group tree.Group
	first int // in the group
	run   chunk.Run
}

func (w *whereabouts) add(p place) {
	if end := p.run.First + p.run.Count; end > len(w.known) {
		w.known = append(w.known, make([]bool, end-len(w.known))...)
		w.rows = end
	}
	if !slices.Contains(w.known[p.run.First:p.run.First+p.run.Count], false) {
		return
	}
	for i := p.run.First; i < p.run.First+p.run.Count; i++ {
		w.known[i] = true
	}
	w.places = append(w.places, p)
}

// seeker looks for lost columns.
type seeker struct {
	*Live
	reader *tree.Reader
	wanted map[chunk.ID]*wanted
	order  []*wanted
	lists  map[string][]tree.Group // groups whose ids are lost, by server id
}

// columns looks for lost columns by the ids of their records.
func (l *Live) columns(ctx context.Context) error {
	s := &seeker{Live: l, reader: tree.NewReader(l.scratch), wanted: map[chunk.ID]*wanted{}, lists: map[string][]tree.Group{}}
	for _, snap := range l.losses.List {
		if err := s.look(ctx, snap); err != nil {
			return err
		}
	}
	if err := s.listIDs(ctx); err != nil {
		return err
	}
	for i, w := range s.order {
		l.progress(i, len(s.order))
		if err := s.fill(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// look finds out which records the rows of lost chunks are, in one snapshot.
func (s *seeker) look(ctx context.Context, snap repo.Snapshot) error {
	i := s.inspector(ctx)
	cs, _, err := i.Collections(ctx, snap.Root)
	if s.harmless(ctx, err) != nil {
		return err
	}
	for _, c := range cs {
		live, ok := s.liveOf(snap, c)
		err := i.Groups(ctx, c, func(tree.Damage) error { return nil }, func(_ int64, g tree.Group, _ string) error {
			s.group(c.Name, live, ok, g)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// group notes what a row group lacks.
func (s *seeker) group(name string, live chunk.Collection, ok bool, g tree.Group) {
	for at, kind := range chunk.Columns {
		first := 0
		for _, run := range g.Columns[at].Runs {
			if _, lost := s.losses.Chunks[run.Chunk]; lost {
				s.want(name, live, ok, kind, place{g, first, run})
			}
			first += run.Count
		}
	}
}

func (s *seeker) want(name string, live chunk.Collection, ok bool, kind chunk.Kind, p place) {
	w := s.wanted[p.run.Chunk]
	if w == nil {
		w = &wanted{id: p.run.Chunk, kind: kind, lives: map[string]*whereabouts{}, named: name}
		s.wanted[w.id] = w
		s.order = append(s.order, w)
	}
	if !ok {
		return
	}
	of := w.lives[live.ServerID]
	if of == nil {
		of = &whereabouts{live: live}
		w.lives[live.ServerID] = of
		w.where = append(w.where, of)
	}
	before := len(of.places)
	of.add(p)
	if kind == chunk.IDs && len(of.places) > before {
		s.lists[live.ServerID] = append(s.lists[live.ServerID], p.group)
	}
}

// listIDs lists the ids of collections, for groups whose ids are lost: those of
// its records are the ones up to its last. Where they are, they are kept.
func (s *seeker) listIDs(ctx context.Context) error {
	for serverID, groups := range s.lists {
		ends := map[string][]tree.Group{}
		for _, g := range groups {
			ends[g.Last] = append(ends[g.Last], g)
		}
		var last [chunk.MaxGroup][]byte // a ring
		n := 0
		err := s.src.IDs(ctx, serverID, func(id []byte) error {
			at := n % len(last)
			last[at] = append(last[at][:0], id...)
			n++
			for _, g := range ends[string(id)] {
				if g.Count > n {
					continue
				}
				rows := chunk.NewRows(chunk.IDs, 0)
				for i := n - g.Count; i < n; i++ {
					rows.Append(last[i%len(last)])
				}
				content := g.Columns[chunk.IDs.Column()].Content
				b := rows.AppendCanonical(nil)
				if s.scratch.Hasher().ID(b) == content && s.keeper(content) == nil {
					if err := s.scratch.Save(ctx, content, b); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil && !s.src.Gone(err) {
			return err
		}
	}
	return nil
}

// ids gives the ids of a group's records, nil where nobody knows them.
func (s *seeker) ids(ctx context.Context, g tree.Group) (*chunk.Rows, error) {
	rows, err := s.reader.Column(ctx, g, chunk.IDs)
	if err == nil || !s.damaged(ctx)(err) {
		return rows, err
	}
	content := g.Columns[chunk.IDs.Column()].Content
	if s.keeper(content) == nil {
		return nil, nil
	}
	return s.reader.Rows(ctx, content, chunk.IDs)
}

// fill makes a chunk of what the database has.
func (s *seeker) fill(ctx context.Context, w *wanted) error {
	out := Sought{Kind: w.kind, Collection: w.named, Why: "Chroma has no such collection", id: w.id}
	if s.keeper(w.id) != nil { // made with a tree
		out.Found, out.Why = true, ""
	}
	for _, where := range w.where {
		ids, err := s.idsOf(ctx, where)
		if err != nil {
			return err
		}
		known := slices.DeleteFunc(slices.Clone(ids), func(id []byte) bool { return id == nil })
		out.Rows = len(ids)
		if len(known) > 0 {
			out.First, out.Last = string(known[0]), string(known[len(known)-1])
		}
		switch {
		case out.Found:
		case len(known) < len(ids):
			out.Why = fmt.Sprintf("of %d of its %d records the ids are not known", len(ids)-len(known), len(ids))
		default:
			if out.Why, err = s.make(ctx, w, where, ids); err != nil {
				return err
			}
			out.Found = out.Why == ""
		}
		if out.Found {
			break
		}
	}
	s.sought = append(s.sought, out)
	return nil
}

// idsOf gives the id of each row of a chunk, nil where it is not known.
func (s *seeker) idsOf(ctx context.Context, w *whereabouts) ([][]byte, error) {
	out := make([][]byte, w.rows)
	for _, p := range w.places {
		ids, err := s.ids(ctx, p.group)
		if err != nil {
			return nil, err
		}
		for i := 0; ids != nil && i < p.run.Count; i++ {
			id, _ := ids.Row(p.first + i)
			out[p.run.First+i] = bytes.Clone(id)
		}
	}
	return out, nil
}

// make makes a chunk of the rows of these ids and keeps it if it is the one that
// is lost. Otherwise it says why it is not.
func (s *seeker) make(ctx context.Context, w *wanted, where *whereabouts, ids [][]byte) (why string, err error) {
	rows := chunk.NewRows(w.kind, where.live.Description.Dimension)
	gone := 0
	for page := range slices.Chunk(ids, chunk.MaxGroup) {
		if w.kind == chunk.IDs {
			for _, id := range page {
				rows.Append(id)
			}
			continue
		}
		if err := s.read(ctx, where.live, page); err != nil {
			return "", err
		}
		for _, id := range page {
			if at, ok := s.rows[string(id)]; ok {
				rows.AppendRows(s.records.Column(w.kind), at, 1)
			} else {
				gone++
			}
		}
	}
	if gone > 0 {
		return fmt.Sprintf("%d of its %d records are not in Chroma any more", gone, len(ids)), nil
	}
	b := rows.AppendCanonical(nil)
	if s.scratch.Hasher().ID(b) != w.id {
		return "not all of it is in Chroma as it was", nil
	}
	return "", s.scratch.Save(ctx, w.id, b)
}
