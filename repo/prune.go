package repo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"autochrome/chunk"
)

// NoGrace as a grace deletes at once what is marked. Nothing that a snapshot
// needs is lost by it, but commands that run at the same time may fail.
const NoGrace time.Duration = -1

// PruneOptions say how to prune; the zero value serves.
type PruneOptions struct {
	DryRun bool          // make the plan and change nothing
	Grace  time.Duration // between mark and deletion, by the store's clock; 0: DefaultGrace; see NoGrace
	Budget time.Duration // when to stop beginning anything; 0: when all is done

	// MaxUnused says how many bytes that nothing needs may stay in packs, where
	// these hold so many bytes together; nil: 5 %.
	MaxUnused func(total int64) int64

	// Planned is told the plan before anything is changed; nil: nobody is.
	Planned func(PrunePlan)
}

func (o PruneOptions) withDefaults() PruneOptions {
	switch {
	case o.Grace == 0:
		o.Grace = DefaultGrace
	case o.Grace < 0:
		o.Grace = 0
	}
	if o.MaxUnused == nil {
		o.MaxUnused = func(total int64) int64 { return total / 20 }
	}
	if o.Planned == nil {
		o.Planned = func(PrunePlan) {}
	}
	return o
}

// PackCount is a number of packs and their bytes.
type PackCount struct {
	Packs int   `json:"packs"`
	Bytes int64 `json:"bytes"`
}

func (c *PackCount) add(size int64) {
	c.Packs++
	c.Bytes += size
}

// PrunePlan says what a prune is about to do.
type PrunePlan struct {
	Snapshots int       `json:"snapshots"`       // whose chunks are needed
	Deleted   int       `json:"deleted"`         // snapshots that were deleted, and whose records go now
	All       PackCount `json:"all"`             // packs there are
	Needed    int64     `json:"needed_bytes"`    // in chunks that a snapshot needs
	RowWaste  int64     `json:"row_waste_bytes"` // of Needed, at least: in rows that nothing refers to
	Sweep     PackCount `json:"sweep"`           // were marked before, and are deleted now
	Rescue    int64     `json:"rescue_bytes"`    // in packs that are marked, and needed again: copied out first
	Waiting   PackCount `json:"waiting"`         // were marked before, and are not due yet
	Mark      PackCount `json:"mark"`            // nothing of them is needed
	Repack    PackCount `json:"repack"`          // small, or with much that is not needed
	Copy      int64     `json:"copy_bytes"`      // of them, that are copied into new packs
	Young     int64     `json:"young_bytes"`     // unneeded, in packs younger than the grace: somebody may be writing
	Unused    int64     `json:"unused_bytes"`    // unneeded, in other packs that stay
	Indexes   int       `json:"index_files"`     // that are merged
	Seal      int       `json:"seal"`            // records that are put into lists
}

// Frees is by how much the packs shrink in the end.
func (p PrunePlan) Frees() int64 {
	return p.Sweep.Bytes - p.Rescue + p.Waiting.Bytes + p.Mark.Bytes + p.Repack.Bytes - p.Copy
}

// PruneReport says what a prune did.
type PruneReport struct {
	Plan       PrunePlan `json:"plan"`
	Deleted    int       `json:"deleted"`    // records removed of snapshots that were deleted
	Swept      PackCount `json:"swept"`      // packs deleted
	Marked     PackCount `json:"marked"`     // packs marked, which are deleted after the grace
	Copied     int64     `json:"copied"`     // bytes copied into new packs
	Indexes    int       `json:"indexes"`    // index files that were replaced by others
	Sealed     int       `json:"sealed"`     // records put into lists
	Unfinished bool      `json:"unfinished"` // the budget ended it; the next prune goes on
}

// ErrNotPruned: something is damaged, so it is not known what is needed.
var ErrNotPruned = errors.New("nothing is deleted while something is damaged")

// Prune frees the space of what no snapshot needs. It removes the records of
// deleted snapshots once they were deleted for the grace, marks packs that are
// not needed, copies what is needed out of packs that hold little of it and
// marks these, merges index files, and deletes packs that were marked the grace
// ago. It may be interrupted at any moment and run beside writers, readers and
// other prunes; what it has done until then stays done. ErrNotPruned when
// anything is damaged.
func (r *Repository) Prune(ctx context.Context, o PruneOptions) (PruneReport, error) {
	o = o.withDefaults()
	begun := time.Now()
	p, err := r.planPrune(ctx, o, begun)
	for try := 1; try < planTries && errors.Is(err, ErrMissing); try++ {
		// Another prune may have moved it to another pack just now.
		p, err = r.planPrune(ctx, o, begun)
	}
	if err != nil {
		return p.report, err
	}
	o.Planned(p.report.Plan)
	if o.DryRun {
		return p.report, nil
	}
	return p.report, p.run(ctx)
}

// planTries bounds how often a chunk is looked for anew that is in no pack.
const planTries = 3

// planPrune looks and makes a plan.
func (r *Repository) planPrune(ctx context.Context, o PruneOptions, begun time.Time) (*prune, error) {
	p := &prune{r: r, o: o}
	if o.Budget > 0 {
		p.deadline = begun.Add(o.Budget)
	}
	err := p.look(ctx)
	if err == nil {
		err = p.plan()
	}
	return p, err
}

// prune is one that is under way.
type prune struct {
	r        *Repository
	o        PruneOptions
	deadline time.Time // zero: none
	report   PruneReport

	now     time.Time              // by the store's clock, before anything was listed
	marks   []mark                 // listed before the snapshots
	holders map[string]*holder     // files of roots/
	holding map[chunk.ID][]*holder // of each snapshot
	gone    map[chunk.ID]bool      // snapshots deleted for the grace
	due     int                    // of them, those whose records all go
	removed bool                   // they went, but for those in point packs
	sealing []*holder              // to put into lists
	needs   *needs                 // of snapshots that are not deleted
	deleted *needs                 // of deleted ones whose records stay
	packs   map[chunk.ID]*packUse

	snapshots int // that are not deleted

	dead   []chunk.ID // packs to mark
	repack []chunk.ID // packs to copy from and mark
}

// packUse is what is known of a pack.
type packUse struct {
	size   int64
	exists bool
	marked bool
	point  bool  // in roots/
	young  bool  // may be of somebody who is writing
	goes   bool  // a point pack of deleted snapshots only
	need   int64 // bytes of chunks that are needed and taken from here
	unused int64 // bytes of other chunks
}

// usable reports whether a chunk in it counts as stored.
func (u *packUse) usable() bool { return u.exists && !u.marked }

// late reports whether the budget is used up.
func (p *prune) late() bool {
	late := !p.deadline.IsZero() && time.Now().After(p.deadline)
	p.report.Unfinished = p.report.Unfinished || late
	return late
}

// notPruned says why nothing is deleted.
func notPruned(err error) error { return fmt.Errorf("%w: %w", ErrNotPruned, err) }
