package guard

import (
	"context"
	"errors"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// structure notes what became of the collections. before has the server ids that
// were there when the request came: what is new, the request has made, and what was
// there and is not known others have. Nil: nobody knows, and the request is given
// none.
func (r *recorder) structure(ctx context.Context, words string, before map[string]bool) error {
	all, err := r.list(ctx)
	if err != nil {
		return err
	}
	next := map[string]*collection{}
	for _, live := range all {
		c := r.collection(live.ServerID)
		if c == nil {
			c, err = r.read(ctx, live, &collection{foreign: before == nil || before[live.ServerID]})
		} else {
			c, err = r.described(ctx, *c, live)
		}
		if err != nil {
			return errors.Join(err, r.discard(next))
		}
		if c != nil {
			next[live.ServerID] = c
		}
	}
	return r.point(ctx, words, func() error { return r.replace(next) })
}

// there gives the server ids of the collections that are there; nil where that
// cannot be found out.
func (r *recorder) there(ctx context.Context) map[string]bool {
	all, err := r.list(ctx)
	if err != nil {
		return nil
	}
	ids := map[string]bool{}
	for _, live := range all {
		ids[live.ServerID] = true
	}
	return ids
}

// described is a collection with what the server says of it now.
func (r *recorder) described(ctx context.Context, c collection, live chunk.Collection) (*collection, error) {
	id, err := tree.SaveDescription(ctx, r.store, live.Description)
	c.live, c.tree.Name, c.tree.Description = live, live.Name, id
	return &c, err
}

// whole reads a collection anew, after a write that does not say which records
// it changes.
func (r *recorder) whole(ctx context.Context, serverID, words string) error {
	c := r.collection(serverID)
	if c == nil {
		return nil
	}
	all, err := r.list(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(live chunk.Collection) bool { return live.ServerID == serverID })
	if i < 0 {
		return r.gone(ctx, serverID, words)
	}
	now, err := r.read(ctx, all[i], c)
	if err != nil {
		return err
	}
	if now == nil {
		return r.gone(ctx, serverID, words)
	}
	return r.point(ctx, words, func() error {
		r.collections[serverID] = now
		return c.places.close()
	})
}

// gone notes that a collection is gone. The others stay as they are: their records
// may be written meanwhile.
func (r *recorder) gone(ctx context.Context, serverID, words string) error {
	return r.point(ctx, words, func() error {
		next := maps.Clone(r.collections)
		delete(next, serverID)
		return r.replace(next)
	})
}

// read captures a collection anew, of which old is what is known; nil: it is gone
// meanwhile.
func (r *recorder) read(ctx context.Context, live chunk.Collection, old *collection) (*collection, error) {
	known := func(chunk.Collection) (tree.Collection, bool) { return old.tree, old.tree.Height > 0 }
	captured, _, err := snapshot.Capture(ctx, r.store, asked{r.db}, []chunk.Collection{live}, known, nil)
	if err != nil || len(captured) == 0 {
		return nil, err
	}
	c, err := newCollection(ctx, tree.NewReader(r.store), live, state{captured[0].Tree, captured[0].Damaged > 0}, old.base)
	if err != nil {
		return nil, err
	}
	c.foreign = old.foreign
	return c, nil
}

// replace puts other collections in place; those of the base that are gone are
// remembered for what was lost with them. r.mu is held.
func (r *recorder) replace(next map[string]*collection) (err error) {
	for id, c := range r.collections {
		switch {
		case next[id] != nil && next[id].places != c.places:
			err = errors.Join(err, c.places.close())
		case next[id] != nil:
		case c.base == nil:
			err = errors.Join(err, c.places.close())
		default:
			c.losses.lost = c.losses.base
			r.deleted = append(r.deleted, c)
		}
	}
	r.collections = next
	return err
}

// discard removes the scratch files of collections that are not put in place.
func (r *recorder) discard(next map[string]*collection) (err error) {
	for id, c := range next {
		if old := r.collection(id); old == nil || old.places != c.places {
			err = errors.Join(err, c.places.close())
		}
	}
	return err
}

// all reads every collection anew and makes a point of what differs from the
// last one: writes that did not come through the proxy, or that a crash kept
// from being recorded. Collections that are not known are others'.
func (r *recorder) all(ctx context.Context) error {
	all, err := r.list(ctx)
	if err != nil {
		return err
	}
	next := map[string]*collection{}
	for _, live := range all {
		old := r.collection(live.ServerID)
		if old == nil {
			old = &collection{foreign: true}
		}
		c, err := r.read(ctx, live, old)
		if err != nil {
			return errors.Join(err, r.discard(next))
		}
		if c != nil {
			next[live.ServerID] = c
		}
	}
	if err := r.point(ctx, unrecorded, func() error { return r.replace(next) }); err != nil {
		return err
	}
	return r.flush(ctx) // also where points are lazy
}

// close waits for what is under way and removes the scratch files.
func (r *recorder) close() (err error) {
	r.sealing.Wait()
	if r.recent != nil {
		err = r.recent.close()
	}
	for _, c := range r.collections {
		err = errors.Join(err, c.places.close())
	}
	for _, c := range r.deleted {
		err = errors.Join(err, c.places.close())
	}
	return err
}
