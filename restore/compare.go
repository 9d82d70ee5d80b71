package restore

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// maxNamed is how many differences are named; all are counted.
const maxNamed = 100

// Difference is what is still not as the snapshot has it.
type Difference struct {
	Collection string   `json:"collection"`
	ID         string   `json:"id,omitempty"`     // of the record; "": the collection itself
	What       string   `json:"what"`             // added, removed, changed, ...
	Fields     []string `json:"fields,omitempty"` // columns of the record, or fields of the description
}

// Compared is the outcome of comparing a target with what it shall have.
type Compared struct {
	Records     int64 // that were read
	Differences int
	Named       []Difference // the first of them

	Settled      int          // records that had inherited arrays of deleted ones, which were taken away
	NamedSettled []Difference // the first of them; Fields are the keys
}

func (c *Compared) add(d Difference) {
	c.Differences++
	if len(c.Named) < maxNamed {
		c.Named = append(c.Named, d)
	}
}

// Compare reads the target's collections again and compares them record by
// record with what they shall be. Order is not compared: a record that had to
// be deleted and added again stands elsewhere. Of a part only that is compared.
func Compare(ctx context.Context, base snapshot.Base, t Target, want []Wanted, progress func(Progress)) (Compared, error) {
	plans := make([]CollectionPlan, len(want))
	for i, w := range want {
		plans[i].want = w
	}
	return compareAll(ctx, base, t, plans, progress, nil)
}

// Settle is Compare for what a plan changed in place; what is swapped was
// compared before it got its name. Records that were written and have
// arrays of deleted ones (see settler) are put right, once, and compared again.
// differing, where not nil, is given what still differs in the end.
func Settle(ctx context.Context, base snapshot.Base, t Target, p *Plan, progress func(Progress), differing Differing) (Compared, error) {
	inPlace := slices.DeleteFunc(p.touched(), func(c CollectionPlan) bool { return c.Swap })
	return compareAll(ctx, base, t, inPlace, progress, differing)
}

func compareAll(ctx context.Context, base snapshot.Base, t Target, plans []CollectionPlan, progress func(Progress), differing Differing) (Compared, error) {
	var out Compared
	live, err := t.Collections(ctx)
	if err != nil {
		return out, err
	}
	err = snapshot.WithScratch(base, func(store *snapshot.Scratch) error {
		x := comparison{store: store, target: t, progress: progress, differing: differing}
		for _, p := range plans {
			c, ok := byName(live, p.want.Tree.Name)
			if !ok {
				missing := Difference{Collection: p.want.Tree.Name, What: "missing"}
				out.add(missing)
				if err := x.missing(missing); err != nil {
					return err
				}
				continue
			}
			if err := x.settled(ctx, c, p, &out); err != nil {
				return fmt.Errorf("collection %q: %w", c.Name, err)
			}
		}
		return nil
	})
	return out, err
}

func byName(cs []chunk.Collection, name string) (chunk.Collection, bool) {
	for _, c := range cs {
		if c.Name == name {
			return c, true
		}
	}
	return chunk.Collection{}, false
}

type comparison struct {
	store    tree.Store
	target   Target
	progress func(Progress)

	differing Differing
	whole     []Difference // of the collection at hand that are of no record
	delta     *tree.Delta  // of its records; nil: it is gone
}

// settled compares a collection, and once more after something was put right.
func (x *comparison) settled(ctx context.Context, c chunk.Collection, p CollectionPlan, out *Compared) error {
	s := &settler{found: map[string]chunk.Change{}}
	if p.delta == nil {
		s = nil
	}
	first := *out
	first.Named = slices.Clone(out.Named)
	if err := x.one(ctx, c, p.want, s, out); err != nil {
		return err
	}
	var settled []Difference
	if s != nil && len(s.found) > 0 {
		var err error
		if settled, err = s.settle(ctx, x.target, c, p); err != nil {
			return err
		}
	}
	if len(settled) == 0 {
		return x.told(ctx, p.want)
	}
	*out = first
	out.Settled += len(settled)
	out.NamedSettled = append(out.NamedSettled, settled[:min(len(settled), maxNamed-len(out.NamedSettled))]...)
	if err := x.one(ctx, c, p.want, nil, out); err != nil {
		return err
	}
	return x.told(ctx, p.want)
}

func (x *comparison) one(ctx context.Context, c chunk.Collection, w Wanted, s *settler, out *Compared) error {
	var src snapshot.Source = x.target
	x.whole, x.delta = nil, nil
	whole := func(d Difference) {
		out.add(d)
		x.whole = append(x.whole, d)
	}
	if w.part == nil {
		if fields, _ := x.target.Differs(c.Description, w.Description); len(fields) > 0 {
			whole(Difference{Collection: c.Name, What: "described otherwise", Fields: fields})
		}
	} else if w.part.ids != nil {
		src = listed{x.target, slices.Sorted(maps.Keys(w.part.ids))}
	}
	got, gone, err := snapshot.Capture(ctx, x.store, src, []chunk.Collection{c},
		func(chunk.Collection) (tree.Collection, bool) { return w.Tree, true },
		func(p snapshot.Progress) {
			if x.progress != nil {
				x.progress(Progress{Collection: c.Name, Stage: Comparing, Done: p.Done, Total: p.Total})
			}
		})
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		whole(Difference{Collection: c.Name, What: "missing"})
		return nil
	}
	out.Records += got[0].Tree.Top.Count
	d, err := tree.Diff(ctx, tree.NewReader(x.store), w.Tree, got[0].Tree)
	if err != nil {
		return err
	}
	x.delta = d
	name := w.part.taking(ctx, fromSnapshot, func(x tree.Difference) error {
		if x.Op == tree.Moved {
			return nil
		}
		if s != nil {
			if err := s.note(ctx, x); err != nil {
				return err
			}
		}
		diff := Difference{Collection: c.Name, ID: x.ID, What: x.Op.String()}
		for _, k := range chunk.Columns {
			if x.Op == tree.Changed && x.Columns.Has(k) {
				diff.Fields = append(diff.Fields, k.String())
			}
		}
		out.add(diff)
		return nil
	})
	if err := d.Removed(ctx, name); err != nil {
		return err
	}
	return d.Present(ctx, name)
}
