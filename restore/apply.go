package restore

import (
	"context"
	"fmt"
	"slices"

	"autochrome/chunk"
	"autochrome/snapshot"
)

// A write is handed on when so many changes or bytes have come together: a few
// of the target's own batches, so that it can prepare one while another is
// under way.
const (
	applyRecords = 4000
	applyBytes   = 24 << 20
)

// What deletes or overwrites goes in pieces of one request each, since it is
// read again right before it is written.
const (
	checkedRecords = 1000
	checkedBytes   = 8 << 20
)

// Stage names what is going on, for a progress display.
type Stage string

const (
	Deleting  Stage = "delete"
	Updating  Stage = "update"
	Adding    Stage = "add"
	Comparing Stage = "compare"
	Checking  Stage = "check" // what is about to be dropped
	Querying  Stage = "query"
	Preparing Stage = "prepare" // what is about to be written
)

// ApplyOptions say how a plan is carried out.
type ApplyOptions struct {
	DropExtra  bool        // drop the collections that the plan calls extra
	Supplement *Supplement // keeps what others wrote since the plan was made; nil: that is lost
	Progress   func(Progress)

	swap *swap // how collections are exchanged that the plan says so of
}

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
	Swapped []string // made anew beside, and exchanged
	Beside  []Beside // old ones of these that are still there
}

// Apply carries out a plan: names first, then what stands beside since earlier swaps goes,
// then each collection's deletions, updates and additions in the snapshot's
// order, or its swap, then the extra collections are dropped where DropExtra
// says so. What it returns holds also with an error.
func Apply(ctx context.Context, t Target, p *Plan, o ApplyOptions) (Applied, error) {
	a := &applier{ApplyOptions: o, target: t, to: t, plan: p, moved: map[string]string{}}
	err := a.apply(ctx)
	return a.done, err
}

func (a *applier) apply(ctx context.Context) error {
	p := a.plan
	if len(p.Blocked) > 0 && !a.DropExtra {
		return fmt.Errorf("collection %q has the name of one that was renamed and must go first; allow it with --drop-extra", p.Blocked[0])
	}
	if err := a.rename(ctx); err != nil {
		return err
	}
	for _, l := range p.Left {
		if err := a.remove(ctx, l); err != nil {
			return fmt.Errorf("collection %q: %w", l.Name, err)
		}
	}
	for i := range p.Collections {
		c := &p.Collections[i]
		do := a.collection
		if c.Swap {
			do = a.swapped
		}
		if err := do(ctx, c); err != nil {
			return fmt.Errorf("collection %q: %w", c.Name, err)
		}
	}
	if a.DropExtra {
		for _, name := range p.Extra {
			if err := a.drop(ctx, p.extra[name], a.nameNow(name)); err != nil {
				return fmt.Errorf("collection %q: %w", name, err)
			}
			a.done.Dropped = append(a.done.Dropped, name)
		}
	}
	return nil
}

type applier struct {
	ApplyOptions
	target Target       // read
	to     chunk.Writer // written; in a rehearsal not the target
	needs  *Needs       // of a rehearsal; nil: it is none
	plan   *Plan
	done   Applied
	moved  map[string]string // name at the time of the plan → name now
}

// drop deletes a collection that is called name now, unless it is gone. Chroma
// deletes by name, so whose that is has to be looked at last of all.
func (a *applier) drop(ctx context.Context, c *snapshot.Captured, name string) error {
	gone := *c
	if a.Supplement != nil && a.needs == nil {
		if there, err := a.keepWhole(ctx, c, name); err != nil || !there {
			return err
		}
		now, err := a.Supplement.tree(ctx, c.Tree.Name)
		if err != nil {
			return err
		}
		gone.Tree = *now
	}
	if err := a.deleteArrays(ctx, &gone, name); err != nil && !a.target.Gone(err) {
		return err
	}
	if there, err := a.stillCalled(ctx, c.Collection, name); err != nil || !there {
		return err
	}
	if err := a.to.DeleteCollection(ctx, name); err != nil && !a.target.Gone(err) {
		return err
	}
	return nil
}

// keepWhole keeps what was written since it was recorded to a collection that
// is called name now.
func (a *applier) keepWhole(ctx context.Context, c *snapshot.Captured, name string) (there bool, err error) {
	return a.Supplement.keepWhole(ctx, a.target, c, name, func(done, total int) {
		a.tell(Progress{Collection: name, Stage: Checking, Done: done, Total: total})
	})
}

func (a *applier) tell(p Progress) {
	if a.needs != nil {
		p.Stage = Preparing
	}
	if a.Progress != nil {
		a.Progress(p)
	}
}

func (a *applier) nameNow(name string) string {
	if now, ok := a.moved[name]; ok {
		return now
	}
	return name
}

// rename gives collections their names back. One that has a name which another
// shall get steps aside first, if the plan knows it: any other is somebody's, who
// would look for it in vain.
func (a *applier) rename(ctx context.Context) error {
	renamed := slices.DeleteFunc(a.plan.touched(), func(c CollectionPlan) bool { return c.RenamedFrom == "" })
	if len(renamed) == 0 {
		return nil
	}
	live, err := a.target.Collections(ctx)
	if err != nil {
		return err
	}
	var inTheWay []chunk.Collection
	for _, c := range renamed {
		other, there := byName(live, c.Name)
		if !there || other.ServerID == c.have.Collection.ServerID {
			continue
		}
		extra, known := a.plan.extra[c.Name]
		known = known && extra.Collection.ServerID == other.ServerID
		if !known && !slices.ContainsFunc(renamed, func(c CollectionPlan) bool { return c.have.Collection.ServerID == other.ServerID }) {
			return fmt.Errorf("collection %q: somebody has given its name to another one meanwhile, so it cannot get it back from %q", c.Name, c.RenamedFrom)
		}
		inTheWay = append(inTheWay, other)
	}
	for _, c := range inTheWay {
		name := withSuffix(c.Name, "-aside-")
		if err := a.to.ModifyCollection(ctx, c, name, c.Description); err != nil {
			return err
		}
		a.moved[c.Name] = name
	}
	for _, c := range renamed {
		from := c.have.Collection
		if err := a.to.ModifyCollection(ctx, from, c.Name, unmarked(from.Description)); err != nil {
			return err
		}
		delete(a.moved, from.Name)
		a.done.Renamed = append(a.done.Renamed, c.Name)
	}
	return nil
}

func (a *applier) collection(ctx context.Context, c *CollectionPlan) error {
	live := chunk.Collection{}
	switch c.Action {
	case Keep:
		return nil
	case Recreate:
		if err := a.drop(ctx, c.have, c.Name); err != nil {
			return err
		}
		a.done.Deleted += c.Deleted
		fallthrough
	case Create:
		if err := a.lacks(ctx, c); err != nil {
			return err
		}
		var err error
		if live, err = a.to.CreateCollection(ctx, c.Name, c.want.Description); err != nil {
			return err
		}
		a.done.Created = append(a.done.Created, c.Name)
	case Change:
		live = c.have.Collection
		if live.Name != c.Name {
			live.Name, live.Description = c.Name, unmarked(live.Description) // by now
		}
		if len(c.Fields) > 0 {
			if err := a.to.ModifyCollection(ctx, live, c.Name, c.want.Description); err != nil {
				return err
			}
		}
	}
	if c.want.part == nil {
		live.Description = c.want.Description
	}
	return a.records(ctx, c, live)
}
