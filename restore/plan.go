package restore

import (
	"context"
	"fmt"
	"slices"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// Action is what a plan does with a collection.
type Action string

const (
	Keep     Action = "keep"     // it is as it shall be
	Change   Action = "change"   // records or description change in place
	Create   Action = "create"   // it is missing
	Recreate Action = "recreate" // its description cannot be changed in place
)

// Wanted is a collection of the snapshot that shall be brought back.
type Wanted struct {
	Tree        tree.Collection
	ServerID    string // that it had when it was captured
	Description chunk.CollectionDescription

	part *part // nil: all of it
}

// CollectionPlan is what shall happen to one collection. The numbers are
// records.
type CollectionPlan struct {
	Name        string   `json:"name"`
	Action      Action   `json:"action"`
	Reason      string   `json:"reason,omitempty"`       // why it must be made anew, or why nothing is done
	RenamedFrom string   `json:"renamed_from,omitempty"` // its name now
	Fields      []string `json:"fields,omitempty"`       // of its description that change
	Added       int      `json:"added"`
	Updated     int      `json:"updated"`
	Deleted     int      `json:"deleted"`
	Moved       int      `json:"moved"`          // the same record at another place; nothing is done about it
	Swap        bool     `json:"swap,omitempty"` // it is made anew, all of it, and exchanged

	// Columns counts the updated records by the columns that change.
	Columns map[string]int `json:"columns,omitempty"`

	want  Wanted
	have  *snapshot.Captured // nil: it is missing
	delta *tree.Delta
}

// Plan is the list of changes that makes a target equal to a snapshot, inside
// the scope of both.
type Plan struct {
	Collections []CollectionPlan `json:"collections"`
	// Extra are the target's collections within the scope that the snapshot does
	// not have.
	Extra []string `json:"extra"`
	// Blocked names extra collections that have the name of one to be renamed
	// back: without dropping them the plan cannot be carried out.
	Blocked []string `json:"blocked,omitempty"`
	// Left is what stands beside since an earlier swap, and goes.
	Left []Left `json:"left,omitempty"`
	// Part says that it is about some records or columns only.
	Part bool `json:"part,omitempty"`

	// Needs is what carrying it out takes; nil: that was not asked.
	Needs *Needs `json:"needs,omitempty"`

	extra  map[string]*snapshot.Captured // those of Extra
	reader *tree.Reader                  // of both sides
}

// Empty reports whether nothing is to be done.
func (p *Plan) Empty() bool {
	return len(p.Extra) == 0 && len(p.Left) == 0 && !slices.ContainsFunc(p.Collections, func(c CollectionPlan) bool { return c.Action != Keep })
}

// touched gives the collections that the plan changes. The others were read
// when it was made, and are as they shall be.
func (p *Plan) touched() []CollectionPlan {
	return slices.DeleteFunc(slices.Clone(p.Collections), func(c CollectionPlan) bool { return c.Action == Keep })
}

// Totals are the numbers of all collections together.
func (p *Plan) Totals() (added, updated, deleted int) {
	for _, c := range p.Collections {
		added, updated, deleted = added+c.Added, updated+c.Updated, deleted+c.Deleted
	}
	return added, updated, deleted
}

// MakePlan compares what a target has with what it shall have. A collection is
// known again by its server id, so that one that was only renamed is renamed
// back, and otherwise by its name. One that a swap has put aside is known while
// nobody has its name. extra says whether the target's other
// collections are within the scope. Both sides' trees are read through r.
func MakePlan(ctx context.Context, r *tree.Reader, t Target, want []Wanted, have []snapshot.Captured, extra func(name string) bool) (*Plan, error) {
	p := &Plan{extra: map[string]*snapshot.Captured{}, reader: r}
	pairs, rest := pairUp(want, have)
	for i, w := range want {
		c, err := planCollection(ctx, r, t, w, pairs[i])
		if err != nil {
			return nil, fmt.Errorf("collection %q: %w", w.Tree.Name, err)
		}
		p.Collections = append(p.Collections, c)
		p.Part = p.Part || w.part != nil
	}
	for _, h := range rest {
		name := h.Collection.Name
		inTheWay := slices.ContainsFunc(p.Collections, func(c CollectionPlan) bool { return c.RenamedFrom != "" && c.Name == name })
		if inTheWay {
			p.Blocked = append(p.Blocked, name)
		}
		if inTheWay || extra(name) {
			p.Extra = append(p.Extra, name)
			p.extra[name] = &h
		}
	}
	slices.Sort(p.Extra)
	return p, nil
}

// pairUp finds for each wanted collection the target's: nil where it is
// missing. rest are those that nothing wants.
func pairUp(want []Wanted, have []snapshot.Captured) (pairs []*snapshot.Captured, rest []snapshot.Captured) {
	pairs = make([]*snapshot.Captured, len(want))
	taken := map[string]bool{}
	pair := func(same func(w Wanted, h snapshot.Captured) bool) {
		for i, w := range want {
			for j := range have {
				if h := &have[j]; pairs[i] == nil && !taken[h.Collection.ServerID] && same(w, *h) {
					pairs[i] = h
					taken[h.Collection.ServerID] = true
				}
			}
		}
	}
	var live []chunk.Collection
	for _, h := range have {
		live = append(live, h.Collection)
	}
	pair(func(w Wanted, h snapshot.Captured) bool {
		return w.ServerID != "" && w.ServerID == h.Collection.ServerID && (w.Tree.Name == h.Collection.Name || !aside(h.Collection, live))
	})
	pair(func(w Wanted, h snapshot.Captured) bool { return w.Tree.Name == h.Collection.Name })
	pair(func(w Wanted, h snapshot.Captured) bool {
		m, ok := markOf(h.Collection)
		return ok && m.Role != roleNew && m.Of == w.Tree.Name && !aside(h.Collection, live)
	})
	for _, h := range have {
		if !taken[h.Collection.ServerID] {
			rest = append(rest, h)
		}
	}
	return pairs, rest
}

func planCollection(ctx context.Context, r *tree.Reader, t Target, w Wanted, have *snapshot.Captured) (CollectionPlan, error) {
	if w.part != nil {
		return planPart(ctx, r, w, have)
	}
	c := CollectionPlan{Name: w.Tree.Name, Action: Keep, want: w, have: have}
	before := tree.Collection{}
	if have == nil {
		c.Action = Create
	} else {
		is := have.Collection.Description
		if have.Collection.Name != w.Tree.Name {
			c.Action, c.RenamedFrom, is = Change, have.Collection.Name, unmarked(is)
		}
		c.Fields, c.Reason = t.Differs(is, w.Description)
		switch {
		case c.Reason != "":
			c.Action, c.Deleted = Recreate, int(have.Tree.Top.Count)
		case len(c.Fields) > 0:
			c.Action = Change
		}
		if c.Action != Recreate {
			before = have.Tree
		}
	}
	var err error
	if c.delta, err = tree.Diff(ctx, r, before, w.Tree); err != nil {
		return c, err
	}
	if before.Height == 0 { // nothing to compare with
		c.Added = int(w.Tree.Top.Count)
	} else if err := c.count(ctx); err != nil {
		return c, err
	}
	if c.Action == Keep && c.Added+c.Updated+c.Deleted > 0 {
		c.Action = Change
	}
	return c, nil
}

// count goes through the difference once.
func (c *CollectionPlan) count(ctx context.Context) error {
	taking := func(fn func(tree.Difference) error) func(tree.Difference) error {
		return c.want.part.taking(ctx, toSnapshot, fn)
	}
	err := c.delta.Removed(ctx, taking(func(tree.Difference) error { c.Deleted++; return nil }))
	if err != nil {
		return err
	}
	c.Columns = map[string]int{}
	return c.delta.Present(ctx, taking(func(x tree.Difference) error {
		switch x.Op {
		case tree.Added:
			c.Added++
		case tree.Moved:
			c.Moved++
		case tree.Changed:
			c.Updated++
			for _, k := range chunk.Columns {
				if x.Columns.Has(k) {
					c.Columns[k.String()]++
				}
			}
		}
		return nil
	}))
}
