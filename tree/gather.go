package tree

import (
	"context"
	"fmt"

	"autochrome/chunk"
	"autochrome/internal/reuse"
)

// gatherRows is how many rows a gathered chunk holds at least where there are
// that many, as many as a row group: a chunk of few wide rows would cost as
// much directory as it saves.
const gatherRows = 160

// piece is a run whose chunk may still be open.
type piece struct {
	Run
	open *openChunk // nil: Run.Chunk is known
}

// openChunk is a chunk that still takes rows. Its id is known when it closes.
type openChunk struct{ id chunk.ID }

// gather collects new rows of one kind, across groups, into chunks.
type gather struct {
	store Store
	dim   int
	rows  *chunk.Rows
	open  *openChunk
	runs  int    // of the open chunk
	head  []byte // what a content id is made in

	recent Recent // nil: there is none
}

// canonicalBuffers are what the canonical bytes of chunks are made in: all
// collections and columns take turns with few, since new memory costs more than
// what is done in it.
var canonicalBuffers reuse.Buffers

func newGather(store Store, kind chunk.Kind, dim int) *gather {
	return &gather{store: store, dim: dim, rows: chunk.NewRows(kind, dim)}
}

// add takes count rows and says where they will lie.
func (g *gather) add(ctx context.Context, dst []piece, rows *chunk.Rows, first, count int) ([]piece, error) {
	for i := first; i < first+count; i++ {
		row, _ := rows.Row(i)
		if g.rows.Len() > 0 && g.rows.Bytes()+len(row) > chunk.MaxSize-chunk.MaxSize/64 {
			if err := g.close(ctx); err != nil {
				return nil, err
			}
		}
		if g.open == nil {
			g.open, g.runs = &openChunk{}, 0
			g.rows.Reset(g.dim)
		}
		at := g.rows.Len()
		g.rows.AppendRows(rows, i, 1)
		if n := len(dst); n > 0 && dst[n-1].open == g.open && dst[n-1].First+dst[n-1].Count == at {
			dst[n-1].Count++
		} else {
			dst = append(dst, piece{Run{First: at, Count: 1}, g.open})
			g.runs++
		}
		if g.rows.Bytes() >= chunk.TargetSize && g.rows.Len() >= gatherRows || g.rows.Len() >= chunk.MaxRows {
			if err := g.close(ctx); err != nil {
				return nil, err
			}
		}
	}
	return dst, nil
}

// close stores the open chunk, if there is one.
func (g *gather) close(ctx context.Context) error {
	if g.open == nil {
		return nil
	}
	buf := canonicalBuffers.Get()
	defer canonicalBuffers.Put(buf)
	*buf = g.rows.AppendCanonical((*buf)[:0])
	id := g.store.Hasher().ID(*buf)
	if !g.store.Has(id) {
		if err := save(ctx, g.store, id, g.rows, *buf); err != nil {
			return err
		}
	}
	if g.recent != nil && g.rows.Len() <= scattered*g.runs {
		g.recent.Add(id, g.rows)
	}
	g.open.id = id
	g.open = nil
	return nil
}

// save stores rows with their canonical bytes. Ids that stand twice are refused
// here, not when the chunk is read.
func save(ctx context.Context, store Store, id chunk.ID, rows *chunk.Rows, canonical []byte) error {
	if rows.Kind() == chunk.IDs {
		if id, ok := rows.Twice(); ok {
			return fmt.Errorf("record %q stands twice", id)
		}
	}
	return store.Save(ctx, id, canonical)
}

// resolve gives the runs of pieces, and false while one lies in an open chunk.
func resolve(pieces []piece) ([]Run, bool) {
	var runs []Run
	for _, p := range pieces {
		if p.open != nil {
			if p.open.id.IsZero() {
				return nil, false
			}
			p.Run.Chunk = p.open.id
		}
		runs = appendRun(runs, p.Run)
	}
	return runs, true
}

// placeRows stores what is new of rows and says where they lie. content is the
// rows' content id.
// origins gives the place of each row, or is nil where there is nothing to
// refer to: then the rows become a chunk of their own, so that two first
// snapshots of the same data share every chunk.
func placeRows(ctx context.Context, g *gather, rows *chunk.Rows, content chunk.ID, origins []place) (pieces []piece, err error) {
	n := rows.Len()
	switch {
	case content.IsZero():
		return nil, nil
	case g.store.Has(content):
		return []piece{{Run: Run{Chunk: content, Count: n}}}, nil
	case origins == nil:
		return saveWhole(ctx, g, rows, content)
	}
	condense(rows.Kind(), origins, rows.Bytes())
	for i := 0; i < n; {
		j := i + 1
		if o := origins[i]; !o.chunk.IsZero() {
			for j < n && origins[j] == (place{o.chunk, o.row + j - i}) {
				j++
			}
			pieces = append(pieces, piece{Run: Run{Chunk: o.chunk, First: o.row, Count: j - i}})
		} else {
			for j < n && origins[j].chunk.IsZero() {
				j++
			}
			if pieces, err = g.add(ctx, pieces, rows, i, j-i); err != nil {
				return nil, err
			}
		}
		i = j
	}
	return pieces, nil
}

// saveWhole stores rows as chunks of their own: one, or as many as MaxSize asks
// for. Canonical bytes are longer than the rows, so for many rows that are too
// long together they are not even made.
func saveWhole(ctx context.Context, g *gather, rows *chunk.Rows, content chunk.ID) ([]piece, error) {
	n := rows.Len()
	if n == 1 || rows.Bytes() <= chunk.MaxSize {
		buf := canonicalBuffers.Get()
		defer canonicalBuffers.Put(buf)
		*buf = rows.AppendCanonical((*buf)[:0])
		if n == 1 || len(*buf) <= chunk.MaxSize {
			return []piece{{Run: Run{Chunk: content, Count: n}}}, save(ctx, g.store, content, rows, *buf)
		}
	}
	own := newGather(g.store, rows.Kind(), g.dim)
	var pieces []piece
	for i := range n {
		var err error
		if pieces, err = own.add(ctx, pieces, rows, i, 1); err != nil {
			return nil, err
		}
	}
	return pieces, own.close(ctx)
}
