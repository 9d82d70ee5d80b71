package restore

import (
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// State is one side of a comparison: a snapshot or a live database.
type State struct {
	Collections []StateCollection
	Moving      bool // records came or went while it was read

	unknown func(name string) bool // what it says nothing about; nil: it says all
	outside []string               // what it has and the other side says nothing about
}

// StateCollection is a collection of a State.
type StateCollection struct {
	Tree     tree.Collection
	ServerID string // "": not known, or it says nothing, since a swap gave the name to another one
}

// covers reports whether a collection of this name that is not in s is absent.
func (s State) covers(name string) bool { return s.unknown == nil || !s.unknown(name) }

// find gives the collection that a server's one is paired with.
func (s State) find(c chunk.Collection) (StateCollection, bool) {
	for _, same := range []func(x StateCollection) bool{
		func(x StateCollection) bool { return x.ServerID != "" && x.ServerID == c.ServerID },
		func(x StateCollection) bool { return x.Tree.Name == c.Name },
	} {
		if i := slices.IndexFunc(s.Collections, same); i >= 0 {
			return s.Collections[i], true
		}
	}
	return StateCollection{}, false
}

// StateOf gives a snapshot as a side of a comparison.
func StateOf(ctx context.Context, r *tree.Reader, s repo.Snapshot) (State, error) {
	cs, err := r.Collections(ctx, s.Root)
	if err != nil {
		return State{}, err
	}
	ids, err := serverIDs(ctx, r, s, cs)
	if err != nil {
		return State{}, err
	}
	var out State
	for _, c := range cs {
		out.Collections = append(out.Collections, StateCollection{c, ids[c.Name]})
	}
	out.unknown = func(name string) bool {
		return slices.Contains(s.Unreadable, name) || s.Scope.Collections != nil && !slices.Contains(s.Scope.Collections, name)
	}
	return out, nil
}

// LiveState reads a database into store, which refers to what other has, the
// state that it shall be compared with. What other says nothing about is not
// read; neither is, where names are given, what has none of them on either
// side.
func LiveState(ctx context.Context, store tree.Store, src snapshot.Source, other State, names []string, progress func(snapshot.Progress)) (State, error) {
	var out State
	all, err := src.Collections(ctx)
	if err != nil {
		return out, err
	}
	find := func(c chunk.Collection) (StateCollection, bool) {
		if aside(c, all) {
			c.ServerID = ""
		}
		return other.find(c)
	}
	var chosen []chunk.Collection
	for _, c := range all {
		o, paired := find(c)
		switch {
		case !paired && !other.covers(c.Name):
			out.outside = append(out.outside, c.Name)
		case names == nil || slices.Contains(names, c.Name) || paired && slices.Contains(names, o.Tree.Name):
			chosen = append(chosen, c)
		}
	}
	earlier := func(c chunk.Collection) (tree.Collection, bool) {
		o, ok := find(c)
		return o.Tree, ok
	}
	captured, gone, err := snapshot.Capture(ctx, store, src, chosen, earlier, progress)
	if err != nil {
		return out, err
	}
	out.Moving = len(gone) > 0
	for _, c := range captured {
		out.Moving = out.Moving || c.State == snapshot.Moving
		id := c.Collection.ServerID
		if aside(c.Collection, all) {
			id = ""
		}
		out.Collections = append(out.Collections, StateCollection{c.Tree, id})
	}
	return out, nil
}

// serverIDs gives the server ids of a snapshot's collections by name.
func serverIDs(ctx context.Context, r *tree.Reader, s repo.Snapshot, cs []tree.Collection) (map[string]string, error) {
	ids := make(map[string]string, len(s.Collections))
	var all []chunk.Collection
	for _, info := range s.Collections {
		ids[info.Name] = info.ServerID
		all = append(all, chunk.Collection{Name: info.Name})
	}
	for _, c := range cs {
		if !mayBeMarked(c.Name) {
			continue
		}
		d, err := r.Description(ctx, c)
		if err != nil {
			return nil, err
		}
		if aside(chunk.Collection{Name: c.Name, Description: d}, all) {
			ids[c.Name] = ""
		}
	}
	return ids, nil
}
