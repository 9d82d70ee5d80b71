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
	var out Compared
	live, err := t.Collections(ctx)
	if err != nil {
		return out, err
	}
	err = snapshot.WithScratch(base, func(store *snapshot.Scratch) error {
		r := tree.NewReader(store)
		for _, w := range want {
			c, ok := byName(live, w.Tree.Name)
			if !ok {
				out.add(Difference{Collection: w.Tree.Name, What: "missing"})
				continue
			}
			if err := compareOne(ctx, store, r, t, c, w, &out, progress); err != nil {
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

func compareOne(ctx context.Context, store tree.Store, r *tree.Reader, t Target, c chunk.Collection, w Wanted, out *Compared, progress func(Progress)) error {
	var src snapshot.Source = t
	if w.part == nil {
		if fields, _ := t.Differs(c.Description, w.Description); len(fields) > 0 {
			out.add(Difference{Collection: c.Name, What: "described otherwise", Fields: fields})
		}
	} else if w.part.ids != nil {
		src = listed{t, slices.Sorted(maps.Keys(w.part.ids))}
	}
	got, gone, err := snapshot.Capture(ctx, store, src, []chunk.Collection{c},
		func(chunk.Collection) (tree.Collection, bool) { return w.Tree, true },
		func(p snapshot.Progress) {
			if progress != nil {
				progress(Progress{Collection: c.Name, Stage: Comparing, Done: p.Done, Total: p.Total})
			}
		})
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		out.add(Difference{Collection: c.Name, What: "missing"})
		return nil
	}
	out.Records += got[0].Tree.Top.Count
	d, err := tree.Diff(ctx, r, w.Tree, got[0].Tree)
	if err != nil {
		return err
	}
	name := w.part.taking(func(x tree.Difference) error {
		if x.Op == tree.Moved {
			return nil
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
