package snapshot

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// CopyOptions say what is copied.
type CopyOptions struct {
	// Snapshots are those to copy, parents before children; nil: all.
	Snapshots []repo.Snapshot
	// Again copies also what was deleted in the other repository: it was asked
	// for by name.
	Again bool
	// DryRun stops when it is known what is missing: Copied has it, without
	// copies.
	DryRun   bool
	Progress func(done, total int, s repo.Snapshot) // before each snapshot
}

// Copied is a snapshot and its copy.
type Copied struct{ From, To repo.Snapshot }

// NotCopied is a snapshot that could not be read whole.
type NotCopied struct {
	Snapshot repo.Snapshot
	Err      error
}

// CopyResult is what a copy came to.
type CopyResult struct {
	Copied  []Copied
	Present int // snapshots that were there already
	Deleted int // that were there once, and were deleted
	Damaged []NotCopied
	Notes   int   // annotations that were added
	Stored  int64 // bytes of all files written, but for annotations
	SameIDs bool  // chunks went over as they are
}

// batchSize is after how many snapshots copied chunks become durable: few, so
// that what was copied is not copied again after a crash; many, so that small
// ones share packs and index files.
const batchSize = 32

// Copy brings snapshots of a repository into another one, with what is said
// about them, and stores there only what is missing. Where the two agree on ids
// a snapshot keeps its record and so its id. Else its records are read and
// built into a tree anew; the copy refers to that of an earlier state.
func Copy(ctx context.Context, from, to *repo.Repository, o CopyOptions) (CopyResult, error) {
	c := &copying{from: from, to: to, o: o, built: map[chunk.ID]tree.Collection{}}
	if err := c.plan(ctx); err != nil {
		return c.res, err
	}
	if c.res.SameIDs = c.to.SameIDs(c.from); o.DryRun {
		for _, s := range c.missing {
			c.res.Copied = append(c.res.Copied, Copied{From: s})
		}
		return c.res, nil
	}
	err := c.write(ctx)
	if e := c.annotate(ctx); err == nil {
		err = e
	}
	return c.res, err
}

// copying is one Copy.
type copying struct {
	from, to *repo.Repository
	o        CopyOptions
	res      CopyResult

	origins map[chunk.ID]chunk.ID // of the snapshots here
	missing []repo.Snapshot
	pruned  map[chunk.ID]bool          // of them, those that were there under the same id, deleted and pruned
	there   map[chunk.ID]repo.Snapshot // the copy of each origin
	newest  map[string]repo.Snapshot   // copy at the other side by source

	reader *tree.Reader
	built  map[chunk.ID]tree.Collection // collections over there by their logical id here
}

// plan finds out what is missing.
func (c *copying) plan(ctx context.Context) error {
	all, err := c.from.Snapshots(ctx)
	if err != nil {
		return err
	}
	if c.o.Snapshots == nil {
		c.o.Snapshots = all
	}
	c.origins = make(map[chunk.ID]chunk.ID, len(all))
	for _, s := range all {
		c.origins[s.ID] = s.Origin()
	}
	list, err := c.to.Snapshots(ctx)
	if err != nil {
		return err
	}
	deleted, err := c.to.DeletedSnapshots(ctx)
	if err != nil {
		return err
	}
	c.there, c.newest = map[chunk.ID]repo.Snapshot{}, map[string]repo.Snapshot{}
	for _, s := range list {
		c.there[s.Origin()] = s
		c.newest[s.Source] = s
	}
	gone := map[chunk.ID]repo.Snapshot{}
	for _, s := range deleted {
		gone[s.Origin()] = s
	}
	notes, err := c.to.Annotations(ctx)
	if err != nil {
		return err
	}
	c.pruned = map[chunk.ID]bool{}
	for _, s := range c.o.Snapshots {
		_, there := c.there[s.Origin()]
		old, once := gone[s.Origin()]
		pruned := !once && notes[s.ID].Deleted()
		switch {
		case there:
			c.res.Present++
		case !once && !pruned:
			c.missing = append(c.missing, s)
		case !c.o.Again:
			c.res.Deleted++
		case c.o.DryRun || pruned:
			c.pruned[s.ID] = pruned
			c.missing = append(c.missing, s)
		default:
			if err := c.bringBack(ctx, s, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// bringBack takes back that a copy was deleted; where prune was faster, it is
// missing.
func (c *copying) bringBack(ctx context.Context, s, old repo.Snapshot) error {
	err := c.to.Undelete(ctx, old)
	if errors.Is(err, repo.ErrNoSnapshot) {
		c.missing = append(c.missing, s)
		return nil
	}
	if err == nil {
		c.done(s, old)
	}
	return err
}

func (c *copying) write(ctx context.Context) error {
	if len(c.missing) == 0 {
		return nil
	}
	return c.to.Write(ctx, func(w *repo.Writer) (err error) {
		defer func() { c.res.Stored = w.Stats().Bytes }()
		if c.res.SameIDs {
			return c.asTheyAre(ctx, w)
		}
		return c.anew(ctx, w)
	})
}

// asTheyAre copies chunk by chunk.
func (c *copying) asTheyAre(ctx context.Context, w *repo.Writer) error {
	copier, err := w.NewCopier(c.from)
	if err != nil {
		return err
	}
	var batch []repo.Snapshot
	commit := func() error {
		for _, s := range batch {
			made, err := copier.Snapshot(ctx, s)
			if err != nil {
				return fmt.Errorf("%v: %w", s, err)
			}
			if c.pruned[s.ID] {
				if err := c.to.Undelete(ctx, made); err != nil {
					return err
				}
			}
			c.done(s, made)
		}
		batch = nil
		return nil
	}
	for i, s := range c.missing {
		c.progress(i, s)
		switch err := copier.Chunks(ctx, s); {
		case c.damaged(ctx, s, err):
			continue
		case err != nil:
			return fmt.Errorf("%v: %w", s, err)
		}
		if batch = append(batch, s); len(batch) == batchSize {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	return commit()
}

// anew builds the tree of each snapshot with the ids of the other repository.
func (c *copying) anew(ctx context.Context, w *repo.Writer) error {
	c.reader = tree.NewReader(c.from)
	for i, s := range c.missing {
		c.progress(i, s)
		base, parent := c.base(s)
		root, err := c.rebuild(ctx, w, s, base)
		if c.damaged(ctx, s, err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		made, err := w.SaveCopy(ctx, s, root, parent)
		if err != nil {
			return fmt.Errorf("%v: %w", s, err)
		}
		c.done(s, made)
	}
	return nil
}

func (c *copying) progress(done int, s repo.Snapshot) {
	if c.o.Progress != nil {
		c.o.Progress(done, len(c.missing), s)
	}
}

// damaged notes a snapshot that cannot be read whole; the others still can.
func (c *copying) damaged(ctx context.Context, s repo.Snapshot, err error) bool {
	if ctx.Err() != nil || !errors.Is(err, repo.ErrDamaged) && !errors.Is(err, chunk.ErrCorrupt) {
		return false
	}
	c.res.Damaged = append(c.res.Damaged, NotCopied{s, err})
	return true
}

func (c *copying) done(s, made repo.Snapshot) {
	c.res.Copied = append(c.res.Copied, Copied{s, made})
	c.there[s.Origin()] = made
	c.newest[made.Source] = made
}

// base gives the copy that a new one refers to: of the parent, or else the
// newest of the source. And it gives the parent: its copy, or else what that
// will be a copy of.
func (c *copying) base(s repo.Snapshot) (base repo.Snapshot, parent chunk.ID) {
	parent, ok := c.origins[s.ParentID()]
	if !ok {
		parent = s.ParentID()
	}
	if made, ok := c.there[parent]; ok {
		return made, made.ID
	}
	return c.newest[s.Source], parent
}

// rebuild builds the tree of a snapshot.
func (c *copying) rebuild(ctx context.Context, w *repo.Writer, s, base repo.Snapshot) (chunk.Root, error) {
	collections, err := c.reader.Collections(ctx, s.Root)
	if err != nil {
		return chunk.Root{}, err
	}
	earlier := (&history{all: []repo.Snapshot{base}}).earlier(ctx, tree.NewReader(w))
	var out []tree.Collection
	for _, from := range collections {
		says := from.Logical(c.from.Hasher())
		made, ok := c.built[says]
		if !ok {
			if made, err = c.collection(ctx, w, from, serverID(s, from.Name), earlier); err != nil {
				return chunk.Root{}, fmt.Errorf("collection %q: %w", from.Name, err)
			}
			c.built[says] = made
		}
		made.Tenant, made.Database, made.Name = from.Tenant, from.Database, from.Name
		out = append(out, made)
	}
	return SaveRoot(ctx, w, out, base.Root)
}

func (c *copying) collection(ctx context.Context, w *repo.Writer, from tree.Collection, server string, earlier Earlier) (out tree.Collection, err error) {
	d, err := c.reader.Description(ctx, from)
	if err != nil {
		return out, err
	}
	if out.Description, err = tree.SaveDescription(ctx, w, d); err != nil {
		return out, err
	}
	b, err := newBuilder(ctx, w, chunk.Collection{Name: from.Name, ServerID: server, Description: d}, earlier)
	if err != nil {
		return out, err
	}
	err = c.reader.Groups(ctx, from, func(_ int64, g tree.Group) error {
		recs, err := c.reader.Records(ctx, g)
		if err != nil {
			return err
		}
		return b.Add(ctx, recs)
	})
	if err != nil {
		return out, err
	}
	out.Height, out.Top, err = b.Finish(ctx)
	return out, err
}

// serverID is the id that the server had for a collection of a snapshot.
func serverID(s repo.Snapshot, name string) string {
	for _, info := range s.Collections {
		if info.Name == name {
			return info.ServerID
		}
	}
	return ""
}

// annotate brings over what is said about the snapshots, also about those that
// were copied earlier.
func (c *copying) annotate(ctx context.Context) error {
	notes, err := c.from.Annotations(ctx)
	if err != nil {
		return err
	}
	have, err := c.to.Annotations(ctx)
	if err != nil {
		return err
	}
	for _, s := range c.o.Snapshots {
		made, ok := c.there[s.Origin()]
		if !ok {
			continue
		}
		n, err := c.to.CopyNotes(ctx, made.ID, notes[s.ID], have[made.ID])
		c.res.Notes += n
		if err != nil {
			return err
		}
	}
	return nil
}
