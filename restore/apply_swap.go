package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// swap says how collections are exchanged for new ones.
type swap struct {
	repo     *repo.Repository
	snapshot repo.Snapshot
	keep     bool // the old ones

	differing Differing
	compared  Compared // the new ones, before they got their names
}

// swap gives nil where nothing is to be swapped.
func (o Options) swap(r *repo.Repository, s repo.Snapshot) *swap {
	if !o.Swap {
		return nil
	}
	return &swap{repo: r, snapshot: s, keep: o.KeepOld, differing: o.Differing}
}

// Beside is an old collection that was not dropped after a swap.
type Beside struct {
	Name    string `json:"name"`       // that it has now
	Of      string `json:"collection"` // that it had
	Writing bool   `json:"writing"`    // somebody who knows its server id is still writing there
}

// swapped makes a collection anew under a name of its own, compares it with the
// snapshot, and exchanges the names. Whatever fails before the exchange leaves
// the collection as it was.
func (a *applier) swapped(ctx context.Context, c *CollectionPlan) (err error) {
	m := mark{Role: roleNew, Name: besideName(c.Name, roleNew), Of: c.Name, Snapshot: a.swap.snapshot.ID.String(), Repository: a.swap.repo.ID()}
	anew := *c
	anew.Action, anew.Updated, anew.Deleted, anew.Added = Create, 0, 0, int(c.want.Tree.Top.Count)
	anew.want.Tree.Name = m.Name
	if anew.want.Description, err = m.on(c.want.Description); err != nil {
		return err
	}
	if anew.delta, err = tree.Diff(ctx, a.plan.reader, tree.Collection{}, c.want.Tree); err != nil {
		return err
	}
	if err := a.lacks(ctx, c); err != nil {
		return err
	}
	live, err := a.to.CreateCollection(ctx, m.Name, anew.want.Description)
	if err != nil {
		return a.unmade(ctx, &anew, chunk.Collection{Name: m.Name}, err)
	}
	live.Description = anew.want.Description
	if err := a.records(ctx, &anew, live); err != nil {
		return a.unmade(ctx, &anew, live, err)
	}
	if a.needs == nil {
		if err := a.verify(ctx, c, &anew); err != nil {
			return a.unmade(ctx, &anew, live, err)
		}
	}
	was, exchanged, err := a.exchange(ctx, c, live)
	if err != nil && !exchanged {
		return a.unmade(ctx, &anew, live, err)
	}
	if err == nil {
		a.done.Swapped = append(a.done.Swapped, c.Name)
	}
	if err != nil || c.have == nil {
		return err
	}
	return a.leave(ctx, c.have, Beside{Name: was, Of: c.Name}, a.swap.keep)
}

// verify compares what was written beside with the snapshot.
func (a *applier) verify(ctx context.Context, c, anew *CollectionPlan) error {
	if a.Supplement != nil && a.Supplement.strict && c.have != nil {
		if _, err := a.keepWhole(ctx, c.have, c.Name); err != nil {
			return err
		}
	}
	foretold := map[string]bool{} // ids
	for _, x := range a.done.Inexact {
		foretold[x.Collection+"\x00"+x.ID] = true
	}
	for _, x := range a.done.Refused {
		foretold[x.Collection+"\x00"+x.ID] = true
	}
	wrong := 0
	got, err := compareAll(ctx, a.swap.repo, a.target, []CollectionPlan{*anew}, func(p Progress) { p.Collection = c.Name; a.tell(p) },
		func(d Difference, record *RecordDiff) error {
			if d.Collection = c.Name; !foretold[d.Collection+"\x00"+d.ID] {
				wrong++
			}
			if a.swap.differing == nil {
				return nil
			}
			if record != nil {
				record.Collection = c.Name
			}
			return a.swap.differing(d, record)
		})
	if err != nil {
		return fmt.Errorf("written beside it, but not compared: %w", err)
	}
	for _, named := range [][]Difference{got.Named, got.NamedSettled} {
		for i := range named {
			named[i].Collection = c.Name
		}
	}
	a.swap.compared.join(got)
	if wrong > 0 {
		return &SwapError{c.Name, wrong}
	}
	return nil
}

// SwapError: what was written beside a collection is not what the snapshot has.
// Nothing was exchanged.
type SwapError struct {
	Collection  string
	Differences int
}

func (e *SwapError) Error() string {
	return fmt.Sprintf("what was written beside differs from the snapshot in %d records, so the names were not exchanged", e.Differences)
}

// Hint says what to do next.
func (e *SwapError) Hint() string {
	return "the collection is as it was; run it again, and see the log of the Chroma server if that does not help"
}

// leave keeps what was written late to a collection that lost its name, and
// drops it where it shall not be kept. One that somebody goes on writing to
// stays as well.
func (a *applier) leave(ctx context.Context, c *snapshot.Captured, b Beside, keep bool) error {
	if !keep {
		err := a.drop(ctx, c, b.Name)
		if !errors.Is(err, ErrWriting) || a.Supplement.strict {
			return err
		}
		b.Writing = true
	} else if a.Supplement != nil && a.needs == nil {
		there, err := a.keepWhole(ctx, c, b.Name)
		if b.Writing = errors.Is(err, ErrWriting); err != nil && (!b.Writing || a.Supplement.strict) {
			return err
		}
		if err == nil && !there {
			return nil // somebody deleted it
		}
	}
	a.done.Beside = append(a.done.Beside, b)
	return nil
}

// remove drops what an earlier swap has left.
func (a *applier) remove(ctx context.Context, l Left) error {
	kept := len(a.done.Beside)
	err := a.leave(ctx, a.plan.extra[l.Name], Beside{Name: l.Name, Of: l.Of}, false)
	if err == nil && len(a.done.Beside) == kept {
		a.done.Dropped = append(a.done.Dropped, l.Name)
	}
	return err
}

// unmade removes a new collection after err.
func (a *applier) unmade(ctx context.Context, anew *CollectionPlan, live chunk.Collection, err error) error {
	if a.needs != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMoments)
	defer cancel()
	var gone error
	if live.ServerID != "" {
		gone = a.deleteArrays(ctx, &snapshot.Captured{Collection: live, Tree: anew.want.Tree}, live.Name)
	}
	if gone == nil {
		gone = a.to.DeleteCollection(ctx, live.Name)
	}
	if gone != nil && !a.target.Gone(gone) {
		return fmt.Errorf("%w (and %s is left; the same command removes it)", err, live.Name)
	}
	return err
}

// join adds what another comparison found.
func (c *Compared) join(o Compared) {
	c.Records += o.Records
	c.Differences += o.Differences
	c.Settled += o.Settled
	c.Named = slices.Concat(c.Named, o.Named)
	c.Named = c.Named[:min(len(c.Named), maxNamed)]
	c.NamedSettled = slices.Concat(c.NamedSettled, o.NamedSettled)
	c.NamedSettled = c.NamedSettled[:min(len(c.NamedSettled), maxNamed)]
}
