package tree

import (
	"context"
	"fmt"
	"slices"

	"autochrome/chunk"
)

// Delta is the difference between two states of a collection, a and b. It
// reads what differs and nothing else: equal logical ids are skipped at every
// level, and of groups that differ only the columns that differ are loaded.
// What it keeps in memory is 80 bytes for each group that differs, a bit for
// each record of a that has to be looked for, and a bounded table.
type Delta struct {
	reader *Reader
	a, b   *groupFinder
	onlyA  []groupRef
	onlyB  []groupRef
	equal  []span // what both have, in b's order
	pair   []int  // for each of onlyB the one of onlyA with the same ids in order, or -1
	loose  *join  // of the records in groups without a pair
}

// groupRef is a group that only one side has.
type groupRef struct {
	start   int64
	count   int
	ids     chunk.ID // content id of its ids
	logical chunk.ID
}

// span is a run of records that both sides have.
type span struct{ a, b, count int64 }

// Op says how a record differs between a and b.
type Op uint8

const (
	Removed Op = iota + 1 // only in a
	Added                 // only in b
	Changed               // in both, with other content
	Moved                 // in both with the same content, but behind records that it stood before
)

func (o Op) String() string {
	switch o {
	case Removed:
		return "removed"
	case Added:
		return "added"
	case Changed:
		return "changed"
	case Moved:
		return "moved"
	}
	return fmt.Sprintf("op %d", uint8(o))
}

// ColumnSet is a set of columns.
type ColumnSet uint8

// Has reports whether k is in the set.
func (s ColumnSet) Has(k chunk.Kind) bool { return s>>k.Column()&1 != 0 }

// Difference is one record that differs. It is valid until the function that
// it was given to returns.
type Difference struct {
	Op      Op
	ID      string
	Columns ColumnSet // that differ, where Op is Changed
	Moved   bool      // Changed, and also behind records that it stood before
	From    int64     // position in a; -1: not there
	At      int64     // position in a where it belongs: its own, or of the record it is to be put before
	delta   *Delta
	inA     location
	inB     location
}

// location is a record's group and row. A zero count is nowhere.
type location struct {
	start int64
	row   int
	count int
}

// Before gives the record as a has it: its id and these columns, or all of
// them where none is named.
func (x Difference) Before(ctx context.Context, kinds ...chunk.Kind) (chunk.Record, error) {
	return x.delta.a.record(ctx, x.inA, kinds)
}

// After gives the record as b has it, likewise.
func (x Difference) After(ctx context.Context, kinds ...chunk.Kind) (chunk.Record, error) {
	return x.delta.b.record(ctx, x.inB, kinds)
}

// Diff compares two collections of one store.
func Diff(ctx context.Context, r *Reader, a, b Collection) (*Delta, error) {
	d := &Delta{reader: r, a: newGroupFinder(r, a), b: newGroupFinder(r, b)}
	if a.Top.Logical == b.Top.Logical && a.Height == b.Height {
		d.equal = []span{{0, 0, a.Top.Count}}
		d.loose = newJoin(d)
		return d, nil
	}
	if err := d.descend(ctx, frontier(a), frontier(b)); err != nil {
		return nil, err
	}
	slices.SortFunc(d.equal, func(x, y span) int { return int(min(1, max(-1, x.b-y.b))) })
	d.pairUp()
	d.loose = newJoin(d)
	return d, nil
}

// Empty reports whether both sides have the same records in the same order.
func (d *Delta) Empty() bool { return len(d.onlyA) == 0 && len(d.onlyB) == 0 && !d.reordered() }

// reordered reports whether groups that both sides have stand in another order.
func (d *Delta) reordered() bool {
	return !slices.IsSortedFunc(d.equal, func(x, y span) int { return int(min(1, max(-1, x.a-y.a))) })
}

// Groups is how many row groups only a and only b have.
func (d *Delta) Groups() (onlyA, onlyB int) { return len(d.onlyA), len(d.onlyB) }

func frontier(c Collection) []node {
	if c.Height == 0 {
		return nil
	}
	return []node{c.top()}
}

// descend compares two sets of nodes, level by level. A node cannot stand
// twice in a tree, since record ids are unique in it, so sets suffice.
func (d *Delta) descend(ctx context.Context, a, b []node) error {
	for {
		la, lb := 0, 0
		if len(a) > 0 {
			la = a[0].level
		}
		if len(b) > 0 {
			lb = b[0].level
		}
		if la == 0 && lb == 0 {
			return nil
		}
		if la == lb {
			a, b = d.unequal(a, b)
		}
		level := max(la, lb)
		var groupsA, groupsB []groupRef
		var err error
		if la == level {
			if a, groupsA, err = d.open(ctx, a); err != nil {
				return err
			}
		}
		if lb == level {
			if b, groupsB, err = d.open(ctx, b); err != nil {
				return err
			}
		}
		if level == 1 {
			d.unequalGroups(groupsA, groupsB)
			return nil
		}
	}
}

// unequal takes out the nodes that both sets have.
func (d *Delta) unequal(a, b []node) (onlyA, onlyB []node) {
	have := make(map[chunk.ID]int64, len(a))
	for _, n := range a {
		have[n.Logical] = n.start
	}
	shared := map[chunk.ID]bool{}
	for _, n := range b {
		if start, ok := have[n.Logical]; ok {
			shared[n.Logical] = true
			d.addEqual(span{start, n.start, n.Count})
		} else {
			onlyB = append(onlyB, n)
		}
	}
	return slices.DeleteFunc(a, func(n node) bool { return shared[n.Logical] }), onlyB
}

// unequalGroups does the same for groups and keeps the rest.
func (d *Delta) unequalGroups(a, b []groupRef) {
	have := make(map[chunk.ID]int64, len(a))
	for _, g := range a {
		have[g.logical] = g.start
	}
	shared := map[chunk.ID]bool{}
	for _, g := range b {
		if start, ok := have[g.logical]; ok {
			shared[g.logical] = true
			d.addEqual(span{start, g.start, int64(g.count)})
		} else {
			d.onlyB = append(d.onlyB, g)
		}
	}
	d.onlyA = slices.DeleteFunc(a, func(g groupRef) bool { return shared[g.logical] })
}

func (d *Delta) addEqual(s span) {
	if n := len(d.equal); n > 0 {
		if last := &d.equal[n-1]; last.a+last.count == s.a && last.b+last.count == s.b {
			last.count += s.count
			return
		}
	}
	d.equal = append(d.equal, s)
}

// open gives the children of nodes of one level: nodes, or groups at level 1.
func (d *Delta) open(ctx context.Context, nodes []node) (below []node, groups []groupRef, err error) {
	for _, n := range nodes {
		children, err := d.reader.entries(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		start := n.start
		for _, e := range children {
			if e.group != nil {
				groups = append(groups, groupRef{start, e.group.Count, e.group.Columns[0].Content, e.logical})
			} else {
				below = append(below, e.child(n.level, start))
			}
			start += e.count
		}
	}
	return below, groups, nil
}

// pairUp finds the groups that hold the same ids in the same order on both
// sides: an edit in place leaves every group so.
func (d *Delta) pairUp() {
	byIDs := make(map[chunk.ID]int, len(d.onlyA))
	for i, g := range d.onlyA {
		byIDs[g.ids] = i
	}
	d.pair = make([]int, len(d.onlyB))
	for i, g := range d.onlyB {
		d.pair[i] = -1
		if j, ok := byIDs[g.ids]; ok {
			d.pair[i] = j
		}
	}
}
