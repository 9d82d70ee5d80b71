package tree

import (
	"context"
	"fmt"

	"autochrome/chunk"
)

// leftWalk goes through all row groups of a collection that can be found, past
// entries that cannot be read.
type leftWalk struct {
	r       *Reader
	damaged func(error) bool // whether an error tells damage; any other ends the walk
	whole   func(n node) bool
	// group reports whether a row group is whole. after is the id of the last
	// record before it, "" where that is not known.
	group func(ctx context.Context, start int64, g Group, after string) (whole bool, err error)
	lost  func(Damage) error
	found func(n node) // all below n is whole
}

// remnant is an entry of a node, or a gap of some that cannot be read.
type remnant struct {
	element       // of a gap only the count
	gap     int   // entries; 0: it is none
	err     error // of a gap
}

func (w *leftWalk) node(ctx context.Context, n node, after string) (whole bool, err error) {
	if w.whole != nil && w.whole(n) {
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	left, err := w.remnants(ctx, n)
	if err != nil {
		return false, err
	}
	whole = true
	start := n.start
	for i, e := range left {
		good := false
		switch {
		case e.gap > 0:
			d := Damage{Kind: kindAt(n.level), First: start, Count: e.count, After: after, Err: e.err}
			if i == len(left)-1 {
				d.Last = n.Last
			} else {
				d.Before = w.firstID(ctx, left[i+1].element, n.level)
			}
			err = w.lost(d)
		case e.group != nil:
			good, err = w.group(ctx, start, *e.group, after)
		default:
			good, err = w.node(ctx, e.child(n.level, start), after)
		}
		if err != nil {
			return false, err
		}
		whole = whole && good
		start += e.count
		after = e.last
	}
	if whole && w.found != nil {
		w.found(n)
	}
	return whole, nil
}

// remnants gives what can be read of a node's entries. A node of which nothing
// can be read is one gap. Its records are counted; where there are several gaps
// only their sum is known, and it is parted by the number of entries.
func (w *leftWalk) remnants(ctx context.Context, n node) ([]remnant, error) {
	entries, failed := w.r.entries(ctx, n)
	if failed == nil {
		out := make([]remnant, len(entries))
		for i, e := range entries {
			out[i].element = e
		}
		return out, nil
	}
	if !w.damaged(failed) {
		return nil, failed
	}
	var out []remnant
	records, lost := n.Count, 0
	for _, run := range n.Runs {
		some, err := w.r.appendEntries(ctx, nil, n.level, run)
		if err != nil && !w.damaged(err) {
			return nil, err
		}
		for _, e := range some {
			records -= e.count
			out = append(out, remnant{element: e})
		}
		if err == nil {
			continue
		}
		lost += run.Count
		if k := len(out); k > 0 && out[k-1].gap > 0 {
			out[k-1].gap += run.Count
		} else {
			out = append(out, remnant{gap: run.Count, err: err})
		}
	}
	if lost == 0 || records < int64(lost) || lost == n.Children {
		return []remnant{{element: element{count: n.Count, last: n.Last}, gap: n.Children, err: failed}}, nil
	}
	for i := range out {
		if gap := out[i].gap; gap > 0 {
			out[i].count = records * int64(gap) / int64(lost)
			records -= out[i].count
			lost -= gap
		}
	}
	out[len(out)-1].last = n.Last
	return out, nil
}

// firstID gives the id of the first record below an entry of a level's node, ""
// where it cannot be read.
func (w *leftWalk) firstID(ctx context.Context, e element, level int) string {
	for e.group == nil {
		level--
		below, err := w.r.entries(ctx, node{*e.node, level, 0})
		if err != nil {
			return ""
		}
		e = below[0]
	}
	ids, err := w.r.Column(ctx, *e.group, chunk.IDs)
	if err != nil {
		return ""
	}
	id, _ := ids.Row(0)
	return string(id)
}

// CollectionsLeft gives what can be read of a root's entries, and how many
// cannot. It is Collections where all can.
func (r *Reader) CollectionsLeft(ctx context.Context, root Root, damaged func(error) bool) (cs []Collection, lost int, err error) {
	cs, err = r.Collections(ctx, root)
	if err == nil || !damaged(err) {
		return cs, 0, err
	}
	failed := err
	for _, run := range root.Runs {
		if cs, err = r.appendCollections(ctx, cs, run); err != nil && !damaged(err) {
			return nil, 0, err
		}
	}
	if lost = root.Collections - len(cs); lost <= 0 {
		return nil, root.Collections, fmt.Errorf("%w: %v", chunk.ErrCorrupt, failed)
	}
	return cs, lost, failed
}
