package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"autochrome/chunk"
)

// Splice replaces records: Remove of them from position At on go, and those of
// Insert (nil: none) come in their place. A record that changes is one removed
// and one inserted.
type Splice struct {
	At     int64
	Remove int64
	Insert *chunk.Records
}

// Apply changes a collection once; see Applier.
func Apply(ctx context.Context, store Store, c Collection, dim int, splices []Splice) (height int, top Node, err error) {
	return NewApplier(store, nil).Apply(ctx, c, dim, splices)
}

// openedNodes is how many nodes an Applier keeps open: all of a million and a half
// records. Changes at random places come in order, so with fewer than all each
// would be read again every time.
const openedNodes = 64

// Applier changes collections, again and again: what it read for one change it
// keeps for the next, within the bounds of a Reader. It is not safe for
// concurrent use.
type Applier struct {
	store  Store
	reader *Reader
	group  *chunk.Records // of the base, in hand
	other  *chunk.Records // columns of other groups, one at a time
}

// NewApplier gives an Applier over a store. Scattered rows that it stores it keeps
// in recent, too, where that is not nil.
func NewApplier(store Store, recent Recent) *Applier {
	r := NewReader(store)
	r.recent = recent
	if loader, ok := store.(allocLoader); ok {
		r.spare = &spareMemory{loader: loader, least: spareLeast}
	}
	opened, err := simplelru.NewLRU[chunk.ID, []element](openedNodes, nil)
	if err != nil {
		panic(err) // the count is positive
	}
	r.opened = opened
	return &Applier{store, r, chunk.NewRecords(0), chunk.NewRecords(0)}
}

// Apply changes a collection of dim components by splices, which are in order
// and do not overlap. It reads and writes in proportion to what changes: groups
// and nodes are cut again from the start of the first one touched until a new
// boundary falls on an old one. The logical root is the one that building the
// same records afresh gives.
func (x *Applier) Apply(ctx context.Context, c Collection, dim int, splices []Splice) (height int, top Node, err error) {
	if c.Height == 0 {
		b := NewBuilder(x.store, dim)
		for _, s := range splices {
			if s.At != 0 || s.Remove != 0 {
				return 0, Node{}, errors.New("a splice beyond an empty collection")
			}
			if s.Insert != nil {
				if err := b.Add(ctx, s.Insert); err != nil {
					return 0, Node{}, err
				}
			}
		}
		return b.Finish(ctx)
	}
	end := int64(0)
	for _, s := range splices {
		if s.At < end || s.Remove < 0 || s.At > c.Top.Count || s.Remove > c.Top.Count-s.At {
			return 0, Node{}, fmt.Errorf("splice at %d of %d records is out of order or range", s.At, c.Top.Count)
		}
		end = s.At + s.Remove
	}
	a := &applier{store: x.store, reader: x.reader, inHand: x.group, other: x.other, base: c, known: map[chunk.ID]element{}}
	patches, err := a.regroupRecords(ctx, dim, splices)
	if err != nil || len(patches) == 0 {
		return c.Height, c.Top, err
	}
	for level := 1; ; level++ {
		if patches, err = a.regroup(ctx, level, patches); err != nil {
			return 0, Node{}, err
		}
		if level == c.Height {
			return a.finish(ctx, level, patches[0].elements)
		}
		if e, n, err := a.only(ctx, level, patches); err != nil || n == 0 {
			return 0, Node{}, err
		} else if n == 1 {
			return level, *e.node, nil
		}
	}
}

type applier struct {
	store  Store
	reader *Reader
	inHand *chunk.Records
	other  *chunk.Records
	base   Collection
	known  map[chunk.ID]element // nodes of the base that were opened
}

// records gives the records of a group, valid until it is called again.
func (a *applier) records(ctx context.Context, g Group) (*chunk.Records, error) {
	for _, k := range chunk.Columns {
		if _, err := a.reader.column(ctx, g, k, a.inHand.Column(k)); err != nil {
			return nil, err
		}
	}
	return a.inHand, nil
}

// column gives a column of a group, valid until it is called again.
func (a *applier) column(ctx context.Context, g Group, kind chunk.Kind) (*chunk.Rows, error) {
	return a.reader.column(ctx, g, kind, a.other.Column(kind))
}

// patch says that the elements of one level over the base's records [from, to)
// are replaced.
type patch struct {
	from, to int64
	made     int
	elements []element
}

// regroup makes the nodes of a level anew where their children changed.
func (a *applier) regroup(ctx context.Context, level int, changes []patch) ([]patch, error) {
	var all []element
	m := newNodeMaker(a.store, level, func(_ context.Context, e element) error { all = append(all, e); return nil })
	m.refer = true
	m.known = func(id chunk.ID) (element, bool) { e, ok := a.known[id]; return e, ok }
	var out []patch
	for len(changes) > 0 {
		cur, err := a.reader.seek(ctx, a.base, level, changes[0].from)
		if err != nil {
			return nil, err
		}
		p, made := patch{from: -1}, m.made
		skip := int64(0) // records before this position are replaced
		for {
			e, start, ok, err := cur.next(ctx)
			if err != nil {
				return nil, err
			}
			if !ok {
				for ; len(changes) > 0; changes = changes[1:] {
					if err := addAll(ctx, m, changes[0].elements); err != nil {
						return nil, err
					}
				}
				if err := m.end(ctx); err != nil {
					return nil, err
				}
				p.to = a.base.Top.Count
				break
			}
			if p.from < 0 {
				p.from = start
			}
			a.known[e.logical] = e
			children, err := a.reader.entries(ctx, node{*e.node, level, start})
			if err != nil {
				return nil, err
			}
			pos := start
			for _, child := range children {
				for len(changes) > 0 && changes[0].from == pos {
					if err := addAll(ctx, m, changes[0].elements); err != nil {
						return nil, err
					}
					skip = max(skip, changes[0].to)
					changes = changes[1:]
				}
				if pos >= skip {
					if err := m.add(ctx, child); err != nil {
						return nil, err
					}
				}
				pos += child.count
			}
			if len(m.children) == 0 && skip <= pos && pos < a.base.Top.Count && (len(changes) == 0 || changes[0].from >= pos) {
				p.to = pos
				break
			}
		}
		p.made = m.made - made
		out = append(out, p)
	}
	if err := m.finish(ctx); err != nil {
		return nil, err
	}
	return deal(out, all), nil
}

func addAll(ctx context.Context, m *nodeMaker, elements []element) error {
	for _, e := range elements {
		if err := m.add(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// deal gives each patch as many of the elements as it made.
func deal(patches []patch, all []element) []patch {
	for i := range patches {
		patches[i].elements, all = all[:patches[i].made], all[patches[i].made:]
	}
	return patches
}

// only counts the elements of a level after patches, up to two, and gives the
// first.
func (a *applier) only(ctx context.Context, level int, patches []patch) (first element, n int, err error) {
	count := func(e element) {
		if n++; n == 1 {
			first = e
		}
	}
	pos := int64(0)
	for i := 0; i <= len(patches) && n < 2; i++ {
		gap := a.base.Top.Count
		if i < len(patches) {
			gap = patches[i].from
		}
		if pos < gap {
			cur, err := a.reader.seek(ctx, a.base, level, pos)
			if err != nil {
				return first, 0, err
			}
			for n < 2 {
				e, start, ok, err := cur.next(ctx)
				if err != nil {
					return first, 0, err
				}
				if !ok || start >= gap {
					break
				}
				count(e)
			}
		}
		if i < len(patches) {
			for _, e := range patches[i].elements {
				count(e)
			}
			pos = patches[i].to
		}
	}
	return first, min(n, 2), nil
}

// finish builds what stands above the nodes of what was the top level.
func (a *applier) finish(ctx context.Context, level int, nodes []element) (int, Node, error) {
	switch len(nodes) {
	case 0:
		return 0, Node{}, nil
	case 1:
		return level, *nodes[0].node, nil
	}
	t := tower{store: a.store, base: level, refer: true}
	for _, e := range nodes {
		if err := t.add(ctx, e); err != nil {
			return 0, Node{}, err
		}
	}
	return t.finish(ctx)
}
