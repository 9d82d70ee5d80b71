package tree

import (
	"context"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"autochrome/chunk"
)

// cacheSize bounds the decoded chunks that a Reader keeps, in bytes. Rows of
// one group lie in up to 32 chunks, and neighbours share them.
const cacheSize = 16 << 20

// Reader reads trees. It keeps the chunks it used last. It is not safe for
// concurrent use.
type Reader struct {
	loader  Loader
	cache   *simplelru.LRU[chunk.ID, decoded]
	size    int
	most    int // of size
	scratch []byte
	opened  *simplelru.LRU[chunk.ID, []element] // nodes by logical id; nil: none is kept
	recent  Recent                              // nil: there is none
	spare   *spareMemory                        // nil: what was given is the caller's for good
}

// decoded is a chunk's rows and the memory in which they lie.
type decoded struct {
	rows  *chunk.Rows
	bytes []byte
}

// NewReader gives a Reader over a store.
func NewReader(l Loader) *Reader {
	r := &Reader{loader: l, most: cacheSize}
	cache, err := simplelru.NewLRU(1<<20, func(_ chunk.ID, d decoded) {
		r.size -= d.cost()
		r.spare.put(d.rows.Kind(), d.bytes)
	})
	if err != nil {
		panic(err) // the count is positive
	}
	r.cache = cache
	return r
}

func (d decoded) cost() int { return cap(d.bytes) + 16*d.rows.Len() + 200 }

// Rows gives a chunk's rows, which the caller does not change.
func (r *Reader) Rows(ctx context.Context, id chunk.ID, kind chunk.Kind) (*chunk.Rows, error) {
	d, ok := r.cache.Get(id)
	if !ok {
		b, err := r.spare.load(ctx, r.loader, id)
		if err != nil {
			return nil, err
		}
		rows, err := chunk.DecodeRows(b)
		if err != nil {
			return nil, fmt.Errorf("chunk %v: %w", id, err)
		}
		d = decoded{rows, b}
		r.cache.Add(id, d)
		for r.size += d.cost(); r.size > r.most && r.cache.Len() > 1; {
			r.cache.RemoveOldest()
		}
	}
	if d.rows.Kind() != kind {
		return nil, fmt.Errorf("chunk %v: %w: holds %v where %v are expected", id, chunk.ErrCorrupt, d.rows.Kind(), kind)
	}
	return d.rows, nil
}

// runs gives the rows of several runs, in the memory of into where that is not
// nil. Where it is, those of a single run are given as they are cached: the
// caller does not change them.
func (r *Reader) runs(ctx context.Context, kind chunk.Kind, runs []Run, into *chunk.Rows) (*chunk.Rows, error) {
	out := into
	if out == nil {
		out = chunk.NewRows(kind, 0)
	}
	total := 0
	for _, run := range runs {
		total += min(max(run.Count, 0), chunk.MaxRows)
	}
	out.Reset(0)
	for _, run := range runs {
		// The content id of several runs together is checked.
		if len(runs) > 1 && r.recent != nil && !r.cache.Contains(run.Chunk) && r.recent.AppendTo(out, run) {
			continue
		}
		rows, err := r.Rows(ctx, run.Chunk, kind)
		if err != nil {
			return nil, err
		}
		if err := within(run, rows); err != nil {
			return nil, err
		}
		switch {
		case into == nil && len(runs) == 1:
			out.View(rows, run.First, run.Count)
			return out, nil
		case out.Len() == 0:
			out.Reset(rows.Dim())
			out.Grow(min(rows.Bytes()/rows.Len(), chunk.MaxSize/total) * total) // about, or a part of it
		case out.Dim() != rows.Dim():
			return nil, fmt.Errorf("chunk %v: %w: embeddings of %d and %d dimensions in one column",
				run.Chunk, chunk.ErrCorrupt, out.Dim(), rows.Dim())
		}
		out.AppendRows(rows, run.First, run.Count)
	}
	if out.Len() == 0 {
		return nil, fmt.Errorf("%w: %v without a place", chunk.ErrCorrupt, kind)
	}
	return out, nil
}

// within checks a run against the rows of its chunk.
func within(run Run, rows *chunk.Rows) error {
	if run.First < 0 || run.Count <= 0 || run.Count > rows.Len()-run.First {
		return fmt.Errorf("chunk %v: %w: a run of %d rows from %d on where there are %d",
			run.Chunk, chunk.ErrCorrupt, run.Count, run.First, rows.Len())
	}
	return nil
}

// Column gives one column of a group, and checks that its rows are what its
// content id says. The caller does not change it.
func (r *Reader) Column(ctx context.Context, g Group, kind chunk.Kind) (*chunk.Rows, error) {
	return r.column(ctx, g, kind, nil)
}

// column is Column in the memory of into, where that is not nil.
func (r *Reader) column(ctx context.Context, g Group, kind chunk.Kind, into *chunk.Rows) (*chunk.Rows, error) {
	c := g.Columns[kind.Column()]
	if c.Content.IsZero() {
		rows := into
		if rows == nil {
			rows = chunk.NewRows(kind, 0)
		}
		rows.Reset(0)
		for range g.Count {
			rows.AppendAbsent()
		}
		return rows, nil
	}
	rows, err := r.runs(ctx, kind, c.Runs, into)
	if err != nil {
		return nil, err
	}
	if c.whole(g.Count) && rows.Len() == g.Count {
		return rows, nil // its chunk's hash was checked
	}
	var id chunk.ID
	if id, r.scratch = rows.ContentID(r.loader.Hasher(), r.scratch); id != c.Content {
		if r.recent != nil {
			r.recent = nil // it is at fault, or the chunks are
			return r.column(ctx, g, kind, into)
		}
		return nil, fmt.Errorf("%w: the rows of %v up to %q are not those that were stored", chunk.ErrCorrupt, kind, g.Last)
	}
	return rows, nil
}

// Records gives the columns of a group. Without kinds, all of them; the others
// are absent throughout.
func (r *Reader) Records(ctx context.Context, g Group, kinds ...chunk.Kind) (*chunk.Records, error) {
	if len(kinds) == 0 {
		kinds = chunk.Columns[:]
	}
	recs := &chunk.Records{}
	for _, k := range kinds {
		rows, err := r.Column(ctx, g, k)
		if err != nil {
			return nil, err
		}
		recs.Columns[k.Column()] = rows
	}
	for i, k := range chunk.Columns {
		if recs.Columns[i] == nil {
			rows, err := r.Column(ctx, Group{Count: g.Count}, k)
			if err != nil {
				return nil, err
			}
			recs.Columns[i] = rows
		}
	}
	return recs, nil
}

// eachRow calls fn for each row of a run, with its place in the chunk.
func (r *Reader) eachRow(ctx context.Context, kind chunk.Kind, run Run, fn func(at int, row []byte) error) error {
	rows, err := r.Rows(ctx, run.Chunk, kind)
	if err != nil {
		return err
	}
	if err := within(run, rows); err != nil {
		return err
	}
	for at := run.First; at < run.First+run.Count; at++ {
		row, _ := rows.Row(at)
		if err := fn(at, row); err != nil {
			return err
		}
	}
	return nil
}

// Collections gives the entries of a root, and checks its logical id and what
// it counts.
func (r *Reader) Collections(ctx context.Context, root Root) ([]Collection, error) {
	var cs []Collection
	for _, run := range root.Runs {
		var err error
		if cs, err = r.appendCollections(ctx, cs, run); err != nil {
			return nil, err
		}
	}
	var records int64
	for _, c := range cs {
		records = min(records+c.Top.Count, chunk.MaxRecords+1)
	}
	if len(cs) != root.Collections || records != root.Records || logicalRoot(r.loader.Hasher(), cs) != root.Logical {
		return nil, fmt.Errorf("%w: the collections are not those that the snapshot names", chunk.ErrCorrupt)
	}
	return cs, nil
}

// appendCollections reads some entries of a root, also where it fails then. They
// are sorted, so no run can stand again and again and fill the memory.
func (r *Reader) appendCollections(ctx context.Context, cs []Collection, run Run) ([]Collection, error) {
	err := r.eachRow(ctx, chunk.Collections, run, func(_ int, row []byte) error {
		c, err := decodeCollection(row)
		if err != nil {
			return err
		}
		if n := len(cs); n > 0 && c.Compare(cs[n-1]) <= 0 {
			return fmt.Errorf("%w: collection %q stands behind %q", chunk.ErrCorrupt, c.Name, cs[n-1].Name)
		}
		cs = append(cs, c)
		return nil
	})
	return cs, err
}

// Description gives what a collection is.
func (r *Reader) Description(ctx context.Context, c Collection) (chunk.CollectionDescription, error) {
	b, err := r.loader.Load(ctx, c.Description)
	if err != nil {
		return chunk.CollectionDescription{}, err
	}
	d, err := chunk.DecodeDescription(b)
	if err != nil {
		return d, fmt.Errorf("chunk %v: %w", c.Description, err)
	}
	return d, nil
}

// node is a node's entry with its level and the position of its first record.
type node struct {
	Node
	level int
	start int64
}

// top gives the top node of a collection that has records.
func (c Collection) top() node { return node{c.Top, c.Height, 0} }

// kindAt is the kind of the entries of a level's nodes.
func kindAt(level int) chunk.Kind {
	if level == 1 {
		return chunk.Groups
	}
	return chunk.Nodes
}

// entries gives a node's children as elements that know where they lie, and
// checks the node's logical id. The caller does not change them.
func (r *Reader) entries(ctx context.Context, n node) ([]element, error) {
	if r.opened == nil {
		return r.readEntries(ctx, n)
	}
	if kept, ok := r.opened.Get(n.Logical); ok {
		return kept, nil
	}
	read, err := r.readEntries(ctx, n)
	if err == nil {
		r.opened.Add(n.Logical, read)
	}
	return read, err
}

func (r *Reader) readEntries(ctx context.Context, n node) ([]element, error) {
	out := make([]element, 0, n.Children)
	for _, run := range n.Runs {
		var err error
		if out, err = r.appendEntries(ctx, out, n.level, run); err != nil {
			return nil, err
		}
	}
	sum := int64(0)
	for _, e := range out {
		sum += e.count
	}
	if len(out) == 0 || len(out) != n.Children || sum != n.Count || out[len(out)-1].last != n.Last || logicalNode(r.loader.Hasher(), n.level, out) != n.Logical {
		return nil, fmt.Errorf("%w: the entries of a node up to %q are not those that were stored", chunk.ErrCorrupt, n.Last)
	}
	return out, nil
}

// appendEntries reads some entries of a node of a level.
func (r *Reader) appendEntries(ctx context.Context, out []element, level int, run Run) ([]element, error) {
	err := r.eachRow(ctx, kindAt(level), run, func(at int, row []byte) error {
		e := element{row: row, place: Run{Chunk: run.Chunk, First: at, Count: 1}}
		if level == 1 {
			g, err := decodeGroup(row)
			if err != nil {
				return err
			}
			e.group, e.logical, e.count, e.last = &g, g.Logical(r.loader.Hasher()), int64(g.Count), g.Last
		} else {
			c, err := decodeNode(row)
			if err != nil {
				return err
			}
			e.node, e.logical, e.count, e.last = &c, c.Logical, c.Count, c.Last
		}
		out = append(out, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// child gives element e of a node whose level is above 1 as a node.
func (e element) child(level int, start int64) node { return node{*e.node, level - 1, start} }

// Groups calls fn for each row group in order, with the position of its first
// record.
func (r *Reader) Groups(ctx context.Context, c Collection, fn func(start int64, g Group) error) error {
	if c.Height == 0 {
		return nil
	}
	return r.groups(ctx, c.top(), fn)
}

func (r *Reader) groups(ctx context.Context, n node, fn func(start int64, g Group) error) error {
	children, err := r.entries(ctx, n)
	if err != nil {
		return err
	}
	start := n.start
	for _, e := range children {
		if e.group != nil {
			err = fn(start, *e.group)
		} else {
			err = r.groups(ctx, e.child(n.level, start), fn)
		}
		if err != nil {
			return err
		}
		start += e.count
	}
	return nil
}
