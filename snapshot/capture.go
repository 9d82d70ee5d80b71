package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/tree"
)

// State is what is known about a capture: no read over HTTP is a snapshot.
type State string

const (
	IDsStable State = "ids-stable" // one read; the ids before and after agree
	Moving    State = "moving"     // ids changed meanwhile; what was there throughout is there once
)

// maxDamage is how many damaged records are named; all are counted.
const maxDamage = 100

// Damage names a record that lacks what every record has.
type Damage struct {
	Collection string
	ID         string
	What       string
}

// Captured is one collection as it was read.
type Captured struct {
	Collection chunk.Collection
	Tree       tree.Collection
	State      State
	BytesRead  int64
	Damaged    int      // records
	Damage     []Damage // the first of them
}

// Progress tells how far the reading of a collection has come.
type Progress struct {
	Collection string
	Done       int
	Total      int
}

// Earlier finds the state of a collection that a new one may refer to.
type Earlier func(c chunk.Collection) (tree.Collection, bool)

// Capture reads collections into store. A collection that is deleted
// meanwhile is left out, and gone names it.
func Capture(ctx context.Context, store tree.Store, src Source, cs []chunk.Collection, earlier Earlier, progress func(Progress)) (all []Captured, gone []string, err error) {
	for _, c := range cs {
		got, err := captureOne(ctx, store, src, c, earlier, progress)
		if err != nil && src.Gone(err) {
			gone = append(gone, c.Name)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("collection %q: %w", c.Name, err)
		}
		all = append(all, got)
	}
	return all, gone, nil
}

func captureOne(ctx context.Context, store tree.Store, src Source, c chunk.Collection, earlier Earlier, progress func(Progress)) (Captured, error) {
	got := Captured{Collection: c, State: IDsStable}
	got.Tree = tree.Collection{Tenant: src.Tenant(), Database: src.Database(), Name: c.Name}
	var err error
	if got.Tree.Description, err = tree.SaveDescription(ctx, store, c.Description); err != nil {
		return got, err
	}
	ids, err := listIDs(ctx, src, c.ServerID)
	if err != nil {
		return got, err
	}
	defer ids.close()
	builder, err := newBuilder(ctx, store, c, earlier)
	if err != nil {
		return got, err
	}
	done, missing := 0, 0
	err = readPages(ctx, src, c, ids, func(recs *chunk.Records, asked, bytesRead int) error {
		got.BytesRead += int64(bytesRead)
		got.note(recs)
		missing += asked - recs.Len()
		done += asked
		if progress != nil {
			progress(Progress{c.Name, done, ids.count})
		}
		return builder.Add(ctx, recs)
	})
	if err != nil {
		return got, err
	}
	if got.Tree.Height, got.Tree.Top, err = builder.Finish(ctx); err != nil {
		return got, err
	}
	same, err := ids.unchanged(ctx, src, c.ServerID)
	if err != nil {
		return got, err
	}
	if !same || missing > 0 {
		got.State = Moving
	}
	return got, nil
}

func newBuilder(ctx context.Context, store tree.Store, c chunk.Collection, earlier Earlier) (*tree.Builder, error) {
	if earlier != nil {
		if base, ok := earlier(c); ok {
			return tree.NewBuilderOn(ctx, store, c.Description.Dimension, base)
		}
	}
	return tree.NewBuilder(store, c.Description.Dimension), nil
}

// note remembers damaged records.
func (c *Captured) note(recs *chunk.Records) {
	for i := range recs.Len() {
		what := recs.Damage(i)
		if what == "" {
			continue
		}
		c.Damaged++
		if len(c.Damage) < maxDamage {
			c.Damage = append(c.Damage, Damage{c.Collection.Name, string(recs.ID(i)), what})
		}
	}
}

// Select gives the collections of these names, or all without names. A name
// that is not there is an error unless missing allows it: asking for it was a
// mistake, and a snapshot without it would look like one of an empty
// collection.
func Select(cs []chunk.Collection, names []string, missing bool) ([]chunk.Collection, error) {
	if names == nil {
		return cs, nil
	}
	for _, name := range names {
		if !missing && !slices.ContainsFunc(cs, func(c chunk.Collection) bool { return c.Name == name }) {
			return nil, fmt.Errorf("no collection %q in the database; there are: %s", name, list(cs))
		}
	}
	return slices.DeleteFunc(slices.Clone(cs), func(c chunk.Collection) bool { return !slices.Contains(names, c.Name) }), nil
}

func list(cs []chunk.Collection) string {
	if len(cs) == 0 {
		return "none"
	}
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = c.Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
