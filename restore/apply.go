package restore

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/tree"
)

// A write is handed on when so many changes or bytes have come together: a few
// of the target's own batches, so that it can prepare one while another is
// under way.
const (
	applyRecords = 4000
	applyBytes   = 24 << 20
)

// Stage names what is going on, for a progress display.
type Stage string

const (
	Deleting  Stage = "delete"
	Updating  Stage = "update"
	Adding    Stage = "add"
	Comparing Stage = "compare"
)

// Progress tells how far a stage has come, in records.
type Progress struct {
	Collection string
	Stage      Stage
	Done       int
	Total      int
}

// Applied says what was done.
type Applied struct {
	chunk.WriteReport
	Created []string
	Renamed []string
	Dropped []string
}

// Apply carries out a plan: names first, then each collection's deletions,
// updates and additions in the snapshot's order, then the extra collections are
// dropped where dropExtra says so. What it returns holds also with an error.
func Apply(ctx context.Context, t Target, p *Plan, dropExtra bool, progress func(Progress)) (Applied, error) {
	a := &applier{target: t, plan: p, progress: progress, moved: map[string]string{}}
	if len(p.Blocked) > 0 && !dropExtra {
		return a.done, fmt.Errorf("collection %q has the name of one that was renamed and must go first; allow it with --drop-extra", p.Blocked[0])
	}
	if err := a.rename(ctx); err != nil {
		return a.done, err
	}
	for i := range p.Collections {
		c := &p.Collections[i]
		if err := a.collection(ctx, c); err != nil {
			return a.done, fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	if dropExtra {
		for _, name := range p.Extra {
			if err := t.DeleteCollection(ctx, a.nameNow(name)); err != nil && !t.Gone(err) {
				return a.done, err
			}
			a.done.Dropped = append(a.done.Dropped, name)
		}
	}
	return a.done, nil
}

type applier struct {
	target   Target
	plan     *Plan
	progress func(Progress)
	done     Applied
	moved    map[string]string // name at the time of the plan → name now
}

func (a *applier) nameNow(name string) string {
	if now, ok := a.moved[name]; ok {
		return now
	}
	return name
}

// rename gives collections their names back. One that has a name which another
// shall get steps aside first.
func (a *applier) rename(ctx context.Context) error {
	var renamed []*CollectionPlan
	for i := range a.plan.Collections {
		if c := &a.plan.Collections[i]; c.RenamedFrom != "" {
			renamed = append(renamed, c)
		}
	}
	aside := func(c chunk.Collection) error {
		name := asideName(c.Name)
		if err := a.target.ModifyCollection(ctx, c, name, c.Description); err != nil {
			return err
		}
		a.moved[c.Name] = name
		return nil
	}
	if len(renamed) == 0 {
		return nil
	}
	live, err := a.target.Collections(ctx)
	if err != nil {
		return err
	}
	for _, c := range renamed {
		for _, other := range live {
			if other.Name == c.Name && other.ServerID != c.have.Collection.ServerID && a.moved[other.Name] == "" {
				if err := aside(other); err != nil {
					return err
				}
			}
		}
	}
	for _, c := range renamed {
		from := c.have.Collection
		if err := a.target.ModifyCollection(ctx, from, c.Name, from.Description); err != nil {
			return err
		}
		delete(a.moved, from.Name)
		c.have.Collection.Name = c.Name
		a.done.Renamed = append(a.done.Renamed, c.Name)
	}
	return nil
}

// asideName is a name that nobody has; Chroma allows 512 characters.
func asideName(name string) string {
	suffix := "-aside-" + strings.ToLower(rand.Text()[:8])
	return name[:min(len(name), 512-len(suffix))] + suffix
}

func (a *applier) collection(ctx context.Context, c *CollectionPlan) error {
	live := chunk.Collection{}
	switch c.Action {
	case Keep:
		return nil
	case Recreate:
		if err := a.target.DeleteCollection(ctx, c.Name); err != nil && !a.target.Gone(err) {
			return err
		}
		a.done.Deleted += c.Deleted
		fallthrough
	case Create:
		var err error
		if live, err = a.target.CreateCollection(ctx, c.Name, c.want.Description); err != nil {
			return err
		}
		a.done.Created = append(a.done.Created, c.Name)
	case Change:
		live = c.have.Collection
		if len(c.Fields) > 0 {
			if err := a.target.ModifyCollection(ctx, live, c.Name, c.want.Description); err != nil {
				return err
			}
		}
	}
	live.Description = c.want.Description
	return a.records(ctx, c, live)
}

// records writes the difference in three passes: deletions, updates, additions.
func (a *applier) records(ctx context.Context, c *CollectionPlan, live chunk.Collection) error {
	b := &batch{applier: a, plan: c, live: live}
	if c.Action == Change {
		b.begin(Deleting, c.Deleted)
		err := c.delta.Removed(ctx, func(x tree.Difference) error {
			return b.add(ctx, chunk.Change{Have: &chunk.Record{ID: x.ID}})
		})
		if err == nil {
			err = b.flush(ctx)
		}
		if err != nil {
			return err
		}
		b.begin(Updating, c.Updated)
		if err := b.present(ctx, tree.Changed); err != nil {
			return err
		}
	}
	b.begin(Adding, c.Added)
	return b.present(ctx, tree.Added)
}

// batch collects changes of one stage.
type batch struct {
	*applier
	plan    *CollectionPlan
	live    chunk.Collection
	changes []chunk.Change
	bytes   int
	at      Progress
}

func (b *batch) begin(s Stage, total int) {
	b.at = Progress{Collection: b.plan.Name, Stage: s, Total: total}
}

func (b *batch) present(ctx context.Context, op tree.Op) error {
	err := b.plan.delta.Present(ctx, func(x tree.Difference) error {
		if x.Op != op {
			return nil
		}
		c, err := change(ctx, x)
		if err != nil {
			return err
		}
		return b.add(ctx, c)
	})
	if err != nil {
		return err
	}
	return b.flush(ctx)
}

// change loads the columns that a change needs: those that differ, and all of
// them where a document or uri may have to go, which no update can do.
func change(ctx context.Context, x tree.Difference) (chunk.Change, error) {
	var kinds []chunk.Kind
	if x.Op == tree.Changed && !x.Columns.Has(chunk.Documents) && !x.Columns.Has(chunk.URIs) {
		for _, k := range chunk.Columns {
			if x.Columns.Has(k) {
				kinds = append(kinds, k)
			}
		}
	}
	want, err := x.After(ctx, kinds...)
	if err != nil || x.Op == tree.Added {
		return chunk.Change{Want: &want}, err
	}
	have, err := x.Before(ctx, kinds...)
	return chunk.Change{Have: &have, Want: &want}, err
}

func (b *batch) add(ctx context.Context, c chunk.Change) error {
	b.changes = append(b.changes, c)
	if w := c.Want; w != nil {
		b.bytes += 4*len(w.Embedding) + 200
		for _, s := range []*string{w.Document, w.URI} {
			if s != nil {
				b.bytes += len(*s)
			}
		}
	}
	if len(b.changes) >= applyRecords || b.bytes >= applyBytes {
		return b.flush(ctx)
	}
	return nil
}

func (b *batch) flush(ctx context.Context) error {
	if len(b.changes) == 0 {
		return nil
	}
	w, err := b.target.Write(ctx, b.live, b.changes, func(n int) {
		b.at.Done += n
		if b.progress != nil {
			b.progress(b.at)
		}
	})
	b.done.Add(w)
	b.changes = slices.Delete(b.changes, 0, len(b.changes))
	b.bytes = 0
	return err
}
