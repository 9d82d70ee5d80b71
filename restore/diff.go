package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/tree"
)

// DiffOptions say what a comparison tells on its way.
type DiffOptions struct {
	Collections []string // by the name on either side; nil: all

	// Record is given each record that differs, collection by collection. Nil:
	// records are only counted, and their values are not read.
	Record func(RecordDiff) error
	// Collection is given each collection that was compared, behind its records.
	Collection func(CollectionDiff) error
}

// Side says where a collection is.
type Side string

const (
	Both  Side = "both"
	OnlyA Side = "a"
	OnlyB Side = "b"
)

// CollectionDiff is how one collection differs. The numbers are records.
type CollectionDiff struct {
	Name        string // in b; in a where only that has it
	RenamedFrom string // its name in a, known again by its server id
	In          Side
	Fields      []ValueDiff // of its description that differ
	Before      int64       // records in a
	After       int64       // records in b
	Added       int64
	Removed     int64
	Changed     int64
	Moved       int64            // the same record at another place in the order
	Columns     map[string]int64 // changed records by the columns that differ
}

// Same reports whether nothing differs. Order is no difference.
func (c CollectionDiff) Same() bool {
	return c.In == Both && c.RenamedFrom == "" && len(c.Fields) == 0 && c.Added+c.Removed+c.Changed == 0
}

// DiffReport is the outcome of comparing two states.
type DiffReport struct {
	Collections []CollectionDiff // all that were compared, by name
	// NotCompared names collections that one side has and the other did not look
	// for, or could not read: there they are unknown, not absent.
	NotCompared []string
}

// Same reports whether nothing differs.
func (d DiffReport) Same() bool {
	return !slices.ContainsFunc(d.Collections, func(c CollectionDiff) bool { return !c.Same() })
}

// Diff compares two states whose trees are read through r. It reads what
// differs and nothing else.
func Diff(ctx context.Context, r *tree.Reader, a, b State, o DiffOptions) (DiffReport, error) {
	var rep DiffReport
	pairs := pairStates(a, b)
	rep.NotCompared = append(slices.Clone(a.outside), b.outside...)
	for _, name := range o.Collections {
		if !slices.ContainsFunc(pairs, func(p statePair) bool { return p.called(name) }) && !slices.Contains(rep.NotCompared, name) {
			return rep, fmt.Errorf("neither side has a collection %q", name)
		}
	}
	for _, p := range pairs {
		if o.Collections != nil && !slices.ContainsFunc(o.Collections, p.called) {
			continue
		}
		if p.a == nil && !a.covers(p.name()) || p.b == nil && !b.covers(p.name()) {
			rep.NotCompared = append(rep.NotCompared, p.name())
			continue
		}
		c, err := diffPair(ctx, r, p, o.Record)
		if err != nil {
			return rep, fmt.Errorf("collection %q: %w", p.name(), err)
		}
		rep.Collections = append(rep.Collections, c)
		if o.Collection != nil {
			if err := o.Collection(c); err != nil {
				return rep, err
			}
		}
	}
	if o.Collections != nil {
		rep.NotCompared = slices.DeleteFunc(rep.NotCompared, func(name string) bool { return !slices.Contains(o.Collections, name) })
	}
	slices.Sort(rep.NotCompared)
	return rep, nil
}

func diffPair(ctx context.Context, r *tree.Reader, p statePair, record func(RecordDiff) error) (CollectionDiff, error) {
	c := CollectionDiff{Name: p.name(), In: Both, Columns: map[string]int64{}}
	var a, b tree.Collection
	if p.a != nil {
		a, c.Before = p.a.Tree, p.a.Tree.Top.Count
	}
	if p.b != nil {
		b, c.After = p.b.Tree, p.b.Tree.Top.Count
	}
	switch {
	case p.a == nil:
		c.In = OnlyB
	case p.b == nil:
		c.In = OnlyA
	default:
		if a.Name != b.Name {
			c.RenamedFrom = a.Name
		}
		var err error
		if c.Fields, err = diffDescriptions(ctx, r, a, b); err != nil {
			return c, err
		}
	}
	if record == nil && c.In != Both { // nothing to compare with
		c.Added, c.Removed = c.After, c.Before
		return c, nil
	}
	delta, err := tree.Diff(ctx, r, a, b)
	if err != nil {
		return c, err
	}
	each := func(x tree.Difference) error {
		c.count(x)
		if record == nil {
			return nil
		}
		d, err := diffRecord(ctx, x)
		if err != nil {
			return fmt.Errorf("record %q: %w", x.ID, err)
		}
		d.Collection = c.Name
		return record(d)
	}
	if err := delta.Removed(ctx, each); err != nil {
		return c, err
	}
	return c, delta.Present(ctx, each)
}

func (c *CollectionDiff) count(x tree.Difference) {
	switch x.Op {
	case tree.Added:
		c.Added++
	case tree.Removed:
		c.Removed++
	case tree.Moved:
		c.Moved++
	case tree.Changed:
		c.Changed++
		for _, k := range chunk.Columns {
			if x.Columns.Has(k) {
				c.Columns[k.String()]++
			}
		}
	}
}

// statePair is a collection on both sides, or on one.
type statePair struct{ a, b *StateCollection }

func (p statePair) name() string {
	if p.b != nil {
		return p.b.Tree.Name
	}
	return p.a.Tree.Name
}

func (p statePair) called(name string) bool {
	return p.a != nil && p.a.Tree.Name == name || p.b != nil && p.b.Tree.Name == name
}

// pairStates finds the collections of two states that are the same: by the
// server's id, which survives a rename, and else by name.
func pairStates(a, b State) []statePair {
	pairs := make([]statePair, len(a.Collections))
	taken := make([]bool, len(b.Collections))
	pair := func(same func(x, y StateCollection) bool) {
		for i := range pairs {
			pairs[i].a = &a.Collections[i]
			for j := range b.Collections {
				if pairs[i].b == nil && !taken[j] && same(a.Collections[i], b.Collections[j]) {
					pairs[i].b, taken[j] = &b.Collections[j], true
				}
			}
		}
	}
	pair(func(x, y StateCollection) bool { return x.ServerID != "" && x.ServerID == y.ServerID })
	pair(func(x, y StateCollection) bool { return x.Tree.Name == y.Tree.Name })
	for j := range b.Collections {
		if !taken[j] {
			pairs = append(pairs, statePair{b: &b.Collections[j]})
		}
	}
	slices.SortStableFunc(pairs, func(x, y statePair) int { return strings.Compare(x.name(), y.name()) })
	return pairs
}
