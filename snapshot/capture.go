package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"autochrome/chunk"
	"autochrome/tree"
)

// State is what is known about a capture: no read over HTTP is a snapshot.
type State string

const (
	Still     State = "still"      // two reads, one after the other, agree in everything
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
	k := &keeper{pager: newPager(src), store: store, earlier: earlier, progress: progress, recs: chunk.NewRecords(0)}
	group, ctx := errgroup.WithContext(ctx)
	readings := make(chan *reading, len(cs)) // the next one begins before the last is kept
	group.Go(func() error {
		k.read(ctx, cs, readings)
		return nil // the reading has the error
	})
	group.Go(func() error {
		for r := range readings {
			got, err := k.keep(ctx, r)
			if errors.Is(err, errGone) {
				gone = append(gone, r.collection.Name)
				continue
			}
			if err != nil {
				return fmt.Errorf("collection %q: %w", r.collection.Name, err)
			}
			all = append(all, got)
		}
		return ctx.Err()
	})
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return all, gone, nil
}

// errGone: the collection was deleted while it was read.
var errGone = errors.New("the collection is gone")

// keeper decodes what its pager reads, and builds trees of it.
type keeper struct {
	*pager
	store    tree.Store
	earlier  Earlier
	progress func(Progress)
	recs     *chunk.Records // of the page in hand
}

func (k *keeper) keep(ctx context.Context, r *reading) (Captured, error) {
	p, more := <-r.pages // the reading may only now know the dimension
	c := r.collection
	got := Captured{Collection: c, State: IDsStable}
	got.Tree = tree.Collection{Tenant: k.src.Tenant(), Database: k.src.Database(), Name: c.Name}
	var err error
	if got.Tree.Description, err = tree.SaveDescription(ctx, k.store, c.Description); err != nil {
		return got, err
	}
	builder, err := newBuilder(ctx, k.store, c, k.earlier)
	if err != nil {
		return got, err
	}
	done := 0
	for ; more; p, more = <-r.pages {
		k.recs.Reset(c.Description.Dimension)
		if err := k.src.Decode(p.body.Bytes(), k.recs); err != nil {
			return got, err
		}
		got.BytesRead += int64(p.body.Len())
		k.free <- p.body
		got.note(k.recs)
		if k.recs.Len() < p.asked {
			got.State = Moving
		}
		done += p.asked
		if k.progress != nil {
			k.progress(Progress{c.Name, done, r.total})
		}
		if err := builder.Add(ctx, k.recs); err != nil {
			return got, err
		}
	}
	if r.err != nil {
		if k.src.Gone(r.err) {
			return got, errGone
		}
		return got, r.err
	}
	if !r.same {
		got.State = Moving
	}
	got.Tree.Height, got.Tree.Top, err = builder.Finish(ctx)
	return got, err
}

func newBuilder(ctx context.Context, store tree.Store, c chunk.Collection, earlier Earlier) (*tree.Builder, error) {
	if earlier != nil {
		if base, ok := earlier(c); ok {
			return BuilderOn(ctx, store, c.Description.Dimension, base)
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
