package tree

import "autochrome/chunk"

// element is what a level's nodes are made of: a row group below level 1, a
// node above.
type element struct {
	logical chunk.ID
	count   int64  // records
	last    string // id of the last record
	row     []byte // the entry
	place   Run    // where the entry lies already; a zero chunk: nowhere
	group   *Group // what the entry says: one of the two
	node    *Node
}

func groupElement(h *chunk.Hasher, g Group) element {
	return element{logical: g.Logical(h), count: int64(g.Count), last: g.Last, row: g.append(nil), group: &g}
}

func nodeElement(n Node) element {
	return element{logical: n.Logical, count: n.Count, last: n.Last, row: n.append(nil), node: &n}
}
