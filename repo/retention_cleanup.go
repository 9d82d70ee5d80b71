package repo

import (
	"context"
	"fmt"
	"time"
)

// CleanupOptions says how to clean up.
type CleanupOptions struct {
	Policy Policy
	DryRun bool // only decide
}

// Cleanup is what a cleanup came to.
type Cleanup struct {
	Decisions []Decision // about all snapshots, in the order of Snapshots
	Removed   []Snapshot // that are deleted now; with DryRun: that would be
}

// CleanUp deletes the snapshots that no rule keeps, as Delete does. With
// ErrDamaged nothing was done, since a file of the repository is damaged: what
// it says, perhaps that a snapshot is held, is not known. After any other error
// what Removed names is deleted.
func (r *Repository) CleanUp(ctx context.Context, o CleanupOptions) (c Cleanup, err error) {
	if o.Policy.IsZero() {
		return c, invalid("a policy without a rule would remove nearly all snapshots")
	}
	if err := r.Refresh(ctx); err != nil {
		return c, err
	}
	list, _, notes, err := r.snapshotsAndNotes(ctx)
	if err != nil {
		return c, err
	}
	if damaged := r.Damaged(); len(damaged) > 0 {
		return c, fmt.Errorf("nothing is cleaned up while a file is damaged: %w", damaged[0])
	}
	now, err := r.earliestNow(ctx)
	if err != nil {
		return c, err
	}
	c.Decisions = o.Policy.Apply(list, notes, now)
	for _, d := range c.Decisions {
		if d.Kept() {
			continue
		}
		if !o.DryRun {
			if err := r.Delete(ctx, d.Snapshot, "no rule keeps it"); err != nil {
				return c, err
			}
		}
		c.Removed = append(c.Removed, d.Snapshot)
	}
	return c, nil
}

// earliestNow is the present time by that clock which is behind, the store's
// or this computer's: one that is ahead would make all look old.
func (r *Repository) earliestNow(ctx context.Context) (time.Time, error) {
	now, err := r.be.Now(ctx)
	if own := r.clock(); err == nil && own.Before(now) {
		now = own
	}
	return now, err
}

// PruneDue reports whether Prune would find what is worth its walk through all
// snapshots: some that were deleted, or packs that were marked, DefaultGrace ago.
func (r *Repository) PruneDue(ctx context.Context) (bool, error) {
	now, err := r.be.Now(ctx)
	if err != nil {
		return false, err
	}
	old := func(at time.Time) bool { return now.Sub(at) >= DefaultGrace }
	marks, err := r.list(ctx, marksFolder)
	if err != nil {
		return false, err
	}
	for _, m := range marks {
		if old(m.Modified) {
			return true, nil
		}
	}
	_, deleted, notes, err := r.snapshotsAndNotes(ctx)
	for _, s := range deleted {
		if old(notes[s.ID][KeyDeleted].Stored) {
			return true, nil
		}
	}
	return false, err
}
