package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// Lacking is a snapshot that cannot be read whole, and what is left of it.
type Lacking struct {
	Snapshot    repo.Snapshot
	Collections []LackingCollection // that lack something
	Err         error               // why not even its collections are known; nil: they are
}

// LackingCollection is what a collection lacks.
type LackingCollection struct {
	Name    string
	Records int64         // that cannot be had, or not whole
	Whole   error         // why nothing of the collection can be had; nil: the rest can
	Damage  []tree.Damage // what they lack, by column; at most maxLacking
	Taken   []tree.Damage // what a live database has of it, likewise
}

// maxLacking bounds what is said of a collection.
const maxLacking = 100

// Records is how many records of the snapshot cannot be had.
func (l Lacking) Records() (n int64) {
	if l.Err != nil {
		return l.Snapshot.Root.Records
	}
	for _, c := range l.Collections {
		n += c.Records
	}
	return n
}

// FindLacking reads a snapshot wholly. It is false where nothing is lacking. live
// is asked for what is; nil: nobody is.
func FindLacking(ctx context.Context, r *repo.Repository, s repo.Snapshot, live *Live) (Lacking, bool, error) {
	x := &salvaging{reader: tree.NewReader(r), of: Lacking{Snapshot: s}, live: live}
	_, err := x.collections(ctx, nil)
	return x.of, x.of.Err != nil || len(x.of.Collections) > 0, err
}

// Salvage makes a snapshot of what is left of one that lacks something: without
// the records that lack a column, and without the collections of which nothing
// can be had, which it says it could not read. It is of the same time, tagged with
// the one that it is made of, which stays, and suspect if it lacks anything.
// Damaged packs have to be marked before: see repo.RepairPacks.
func Salvage(ctx context.Context, r *repo.Repository, of Lacking, live *Live, version string) (made repo.Snapshot, err error) {
	err = r.Write(ctx, func(w *repo.Writer) error {
		x := &salvaging{reader: tree.NewReader(w), of: Lacking{Snapshot: of.Snapshot}, live: live}
		cs, err := x.collections(ctx, w)
		if err != nil {
			return err
		}
		root, err := tree.SaveRoot(ctx, w, cs, tree.Root{})
		if err != nil {
			return err
		}
		again := &salvaging{reader: tree.NewReader(w), of: Lacking{Snapshot: repo.Snapshot{Root: root}}}
		if _, err := again.collections(ctx, nil); err != nil {
			return err
		}
		if again.of.Err != nil || len(again.of.Collections) > 0 {
			return fmt.Errorf("%w: what is left of %v refers to damaged packs: repair packs first", repo.ErrDamaged, of.Snapshot.DisplayID())
		}
		made, err = w.SaveSnapshot(ctx, x.record(root, cs, version))
		return err
	})
	return made, err
}

// salvaging is one pass through a snapshot.
type salvaging struct {
	reader *tree.Reader
	of     Lacking
	live   *Live // nil: there is none
}

func damaged(err error) bool {
	return errors.Is(err, repo.ErrDamaged) || errors.Is(err, chunk.ErrCorrupt)
}

// lost reports whether an error says that bytes of an earlier snapshot are not
// there as they were, and not that somebody has no time left to read them.
func lost(ctx context.Context, err error) bool { return ctx.Err() == nil && damaged(err) }

// collections gives the collections as they can be had; with a Writer those that
// lack something are built anew.
func (x *salvaging) collections(ctx context.Context, w *repo.Writer) (out []tree.Collection, err error) {
	cs, gone, err := x.reader.CollectionsLeft(ctx, x.of.Snapshot.Root, func(err error) bool { return lost(ctx, err) })
	if err != nil && gone == 0 {
		return nil, err
	}
	if gone > 0 {
		infos, known := Unlisted(x.of.Snapshot, cs, gone)
		if len(cs) == 0 || !known {
			if x.of.Err = err; w == nil {
				return nil, nil
			}
			return nil, err
		}
		for _, info := range infos {
			x.of.Collections = append(x.of.Collections, LackingCollection{Name: info.Name, Records: info.Records, Whole: err})
		}
	}
	for _, c := range cs {
		lacks := LackingCollection{Name: c.Name}
		d, err := x.reader.Description(ctx, c)
		if err != nil {
			if ctx.Err() != nil || !damaged(err) {
				return nil, err
			}
			lacks.Whole, lacks.Records = err, c.Top.Count
			x.of.Collections = append(x.of.Collections, lacks)
			continue
		}
		// What is whole is not built anew, so it is looked at first.
		if err := x.read(ctx, c, d, nil, &lacks); err != nil {
			return nil, err
		}
		if lacks.Records > 0 || len(lacks.Taken) > 0 {
			if w != nil {
				b := tree.NewBuilder(w, d.Dimension)
				lacks = LackingCollection{Name: c.Name} // the database may have changed
				if err := x.read(ctx, c, d, b, &lacks); err != nil {
					return nil, err
				}
				if c.Height, c.Top, err = b.Finish(ctx); err != nil {
					return nil, err
				}
			}
			x.of.Collections = append(x.of.Collections, lacks)
		}
		out = append(out, c)
	}
	return out, nil
}

func (x *salvaging) read(ctx context.Context, c tree.Collection, d chunk.CollectionDescription, b *tree.Builder, lacks *LackingCollection) error {
	var mend tree.Mend
	if x.live != nil {
		mend = x.mender(c, lacks)
	}
	var err error
	lacks.Records, err = x.reader.Salvage(ctx, c, d.Dimension,
		func(err error) bool { return lost(ctx, err) }, mend,
		func(recs *chunk.Records) error {
			if b == nil {
				return nil
			}
			return b.Add(ctx, recs)
		},
		func(d tree.Damage) error {
			if len(lacks.Damage) < maxLacking {
				lacks.Damage = append(lacks.Damage, d)
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("collection %q: %w", c.Name, err)
	}
	return nil
}

// Unlisted gives what a snapshot's record knows of collections that its list of
// collections lacks, n in number: cs are those that it has. It is false where
// the record does not know which they are.
func Unlisted(s repo.Snapshot, cs []tree.Collection, n int) ([]repo.CollectionInfo, bool) {
	infos := slices.DeleteFunc(slices.Clone(s.Collections), func(info repo.CollectionInfo) bool {
		return slices.ContainsFunc(cs, func(c tree.Collection) bool { return c.Name == info.Name })
	})
	return infos, len(infos) == n
}

// mender notes what is taken from the live database.
func (x *salvaging) mender(c tree.Collection, lacks *LackingCollection) tree.Mend {
	mend := x.live.mender(x.of.Snapshot, c)
	if mend == nil {
		return nil
	}
	return func(ctx context.Context, g tree.Group, ids, rows *chunk.Rows, gone []tree.Damage) (*chunk.Rows, error) {
		out, err := mend(ctx, g, ids, rows, gone)
		if out != nil && len(lacks.Taken) < maxLacking {
			d := tree.Damage{Kind: rows.Kind(), Last: g.Last, Err: gone[0].Err}
			for _, part := range gone {
				d.Count += part.Count
				for i := part.First; i < part.First+part.Count; i++ {
					id, _ := ids.Row(int(i))
					d.IDs = append(d.IDs, string(id))
				}
			}
			lacks.Taken = append(lacks.Taken, d)
		}
		return out, err
	}
}

// record is that of what is left. Its name, its run and what the program's own
// tags say stay with the snapshot that it is made of.
func (x *salvaging) record(root tree.Root, cs []tree.Collection, version string) repo.Snapshot {
	s := x.of.Snapshot
	out := repo.Snapshot{
		Time: s.Time, Kind: repo.KindSnapshot, Source: s.Source, Scope: s.Scope, Parent: s.Parent, Root: root,
		Capture: s.Capture, Tags: map[string]string{}, Unreadable: slices.Clone(s.Unreadable), Damage: s.Damage,
		Server: s.Server, Host: s.Host, User: s.User, Command: s.Command, Version: version,
	}
	if n := x.of.Records(); n > 0 || root.Logical != s.Root.Logical {
		out.Suspect = fmt.Sprintf("what is left of %s: %d of %d records are lost", s.DisplayID(), n, s.Root.Records)
	}
	maps.Copy(out.Tags, s.Tags)
	for _, own := range repo.OwnTags {
		delete(out.Tags, own)
	}
	out.Tags[repo.TagRepaired] = s.DisplayID()
	for _, info := range s.Collections {
		i := slices.IndexFunc(cs, func(c tree.Collection) bool { return c.Name == info.Name })
		if i < 0 {
			continue
		}
		info.Records = cs[i].Top.Count
		info.Damaged = min(info.Damaged, info.Records)
		out.Collections = append(out.Collections, info)
	}
	for _, c := range x.of.Collections {
		if c.Whole != nil {
			out.Unreadable = append(out.Unreadable, c.Name)
		}
	}
	slices.Sort(out.Unreadable)
	return out
}
