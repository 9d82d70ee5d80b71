package tree

import (
	"context"
	"fmt"
	"sync"

	"autochrome/chunk"
)

// groupMaker makes row groups of records, and hands each on when the chunks
// that its rows went to are closed.
type groupMaker struct {
	store   Store
	cutter  *chunk.Cutter
	group   *chunk.Records // of the group being filled
	gathers [chunk.NumColumns]*gather
	waiting []waitingGroup
	made    int
	// match finds the records of a group in the base; nil: there is no base.
	match func(ctx context.Context, recs *chunk.Records, ids chunk.ID) (*matched, error)
	emit  func(context.Context, element) error
}

// waitingGroup is a group whose runs may not be known yet, or one of the base.
type waitingGroup struct {
	done   element
	group  Group
	pieces [chunk.NumColumns][]piece
}

// groupRecords are what groups are filled in; collections take turns with them.
var groupRecords = sync.Pool{New: func() any { return chunk.NewRecords(0) }}

func newGroupMaker(store Store, dim int, emit func(context.Context, element) error) *groupMaker {
	m := &groupMaker{store: store, cutter: store.Hasher().Cutter(0), group: groupRecords.Get().(*chunk.Records), emit: emit}
	m.group.Reset(dim)
	for i, k := range chunk.Columns {
		m.gathers[i] = newGather(store, k, dim)
	}
	return m
}

// fits refuses embeddings of another dimension.
func (m *groupMaker) fits(recs *chunk.Records) error {
	have, want := recs.Column(chunk.Embeddings), m.group.Column(chunk.Embeddings)
	if have.Dim() != want.Dim() && !have.AllAbsent() {
		return fmt.Errorf("embeddings of %d dimensions in a collection of %d", have.Dim(), want.Dim())
	}
	return nil
}

// end makes a group of the records at hand.
func (m *groupMaker) end(ctx context.Context) error {
	if m.group.Len() == 0 {
		return nil
	}
	if err := m.add(ctx, m.group); err != nil {
		return err
	}
	m.group.Reset(m.gathers[0].dim)
	return nil
}

// add makes a group of records.
func (m *groupMaker) add(ctx context.Context, recs *chunk.Records) error {
	m.cutter.Reset()
	w, err := m.place(ctx, recs)
	if err != nil {
		return err
	}
	m.made++
	m.waiting = append(m.waiting, w)
	if len(m.waiting) >= maxWaiting {
		return m.flush(ctx)
	}
	return m.drain(ctx)
}

// place stores what is new of a group.
func (m *groupMaker) place(ctx context.Context, recs *chunk.Records) (w waitingGroup, err error) {
	w.group = Group{Count: recs.Len(), Last: string(recs.ID(recs.Len() - 1))}
	h := m.store.Hasher()
	var found *matched
	for i, rows := range recs.Columns {
		if found != nil {
			if c, ok := found.unchanged(rows); ok {
				w.group.Columns[i].Content, w.pieces[i] = c.Content, asPieces(c.Runs)
				continue
			}
		}
		g := m.gathers[i]
		var content chunk.ID
		content, g.head = rows.ContentID(h, g.head)
		w.group.Columns[i].Content = content
		if m.match != nil && i == 0 {
			if found, err = m.match(ctx, recs, content); err != nil {
				return w, err
			}
		}
		var origins []place
		if found != nil {
			c, same := found.asIs(rows.Kind(), content)
			if same && found.stored(c.Runs) {
				w.pieces[i] = asPieces(c.Runs)
				continue
			}
			// A chunk of just this column that is lost is stored again as it was, so
			// that earlier snapshots have it again too.
			if !same || !c.whole(recs.Len()) {
				if origins, err = found.origins(ctx, rows); err != nil {
					return w, err
				}
			}
		}
		if w.pieces[i], err = placeRows(ctx, g, rows, content, origins); err != nil {
			return w, err
		}
	}
	if found != nil {
		if e, ok := found.same(w.group.Logical(h)); ok {
			w.done = e
		}
	}
	return w, nil
}

func asPieces(runs []Run) []piece {
	out := make([]piece, len(runs))
	for i, r := range runs {
		out[i].Run = r
	}
	return out
}

// finish ends the last group and hands on all that wait. Nothing may follow.
func (m *groupMaker) finish(ctx context.Context) error {
	if err := m.end(ctx); err != nil {
		return err
	}
	groupRecords.Put(m.group)
	m.group = nil
	return m.flush(ctx)
}

// flush stores the open chunks, so that all groups can be handed on.
func (m *groupMaker) flush(ctx context.Context) error {
	for _, g := range m.gathers {
		if err := g.close(ctx); err != nil {
			return err
		}
	}
	return m.drain(ctx)
}

// drain hands on the groups at the front of the queue whose runs are known.
func (m *groupMaker) drain(ctx context.Context) error {
	for len(m.waiting) > 0 {
		w := m.waiting[0]
		if w.done.group == nil {
			for i := range w.pieces {
				runs, ok := resolve(w.pieces[i])
				if !ok {
					return nil
				}
				w.group.Columns[i].Runs = runs
			}
			w.done = groupElement(m.store.Hasher(), w.group)
		}
		m.waiting = m.waiting[1:]
		if err := m.emit(ctx, w.done); err != nil {
			return err
		}
	}
	return nil
}
