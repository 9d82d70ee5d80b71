package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"autochrome/repo"
	"autochrome/tree"
)

// ErrWriting: somebody is still writing what was to be overwritten. Nothing of
// the batch at hand was written; a *WritingError says more.
var ErrWriting = errors.New("somebody is still writing")

// WritingError says what somebody was found to be writing.
type WritingError struct {
	Collection string
	Records    int      // that changed
	IDs        []string // of the first of them
	Whole      bool     // the collection was to be dropped
}

func (e *WritingError) Error() string {
	what := "overwritten"
	if e.Whole {
		what = "dropped"
	}
	return fmt.Sprintf("%v records that were to be %s: %s", ErrWriting, what, naming(e.IDs, e.Records))
}

// Is makes it an ErrWriting.
func (e *WritingError) Is(target error) bool { return target == ErrWriting }

// Hint says what to do next.
func (e *WritingError) Hint() string {
	return "stop whoever writes there and run it again: it does what is left"
}

// tagPreRollback is the tag of a state before a rollback: its value is the
// OriginalID of the snapshot that was gone back to.
const tagPreRollback = "pre-rollback"

// TagSupplement is the tag of a supplement: its value is the display id of the
// state before the rollback that it belongs to.
const TagSupplement = repo.TagSupplement

// Late is what others wrote between the recording of the state before a
// rollback and its writes.
type Late struct {
	Records   int             // versions that were kept, each before it was overwritten
	Named     []Difference    // the first of them, as seen from the state before
	Unsettled int             // of them those that changed each time they were looked at: versions in between may be lost
	Kept      []repo.Snapshot // the supplements; the last has all that the earlier ones have
}

// Supplement keeps what others write while a plan is carried out. Each time
// something is found that the state before does not have, a snapshot is made
// durable before it is overwritten: the state before with these records as they
// were found, built upon the last such snapshot. So the newest one is the state
// before the rollback, up to the moment of each write.
type Supplement struct {
	repo   *repo.Repository
	before repo.Snapshot
	strict bool
	last   repo.Snapshot      // before, or the newest supplement
	trees  []tree.Collection  // of last; nil: not read yet
	gone   map[string][]int64 // by collection: positions in before of records that last does not have, in order
	late   Late
}

// NewSupplement keeps what the recorded state before does not have; strict
// stops instead.
func NewSupplement(r *repo.Repository, before repo.Snapshot, strict bool) *Supplement {
	return &Supplement{repo: r, before: before, strict: strict, last: before, gone: map[string][]int64{}}
}

// Late says what was kept.
func (s *Supplement) Late() Late { return s.late }

// tree gives a collection as the newest supplement has it.
func (s *Supplement) tree(ctx context.Context, name string) (*tree.Collection, error) {
	if s.trees == nil {
		cs, err := tree.NewReader(s.repo).Collections(ctx, s.before.Root)
		if err != nil {
			return nil, err
		}
		s.trees = cs
	}
	for i := range s.trees {
		if s.trees[i].Name == name {
			return &s.trees[i], nil
		}
	}
	return nil, fmt.Errorf("%s has no collection %q", s.before.DisplayID(), name)
}

// save makes the next supplement durable, in which a collection is changed.
func (s *Supplement) save(ctx context.Context, w *repo.Writer, changed tree.Collection) error {
	next := slices.Clone(s.trees)
	i := slices.IndexFunc(next, func(c tree.Collection) bool { return c.Name == changed.Name })
	next[i] = changed
	root, err := tree.SaveRoot(ctx, w, next, s.last.Root)
	if err != nil {
		return err
	}
	saved, err := w.SaveSnapshot(ctx, s.record(root, changed))
	if err != nil {
		return err
	}
	s.trees, s.last = next, saved
	s.late.Kept = append(s.late.Kept, saved)
	return nil
}

// record is that of the state before, with what is different about a supplement.
func (s *Supplement) record(root tree.Root, changed tree.Collection) repo.Snapshot {
	b := s.last
	out := repo.Snapshot{
		Kind: repo.KindPreRollback, Source: b.Source, Scope: b.Scope, Parent: &b.ID, Root: root,
		Capture: repo.CaptureMoving, Suspect: b.Suspect, Tags: map[string]string{}, Run: b.Run,
		Collections: slices.Clone(b.Collections), Unreadable: b.Unreadable, Damage: b.Damage,
		Server: b.Server, Host: b.Host, User: b.User, Command: b.Command, Version: b.Version,
	}
	for k, v := range b.Tags {
		out.Tags[k] = v
	}
	out.Tags[TagSupplement] = s.before.DisplayID()
	for i := range out.Collections {
		if c := &out.Collections[i]; c.Name == changed.Name {
			c.Records, c.Capture = changed.Top.Count, repo.CaptureMoving
		}
	}
	return out
}

// note counts what was kept, and names the first of it.
func (s *Supplement) note(count int, named ...Difference) {
	s.late.Records += count
	s.late.Named = append(s.late.Named, named[:min(len(named), maxNamed-len(s.late.Named))]...)
}
