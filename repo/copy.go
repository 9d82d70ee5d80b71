package repo

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
)

// Copier takes chunks and snapshots from another repository that agrees on ids.
type Copier struct {
	to   *Writer
	from *Repository
	walk *walk
}

// NewCopier gives a Copier into the Writer's repository. ErrInvalid where the
// two do not agree on ids: see SameIDs.
func (w *Writer) NewCopier(from *Repository) (*Copier, error) {
	if !w.r.SameIDs(from) {
		return nil, invalid("%s and %s do not agree on ids", from.Location(), w.r.Location())
	}
	return &Copier{w, from, newWalk(from.Load)}, nil
}

// Chunks copies all chunks of a snapshot that the Writer's repository does not
// have. Their stored form is taken over as it is, once it was found to say what
// its id says.
func (c *Copier) Chunks(ctx context.Context, s Snapshot) error {
	c.walk.visit = func(_ chunk.Kind, run chunk.Run, _ bool) error {
		if c.to.Has(run.Chunk) {
			return nil
		}
		return c.chunk(ctx, run.Chunk)
	}
	return c.walk.root(ctx, s.Root)
}

func (c *Copier) chunk(ctx context.Context, id chunk.ID) error {
	kind, sealed, raw, err := c.from.loadStored(ctx, id)
	if err != nil {
		return err
	}
	stored, err := c.from.envelope.stored(kind, id, sealed)
	if err != nil {
		return err
	}
	sealed = c.to.r.envelope.seal(nil, sealedChunk(kind, id), func(dst []byte) []byte { return append(dst, stored...) })
	return c.to.put(ctx, kind, id, sealed, raw)
}

// Snapshot makes a copy durable whose chunks are there: with the same record,
// and so under the same id.
func (c *Copier) Snapshot(ctx context.Context, s Snapshot) (Snapshot, error) {
	record, same, err := encodeRecord(s)
	if err != nil {
		return s, err
	}
	if same.ID != s.ID {
		return s, fmt.Errorf("%v: its record is not what it was read as", s)
	}
	w := c.to
	w.committing.Lock()
	defer w.committing.Unlock()
	if err := w.flush(ctx); err != nil {
		return s, err
	}
	if err := w.secure(ctx, same.Root, nil, false); err != nil {
		return s, w.fail(err)
	}
	return w.saveRecord(ctx, same, record, true)
}

// SaveCopy is SaveSnapshot for a copy with a tree of its own: what the record of
// from says stays, but for the tree, the parent (the zero ID: none), and where
// it is from.
func (w *Writer) SaveCopy(ctx context.Context, from Snapshot, root chunk.Root, parent chunk.ID) (Snapshot, error) {
	origin := from.Origin()
	from.CopiedFrom, from.Root, from.Parent = &origin, root, &parent
	return w.SaveSnapshot(ctx, from)
}

// ownNotes are the keys that say something of a repository's own bytes, or of
// what was done with them.
var ownNotes = map[string]bool{KeyVerified: true, KeyRestored: true, KeyDeleted: true}

// CopyNotes says of a copy what is said of the snapshot it is a copy of, where
// that is newer: tags, hold, suspect and how a run ended. It gives how many
// annotations it wrote.
func (r *Repository) CopyNotes(ctx context.Context, to chunk.ID, notes, have Notes) (int, error) {
	n := 0
	var errs []error
	for key, a := range notes {
		if ownNotes[key] {
			continue
		}
		if old, ok := have[key]; ok && !old.Time.Before(a.Time) {
			continue
		}
		a.Snapshot = to
		if err := r.Annotate(ctx, a); err != nil {
			errs = append(errs, err)
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}
