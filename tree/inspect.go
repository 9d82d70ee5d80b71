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
	After string     // id of the last record of the row group or node before; "": it is the first
	Last  string     // id of the last record of the row group or node
	IDs   []string   // of the records, where they can be read
	Err   error
}

// Inspector walks trees without reading columns, and says what damage touches.
// A subtree that was found whole is not walked again, so many snapshots that
// share most cost little more than one. It is not safe for concurrent use.
type Inspector struct {
	r     *Reader
	state func(chunk.ID) error
	whole map[chunk.ID]struct{}
}

// NewInspector gives an Inspector. state says why a chunk cannot be had, or
// nil.
func NewInspector(l Loader, state func(chunk.ID) error) *Inspector {
	return &Inspector{NewReader(l), state, map[chunk.ID]struct{}{}}
}

// Collections is Reader.Collections.
func (i *Inspector) Collections(ctx context.Context, root Root) ([]Collection, error) {
	return i.r.Collections(ctx, root)
}

// Collection calls found for what a collection lacks, in the order of its
// records; found may stop the walk with an error, as it should where Err tells
// of no damage. Logical ids and counts of all entries are checked.
func (i *Inspector) Collection(ctx context.Context, c Collection, found func(Damage) error) error {
	err := i.state(c.Description)
	if err == nil {
		_, err = i.r.Description(ctx, c)
	}
	if err != nil {
		if err := found(Damage{Kind: chunk.Description, Err: err}); err != nil {
			return err
		}
	}
	if c.Height == 0 {
		return nil
	}
	_, err = i.node(ctx, c.top(), "", found)
	return err
}

// node reports whether all below a node is whole.
func (i *Inspector) node(ctx context.Context, n node, after string, found func(Damage) error) (whole bool, err error) {
	key := chunk.FileHash(n.append(nil))
	if _, ok := i.whole[key]; ok {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	children, err := i.r.entries(ctx, n)
	if err != nil {
		return false, found(Damage{Kind: kindAt(n.level), First: n.start, Count: n.Count, After: after, Last: n.Last, Err: err})
	}
	whole = true
	start := n.start
	for _, e := range children {
		var good bool
		if e.group != nil {
			good, err = i.group(ctx, start, *e.group, after, found)
		} else {
			good, err = i.node(ctx, e.child(n.level, start), after, found)
		}
		if err != nil {
			return false, err
		}
		whole = whole && good
		start += e.count
		after = e.last
	}
	if whole {
		i.whole[key] = struct{}{}
	}
	return whole, nil
}

func (i *Inspector) group(ctx context.Context, start int64, g Group, after string, found func(Damage) error) (whole bool, err error) {
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
	if len(all) == 0 {
		return true, nil
	}
	ids, err := i.r.Column(ctx, g, chunk.IDs)
	for _, d := range all {
		for at := d.First - start; err == nil && at < d.First-start+d.Count; at++ {
			row, _ := ids.Row(int(at))
			d.IDs = append(d.IDs, string(row))
		}
		if err := found(d); err != nil {
			return false, err
		}
	}
	return false, nil
}
