package restore

import (
	"context"
	"errors"
	"time"

	"autochrome/chunk"
)

// lastMoments is how long a swap that is interrupted may take to come to a
// state that readers can live with.
const lastMoments = time.Minute

// exchange gives the new collection the name. From the first rename to the
// second nobody has it; what was is the old one's name from then on.
func (a *applier) exchange(ctx context.Context, c *CollectionPlan, anew chunk.Collection) (was string, exchanged bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMoments)
	defer cancel()
	plain := anew
	plain.Description = chunk.CollectionDescription{Dimension: anew.Description.Dimension, Metadata: anew.Description.Metadata}
	final := plain.Description
	final.Metadata = c.want.Description.Metadata
	if c.have == nil {
		err := a.renamed(ctx, plain, c.Name, final)
		return "", err == nil, err
	}
	if _, err := a.stillCalled(ctx, c.have.Collection, c.Name); err != nil {
		return "", false, err
	}
	had := c.have.Collection
	had.Name, had.Description = c.Name, unmarked(had.Description)
	r := roleOld
	if a.swap.keep {
		r = roleKept
	}
	aside, was, err := a.markedAside(had, r)
	if err != nil {
		return "", false, err
	}
	if err := a.renamed(ctx, had, was, aside); err != nil {
		if a.target.Gone(err) { // somebody deleted it: there is nothing to exchange it for
			err = a.renamed(ctx, plain, c.Name, final)
			return was, err == nil, err
		}
		return "", false, err
	}
	for try := 1; ; try++ {
		err := a.renamed(ctx, plain, c.Name, final)
		if err == nil {
			return was, true, nil
		}
		intruder, found := chunk.Collection{}, false
		if live, listErr := a.target.Collections(ctx); listErr == nil {
			intruder, found = byName(live, c.Name)
		}
		if !found || try == 3 {
			back := had
			back.Name, back.Description = was, aside
			return "", false, errors.Join(err, a.renamed(ctx, back, c.Name, had.Description))
		}
		// Somebody made one in the gap. What is in there is not ours to drop.
		marked, name, err := a.markedAside(intruder, roleKept)
		if err == nil {
			err = a.renamed(ctx, intruder, name, marked)
		}
		if err == nil {
			a.done.Beside = append(a.done.Beside, Beside{Name: name, Of: c.Name})
		}
	}
}

// markedAside gives a collection a name beside its own, and a mark.
func (a *applier) markedAside(c chunk.Collection, r role) (d chunk.CollectionDescription, name string, err error) {
	m := mark{Role: r, Name: besideName(c.Name, r), Of: c.Name, Snapshot: a.swap.snapshot.ID.String(), Repository: a.swap.repo.ID()}
	d, err = m.on(c.Description)
	return d, m.Name, err
}

// renamed renames a collection, and looks whether it was where the answer does
// not say.
func (a *applier) renamed(ctx context.Context, c chunk.Collection, name string, d chunk.CollectionDescription) error {
	err := a.to.ModifyCollection(ctx, c, name, d)
	if err == nil || a.needs != nil {
		return err
	}
	live, listErr := a.target.Collections(ctx)
	if now, ok := byServerID(live, c.ServerID); listErr == nil && ok && now.Name == name {
		return nil
	}
	return err
}
