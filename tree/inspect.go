package tree

import (
	"context"

	"autochrome/chunk"
)

// Damage is what a collection lacks: a column of some of its records, or the
// part of its tree that says where they are.
type Damage struct {
	Kind  chunk.Kind // a column, or chunk.Description, or chunk.Groups or chunk.Nodes: all columns
	First int64      // position of the first record
	Count int64      // records
	After string     // id of the last record of the row group or node before; "": it is the first, or not known
	Last  string     // id of the last record of the row group or node; "": not known
	// Before is the id of the first record behind, where Last is not known; "":
	// not known either.
	Before string
	IDs    []string // of the records, where they can be read
	Err    error
}

// Inspector walks trees without reading columns, and says what damage touches.
// A subtree that was found whole is not walked again, so many snapshots that
// share most cost little more than one. It is not safe for concurrent use.
type Inspector struct {
	r       *Reader
	state   func(chunk.ID) error
	damaged func(error) bool
	whole   map[chunk.ID]struct{}
}

// NewInspector gives an Inspector. state says why a chunk cannot be had, or
// nil; damaged whether an error tells damage. Any other ends what it is about.
func NewInspector(l Loader, state func(chunk.ID) error, damaged func(error) bool) *Inspector {
	return &Inspector{NewReader(l), state, damaged, map[chunk.ID]struct{}{}}
}

// Collections is Reader.CollectionsLeft.
func (i *Inspector) Collections(ctx context.Context, root Root) (cs []Collection, lost int, err error) {
	return i.r.CollectionsLeft(ctx, root, i.damaged)
}

// Collection calls found for what a collection lacks, in the order of its
// records; found may stop the walk with an error. Logical ids and counts of all
// entries are checked.
func (i *Inspector) Collection(ctx context.Context, c Collection, found func(Damage) error) error {
	err := i.state(c.Description)
	if err == nil {
		_, err = i.r.Description(ctx, c)
	}
	if err != nil {
		if !i.damaged(err) {
			return err
		}
		if err := found(Damage{Kind: chunk.Description, Err: err}); err != nil {
			return err
		}
	}
	return i.Groups(ctx, c, found, func(start int64, g Group, after string) error { return i.lacks(ctx, start, g, after, found) })
}

// Groups calls lacking for each row group of a collection of which a chunk cannot
// be had, with the position of its first record and the id of the last one
// before it, and found for what of the tree cannot be read.
func (i *Inspector) Groups(ctx context.Context, c Collection, found func(Damage) error, lacking func(start int64, g Group, after string) error) error {
	if c.Height == 0 {
		return nil
	}
	w := &leftWalk{r: i.r, damaged: i.damaged, lost: found}
	w.whole = func(n node) bool { _, ok := i.whole[key(n)]; return ok }
	w.found = func(n node) { i.whole[key(n)] = struct{}{} }
	w.group = func(_ context.Context, start int64, g Group, after string) (bool, error) {
		for _, c := range g.Columns {
			for _, run := range c.Runs {
				if i.state(run.Chunk) != nil {
					return false, lacking(start, g, after)
				}
			}
		}
		return true, nil
	}
	_, err := w.node(ctx, c.top(), "")
	return err
}

func key(n node) chunk.ID { return chunk.FileHash(n.append(nil)) }

// lacks says what a row group lacks.
func (i *Inspector) lacks(ctx context.Context, start int64, g Group, after string, found func(Damage) error) error {
	var all []Damage
	for at, kind := range chunk.Columns {
		first := start
		for _, run := range g.Columns[at].Runs {
			if err := i.state(run.Chunk); err != nil {
				if n := len(all); n > 0 && all[n-1].Kind == kind && all[n-1].First+all[n-1].Count == first {
					all[n-1].Count += int64(run.Count)
				} else {
					all = append(all, Damage{Kind: kind, First: first, Count: int64(run.Count), After: after, Last: g.Last, Err: err})
				}
			}
			first += int64(run.Count)
		}
	}
	ids, err := i.r.Column(ctx, g, chunk.IDs)
	for _, d := range all {
		for at := d.First - start; err == nil && at < d.First-start+d.Count; at++ {
			row, _ := ids.Row(int(at))
			d.IDs = append(d.IDs, string(row))
		}
		if err := found(d); err != nil {
			return err
		}
	}
	return nil
}
