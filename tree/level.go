package tree

import (
	"context"
	"slices"

	"autochrome/chunk"
)

// maxWaiting bounds how many groups or nodes wait for a chunk that is still
// open. It is what keeps a change of one small column in a large collection
// within memory.
const maxWaiting = 256

// nodeMaker makes the nodes of one level from their children, and hands each
// on when the chunk that its entries went to is closed.
type nodeMaker struct {
	store    Store
	level    int // of the nodes
	cutter   *chunk.Cutter
	gather   *gather
	known    func(logical chunk.ID) (element, bool) // a node of the base, or nil
	refer    bool                                   // whether there is a base to refer to
	children []element
	waiting  []waitingNode
	made     int
	emit     func(context.Context, element) error
}

// waitingNode is a node whose runs may not be known yet, or one of the base.
type waitingNode struct {
	done   element
	node   Node
	pieces []piece
}

func newNodeMaker(store Store, level int, emit func(context.Context, element) error) *nodeMaker {
	return &nodeMaker{
		store: store, level: level, emit: emit,
		cutter: store.Hasher().Cutter(level),
		gather: newGather(store, kindAt(level), 0),
	}
}

// add takes the next child, and makes a node where one ends after it.
func (m *nodeMaker) add(ctx context.Context, e element) error {
	m.children = append(m.children, e)
	if !m.cutter.Ends([]byte(e.last)) {
		return nil
	}
	return m.end(ctx)
}

// end makes a node of the children at hand.
func (m *nodeMaker) end(ctx context.Context) error {
	if len(m.children) == 0 {
		return nil
	}
	m.cutter.Reset()
	children := m.children
	m.children = m.children[:0]
	m.made++
	logical := logicalNode(m.store.Hasher(), m.level, children)
	if m.known != nil && placed(children) {
		if e, ok := m.known(logical); ok {
			return m.wait(ctx, waitingNode{done: e})
		}
	}
	n := Node{Logical: logical, Children: len(children), Last: children[len(children)-1].last}
	rows := chunk.NewRows(kindAt(m.level), 0)
	var origins []place
	if m.refer {
		origins = make([]place, len(children))
	}
	for i, e := range children {
		n.Count += e.count
		rows.Append(e.row)
		if m.refer {
			origins[i] = place{e.place.Chunk, e.place.First}
		}
	}
	var content chunk.ID
	content, m.gather.head = rows.ContentID(m.store.Hasher(), m.gather.head)
	pieces, err := placeRows(ctx, m.gather, rows, content, origins)
	if err != nil {
		return err
	}
	return m.wait(ctx, waitingNode{node: n, pieces: pieces})
}

// placed reports whether all children lie somewhere already. One that does not is
// new, also where the base has what says the same: rows of that were lost.
func placed(children []element) bool {
	return !slices.ContainsFunc(children, func(e element) bool { return e.place.Chunk.IsZero() })
}

// wait puts a node into the queue, and closes the open chunk where that grows
// too long.
func (m *nodeMaker) wait(ctx context.Context, w waitingNode) error {
	m.waiting = append(m.waiting, w)
	if len(m.waiting) >= maxWaiting {
		if err := m.gather.close(ctx); err != nil {
			return err
		}
	}
	return m.drain(ctx)
}

// finish ends the last node and hands on all that wait.
func (m *nodeMaker) finish(ctx context.Context) error {
	if err := m.end(ctx); err != nil {
		return err
	}
	if err := m.gather.close(ctx); err != nil {
		return err
	}
	return m.drain(ctx)
}

// drain hands on the nodes at the front of the queue whose runs are known.
func (m *nodeMaker) drain(ctx context.Context) error {
	for len(m.waiting) > 0 {
		w := m.waiting[0]
		if w.done.node == nil {
			runs, ok := resolve(w.pieces)
			if !ok {
				return nil
			}
			w.node.Runs = runs
			w.done = nodeElement(w.node)
		}
		m.waiting = m.waiting[1:]
		if err := m.emit(ctx, w.done); err != nil {
			return err
		}
	}
	return nil
}

// tower builds the levels above a sequence of elements, as high as it needs
// to be: the first level with a single node is the top.
type tower struct {
	store  Store
	known  func(logical chunk.ID) (element, bool)
	refer  bool
	levels []*nodeMaker // levels[i] makes the nodes of level base+1+i
	base   int          // level of the elements that are added: 0 for groups
	first  []element    // the first node of each level, held back while it is alone
	count  []int
}

func (t *tower) maker(i int) *nodeMaker {
	if i == len(t.levels) {
		m := newNodeMaker(t.store, t.base+1+i, func(ctx context.Context, e element) error { return t.made(ctx, i, e) })
		m.known, m.refer = t.known, t.refer
		t.levels = append(t.levels, m)
		t.first = append(t.first, element{})
		t.count = append(t.count, 0)
	}
	return t.levels[i]
}

// add takes the next element of the lowest level.
func (t *tower) add(ctx context.Context, e element) error {
	return t.maker(0).add(ctx, e)
}

// made takes a finished node of level i: the first waits for a second, with
// which a level above begins.
func (t *tower) made(ctx context.Context, i int, e element) error {
	t.count[i]++
	if t.count[i] == 1 {
		t.first[i] = e
		return nil
	}
	up := t.maker(i + 1)
	if t.count[i] == 2 {
		if err := up.add(ctx, t.first[i]); err != nil {
			return err
		}
	}
	return up.add(ctx, e)
}

// finish gives the top node and its level; level 0 where nothing was added.
func (t *tower) finish(ctx context.Context) (int, Node, error) {
	for i := 0; i < len(t.levels); i++ {
		if err := t.levels[i].finish(ctx); err != nil {
			return 0, Node{}, err
		}
		if t.count[i] == 1 {
			return t.base + 1 + i, *t.first[i].node, nil
		}
	}
	return 0, Node{}, nil
}
