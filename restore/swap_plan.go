package restore

import (
	"slices"

	"autochrome/chunk"
)

// Left is a collection that stands beside since an earlier swap, and goes.
type Left struct {
	Name string `json:"name"`
	Of   string `json:"collection"`
}

// toSwap makes a plan one of swaps. What only changes its name or its
// description is changed in place, in a request or two. Of the extra collections
// those of left go without being asked for.
func (p *Plan) toSwap(o *Options, left []Left) {
	for i := range p.Collections {
		c := &p.Collections[i]
		if _, marked := markOf(chunk.Collection{Name: c.Name, Description: c.want.Description}); marked {
			continue
		}
		if c.Action == Keep && o.Anew {
			c.Action = Change
		}
		c.Swap = o.Swap && (c.Action == Recreate || c.Added+c.Updated+c.Deleted > 0 || c.Action == Change && o.Anew)
	}
	for _, l := range left {
		if i := slices.Index(p.Extra, l.Name); i >= 0 && !slices.Contains(p.Blocked, l.Name) {
			p.Extra = slices.Delete(p.Extra, i, i+1)
			p.Left = append(p.Left, l)
		}
	}
}

// leftBy gives the collections that a swap from this repository was not done
// with when it was cut off, so that they are to be removed.
func leftBy(repository string, live []chunk.Collection, want []Wanted, scope func(string) bool) (left []Left) {
	for _, c := range live {
		m, ok := markOf(c)
		if !ok || m.Role == roleKept || m.Repository != repository {
			continue
		}
		wanted := slices.ContainsFunc(want, func(w Wanted) bool { return w.Tree.Name == m.Of })
		byItself := slices.ContainsFunc(want, func(w Wanted) bool { return w.Tree.Name == m.Name })
		if !byItself && (wanted || scope(m.Of) && (m.Role == roleNew || aside(c, live))) {
			left = append(left, Left{c.Name, m.Of})
		}
	}
	return left
}

// besidesKept is a scope without what swaps have kept: those are no part of the
// database until they get their name back.
func besidesKept(live []chunk.Collection, scope func(string) bool) func(string) bool {
	return func(name string) bool {
		c, ok := byName(live, name)
		if ok {
			if m, marked := markOf(c); marked && m.Role == roleKept && aside(c, live) {
				return false
			}
		}
		return scope(name)
	}
}

// Records is how many the collection has in the snapshot.
func (c CollectionPlan) Records() int { return int(c.want.Tree.Top.Count) }
