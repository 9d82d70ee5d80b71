package snapshot

import (
	"context"
	"errors"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// Live looks in a running database for what a repository has lost. It takes
// nothing on trust: content counts where its hash is the id of what is lost, so
// it does not matter when and from where it is read. What it finds is kept in
// scratch files.
type Live struct {
	asked
	hasher   *chunk.Hasher
	scratch  *Scratch   // of columns
	trees    []*Scratch // of the live database; each is built as if it were alone
	progress func(done, all int)

	collections []chunk.Collection // of the database
	losses      repo.Losses        // sought now
	rebuilt     bool
	sought      []Sought
}

// Sought is a chunk that was looked for.
type Sought struct {
	Kind       chunk.Kind
	Collection string // "": of a tree, of which it is not known
	Rows       int    // records; 0: not known
	First      string // id of the first; "": not known
	Last       string // id of the last; "": not known
	Found      bool
	Why        string // it was not found

	id chunk.ID
}

// WithLive gives fn a Live over a database, whose Seek and Find are those of
// repo.PackRepairOptions. progress is told of chunks; nil: nobody is.
func WithLive(ctx context.Context, r *repo.Repository, src Source, progress func(done, all int), fn func(*Live) error) (err error) {
	collections, err := src.Collections(ctx)
	if err != nil {
		return err
	}
	l := &Live{asked: asked{src: src}, hasher: r.Hasher(), collections: collections, progress: progress}
	if l.progress == nil {
		l.progress = func(int, int) {}
	}
	defer func() {
		for _, s := range l.trees {
			err = errors.Join(err, s.close())
		}
	}()
	return WithScratch((*unlost)(l), func(s *Scratch) error {
		l.scratch = s
		return fn(l)
	})
}

// unlost is what the scratch files of a Live stand on: what of the repository is
// not lost, and what was found.
type unlost Live

func (u *unlost) Hasher() *chunk.Hasher { return u.hasher }

// Has does not count what was found: where rows lie depends on what is there, and
// it was not there when the snapshots were taken.
func (u *unlost) Has(id chunk.ID) bool { return u.losses.Has(id) }

func (u *unlost) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	if s := (*Live)(u).keeper(id); s != nil {
		return s.Load(ctx, id)
	}
	return u.losses.Load(ctx, id)
}

// keeper gives the scratch file that has a chunk, or nil.
func (l *Live) keeper(id chunk.ID) *Scratch {
	if l.scratch.Kept(id) {
		return l.scratch
	}
	for _, s := range l.trees {
		if s.Kept(id) {
			return s
		}
	}
	return nil
}

// Find gives what was found: see repo.PackRepairOptions.
func (l *Live) Find(ctx context.Context, id chunk.ID) ([]byte, error) {
	if s := l.keeper(id); s != nil {
		return s.Load(ctx, id)
	}
	return nil, repo.ErrMissing
}

// Sought says what became of all that was looked for. What was not found when it
// was looked for may have been found later, with something else.
func (l *Live) Sought() []Sought {
	for i := range l.sought {
		if s := &l.sought[i]; !s.Found && l.keeper(s.id) != nil {
			s.Found, s.Why = true, ""
		}
	}
	return l.sought
}

// Seek looks for what is lost.
func (l *Live) Seek(ctx context.Context, losses repo.Losses) error {
	l.losses = losses
	for _, kind := range losses.Chunks {
		if !kind.IsColumn() && !l.rebuilt {
			l.rebuilt = true
			if err := l.rebuild(ctx); err != nil {
				return err
			}
		}
	}
	if err := l.columns(ctx); err != nil {
		return err
	}
	for id, kind := range losses.Chunks {
		if !kind.IsColumn() {
			s := Sought{Kind: kind, Found: l.keeper(id) != nil, id: id}
			if !s.Found {
				s.Why = "what Chroma holds now does not give it"
			}
			l.sought = append(l.sought, s)
		}
	}
	return nil
}

// damaged says whether an error tells damage, until somebody ends the work.
func (l *Live) damaged(ctx context.Context) func(error) bool {
	return func(err error) bool { return ctx.Err() == nil && (damaged(err) || errors.Is(err, repo.ErrMissing)) }
}

// maxParents bounds on how many snapshots the live state is built.
const maxParents = 8

// rebuild makes the trees that a snapshot of the live database would have: one
// without a parent, and one on the parent of each of the newest snapshots of
// whose trees something is lost. What comes out the same is what is lost.
func (l *Live) rebuild(ctx context.Context) error {
	store, err := l.newTree()
	if err != nil {
		return err
	}
	captured, _, err := Capture(ctx, store, l.src, l.collections, nil, nil)
	if err != nil {
		return err
	}
	if err := l.saveRoots(ctx, store, captured, repo.Snapshot{}); err != nil {
		return err
	}
	built := map[chunk.ID]bool{}
	for i := len(l.losses.List) - 1; i >= 0 && len(built) < maxParents; i-- {
		s := l.losses.List[i]
		at := slices.IndexFunc(l.losses.List, func(p repo.Snapshot) bool { return s.Parent != nil && p.ID == *s.Parent })
		if at < 0 || built[*s.Parent] {
			continue
		}
		lacks, err := l.lacksTree(ctx, s)
		if err != nil {
			return err
		}
		if !lacks {
			continue
		}
		built[*s.Parent] = true
		if err := l.rebuildOn(ctx, captured, l.losses.List[at]); err != nil {
			return err
		}
	}
	return nil
}

// newTree gives a scratch file for another tree.
func (l *Live) newTree() (*Scratch, error) {
	s, err := newScratch((*unlost)(l))
	if err == nil {
		l.trees = append(l.trees, s)
	}
	return s, err
}

// errFound ends a walk that has found what it looks for.
var errFound = errors.New("found")

// lacksTree reports whether something of a snapshot's tree is lost, other than
// columns.
func (l *Live) lacksTree(ctx context.Context, s repo.Snapshot) (bool, error) {
	i := l.inspector(ctx)
	cs, lost, err := i.Collections(ctx, s.Root)
	if lost > 0 || err != nil {
		return lost > 0, l.harmless(ctx, err)
	}
	for _, c := range cs {
		if _, lost := l.losses.Chunks[c.Description]; lost {
			return true, nil
		}
		err := i.Groups(ctx, c, func(tree.Damage) error { return errFound }, func(int64, tree.Group, string) error { return nil })
		if err == errFound {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

func (l *Live) harmless(ctx context.Context, err error) error {
	if err == nil || l.damaged(ctx)(err) {
		return nil
	}
	return err
}

func (l *Live) inspector(ctx context.Context) *tree.Inspector {
	return tree.NewInspector(l.scratch, func(id chunk.ID) error {
		if _, lost := l.losses.Chunks[id]; lost {
			return repo.ErrMissing
		}
		return nil
	}, l.damaged(ctx))
}

// rebuildOn builds what was captured on the trees of a snapshot.
func (l *Live) rebuildOn(ctx context.Context, captured []Captured, parent repo.Snapshot) error {
	store, err := l.newTree()
	if err != nil {
		return err
	}
	reader := tree.NewReader(l.scratch)
	captured = slices.Clone(captured)
	for i, c := range captured {
		name, ok := nameIn(parent, c.Collection)
		if !ok {
			continue
		}
		base, err := Find(ctx, reader, parent, name)
		if err != nil {
			return l.harmless(ctx, err)
		}
		b, err := tree.NewBuilderOn(ctx, store, c.Collection.Description.Dimension, base)
		if err == nil {
			err = reader.Groups(ctx, c.Tree, func(_ int64, g tree.Group) error {
				recs, err := reader.Records(ctx, g)
				if err != nil {
					return err
				}
				return b.Add(ctx, recs)
			})
		}
		var height int
		var top tree.Node
		if err == nil {
			height, top, err = b.Finish(ctx)
		}
		if err == nil {
			captured[i].Tree.Height, captured[i].Tree.Top = height, top
		} else if err = l.harmless(ctx, err); err != nil {
			return err
		}
	}
	return l.saveRoots(ctx, store, captured, parent)
}

// saveRoots makes the roots of each set of collections that a snapshot has, on a
// parent's.
func (l *Live) saveRoots(ctx context.Context, store tree.Store, captured []Captured, parent repo.Snapshot) error {
	done := map[string]bool{}
	for _, s := range l.losses.List {
		var cs []tree.Collection
		names := ""
		for _, c := range captured {
			if _, ok := nameIn(s, c.Collection); ok {
				cs = append(cs, c.Tree)
				names += c.Collection.Name + "\x00"
			}
		}
		if done[names] {
			continue
		}
		done[names] = true
		if _, err := tree.SaveRoot(ctx, store, cs, parent.Root); l.harmless(ctx, err) != nil {
			return err
		}
	}
	return nil
}
