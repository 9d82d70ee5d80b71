package tree

import (
	"context"
	"encoding/binary"
	"sort"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"autochrome/chunk"
)

// windowGroups is how many groups of the base are searched for the records of
// a group that the base does not have as it is. Chroma changes a sequence by
// deleting, changing in place and appending, so what is left of the base's
// records comes in the base's order, near where the last ones were found.
const windowGroups = 8

// base is an earlier state of a collection that a new one may refer to. What
// it keeps in memory is a few bytes for each group and a node for each 160.
type base struct {
	reader *Reader
	nodes  []baseNode
	groups int
	byIDs  map[uint64]int       // start of a group's ids content → group number
	byNode map[chunk.ID]element // nodes above the groups by logical id
	loaded *simplelru.LRU[int, []element]

	has  func(chunk.ID) bool // whether a chunk of it is still stored
	lost func(error) bool    // what it does not have any more

	cursor int             // group in which the last record was found
	window map[string]spot // the ids of groups [from, to)
	from   int
	to     int
}

type baseNode struct {
	node
	first int // number of its first group
}

func newBase(ctx context.Context, store Store, c Collection) (*base, error) {
	loaded, err := simplelru.NewLRU[int, []element](4, nil)
	if err != nil {
		return nil, err
	}
	b := &base{
		reader: NewReader(store), loaded: loaded,
		byIDs: map[uint64]int{}, byNode: map[chunk.ID]element{}, window: map[string]spot{},
		has: store.Has, lost: func(error) bool { return false },
	}
	b.byNode[c.Top.Logical] = nodeElement(c.Top)
	return b, b.read(ctx, c.top())
}

func (b *base) read(ctx context.Context, n node) error {
	children, err := b.reader.entries(ctx, n)
	if err != nil {
		return err
	}
	if n.level == 1 {
		b.nodes = append(b.nodes, baseNode{n, b.groups})
		for _, e := range children {
			b.byIDs[fingerprint(e.group.Columns[0].Content)] = b.groups
			b.groups++
		}
		return nil
	}
	start := n.start
	for _, e := range children {
		b.byNode[e.logical] = e
		if err := b.read(ctx, e.child(n.level, start)); err != nil {
			return err
		}
		start += e.count
	}
	return nil
}

func fingerprint(id chunk.ID) uint64 { return binary.LittleEndian.Uint64(id[:]) }

// node finds a node by what it says.
func (b *base) node(logical chunk.ID) (element, bool) {
	e, ok := b.byNode[logical]
	return e, ok
}

// group gives a group's element.
func (b *base) group(ctx context.Context, i int) (element, error) {
	at := sort.Search(len(b.nodes), func(j int) bool { return b.nodes[j].first > i }) - 1
	children, ok := b.loaded.Get(at)
	if !ok {
		var err error
		if children, err = b.reader.entries(ctx, b.nodes[at].node); err != nil {
			return element{}, err
		}
		b.loaded.Add(at, children)
	}
	return children[i-b.nodes[at].first], nil
}

// column gives a column of a group, and where it lies.
func (b *base) column(ctx context.Context, group int, kind chunk.Kind) (*chunk.Rows, []Run, error) {
	e, err := b.group(ctx, group)
	if err != nil {
		return nil, nil, err
	}
	rows, err := b.reader.Column(ctx, *e.group, kind)
	return rows, e.group.Columns[kind.Column()].Runs, err
}

// match finds the records of a new group, whose ids have this content id.
func (b *base) match(ctx context.Context, recs *chunk.Records, ids chunk.ID) (*matched, error) {
	m := &matched{column: b.column, has: b.has, lost: b.lost, spots: make([]spot, recs.Len())}
	if i, ok := b.byIDs[fingerprint(ids)]; ok {
		e, err := b.group(ctx, i)
		if err != nil {
			return nil, err
		}
		if e.group.Columns[0].Content == ids {
			for row := range m.spots {
				m.spots[row] = spot{i, row}
			}
			b.cursor = i
			m.whole = &e
			return m, nil
		}
	}
	for row := range m.spots {
		m.spots[row].group = -1
	}
	for more := true; more; {
		more = false
		if err := b.slide(ctx); err != nil {
			return nil, err
		}
		for row := range m.spots {
			if m.spots[row].group >= 0 {
				continue
			}
			if s, ok := b.window[string(recs.ID(row))]; ok {
				m.spots[row] = s
				more = more || s.group > b.cursor
				b.cursor = max(b.cursor, s.group)
			}
		}
	}
	return m, nil
}

// slide moves the window so that it begins one group before the cursor.
func (b *base) slide(ctx context.Context) error {
	from := max(0, b.cursor-1)
	to := min(b.groups, b.cursor+windowGroups)
	if from < b.from || from >= b.to {
		clear(b.window)
		b.from, b.to = from, from
	} else if from > b.from {
		for id, s := range b.window {
			if s.group < from {
				delete(b.window, id)
			}
		}
		b.from = from
	}
	for ; b.to < to; b.to++ {
		e, err := b.group(ctx, b.to)
		if err != nil {
			return err
		}
		ids, err := b.reader.Column(ctx, *e.group, chunk.IDs)
		if err != nil && b.lost(err) {
			continue
		}
		if err != nil {
			return err
		}
		for row := range ids.Len() {
			id, _ := ids.Row(row)
			b.window[string(id)] = spot{b.to, row}
		}
	}
	return nil
}
