package repo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/index"
)

// PackRepair says what it takes that nothing depends on damaged packs.
type PackRepair struct {
	Damaged    []string `json:"damaged"`    // packs that are not what was written: they are marked for deletion
	Missing    []string `json:"missing"`    // packs that the index names and that are not there: it forgets them
	Rescue     int      `json:"rescue"`     // chunks to copy out of damaged packs
	Fetch      int      `json:"fetch"`      // chunks that somebody else has
	Found      int      `json:"found"`      // of these, what the copy does not have and was found
	Lost       int      `json:"lost"`       // chunks that a snapshot needs and nobody has
	Records    []string `json:"records"`    // damaged records of snapshots that the copy, or a list, has
	Unreadable []string `json:"unreadable"` // damaged files of snapshots that nobody has
}

// Empty reports whether there is nothing to do.
func (x PackRepair) Empty() bool {
	return len(x.Damaged) == 0 && len(x.Missing) == 0 && len(x.Records) == 0 && x.Rescue == 0 && x.Fetch == 0
}

// PackRepairOptions say where what is lost may be had.
type PackRepairOptions struct {
	// Copy has the same ids (see SameIDs); nil: there is none.
	Copy *Repository
	// Find gives canonical bytes of a chunk that neither this repository nor the
	// copy has, ErrMissing where it does not know; nil: nobody does.
	Find func(ctx context.Context, id chunk.ID) ([]byte, error)
	// Seek is told of all that Find may be asked for, before it is; again where
	// what was found shows more of a tree, of which more is lost. nil: nobody is.
	Seek func(context.Context, Losses) error
	// Planned is told what it takes before anything is changed; its error, which
	// is returned, ends it there.
	Planned func(PackRepair) error
	// Progress is told how many packs were read; nil: nobody is.
	Progress func(done, all int)
}

// RepairPacks reads all packs, copies what can still be read out of damaged
// ones, takes what is lost from elsewhere, and then marks the damaged packs for
// deletion: a prune removes them, and until then what they hold counts for
// nobody, so that a new snapshot stores again what it has of it. Every chunk is
// verified by its hash on the way. It may be interrupted, and run beside others.
func (r *Repository) RepairPacks(ctx context.Context, o PackRepairOptions) (PackRepair, error) {
	p := &packRepair{r: r, o: o, damaged: map[chunk.ID]bool{}}
	p.plan = PackRepair{Damaged: []string{}, Missing: []string{}, Records: []string{}, Unreadable: []string{}}
	if o.Copy != nil && !r.SameIDs(o.Copy) {
		return p.plan, invalid("%s and %s do not agree on ids", o.Copy.Location(), r.Location())
	}
	for _, step := range []func(context.Context) error{p.look, p.lookForLost, p.lookForRecords} {
		if err := step(ctx); err != nil {
			return p.plan, err
		}
	}
	if err := o.Planned(p.plan); err != nil || p.plan.Empty() {
		return p.plan, err
	}
	return p.plan, p.run(ctx)
}

// packRepair is one that is under way.
type packRepair struct {
	r    *Repository
	o    PackRepairOptions
	plan PackRepair

	health  *Health
	list    []Snapshot
	broken  []string          // damaged files of roots/
	damaged map[chunk.ID]bool // packs that exist
	marked  map[chunk.ID]bool // packs that are marked for deletion already
	missing map[chunk.ID]bool // packs that the index names
	rescue  []chunk.ID        // chunks
	fetch   []chunk.ID        // chunks
	records []Snapshot        // to write again
	points  []Snapshot        // of damaged point packs and in no list
	noIndex bool              // the index does not name all packs
}

// ErrIndexFirst: with an index that is not whole it is not known what is lost.
var ErrIndexFirst = errors.New("the index is not whole, and has to be repaired first")

// look finds the damaged packs, and what of them can still be read.
func (p *packRepair) look(ctx context.Context) error {
	checked, err := p.r.Check(ctx, CheckOptions{Read: All(), Progress: p.o.Progress, Found: p.found})
	if err != nil {
		return err
	}
	p.health, p.list, p.marked = checked.Health, checked.List, checked.marked
	p.missing = map[chunk.ID]bool{}
	for _, id := range p.r.index().Packs() {
		if _, ok := p.health.packs[id]; !ok {
			p.missing[id] = true
			p.plan.Missing = append(p.plan.Missing, p.r.packName(id))
		}
	}
	p.r.index().EachChunk(func(id chunk.ID, copies []index.Location) bool {
		readable := false
		for _, at := range copies {
			if p.health.place(id, at) != nil {
				continue
			}
			if !p.damaged[at.Pack] && !p.marked[at.Pack] {
				return true
			}
			readable = readable || p.damaged[at.Pack]
		}
		if readable {
			p.rescue = append(p.rescue, id)
		}
		return true
	})
	p.plan.Rescue = len(p.rescue)
	for id := range p.damaged {
		p.plan.Damaged = append(p.plan.Damaged, p.health.packs[id].Name)
	}
	slices.Sort(p.plan.Damaged)
	slices.Sort(p.plan.Missing)
	return nil
}

func (p *packRepair) found(f Finding) {
	if strings.HasPrefix(f.File, indexFolder) || strings.HasPrefix(f.File, packsFolder) && f.Err == nil && f.Unindexed {
		p.noIndex = true
		return
	}
	if f.Err == nil || errors.Is(f.Err, ErrMissing) {
		return
	}
	id, pack := parsePack(f.File)
	switch root, point, ok := parseRoot(f.File); {
	case pack:
		p.damaged[id] = true
	case ok && point:
		p.damaged[root] = true
	case ok:
		p.broken = append(p.broken, f.File)
	default:
		if _, list := parseList(f.File); list {
			p.broken = append(p.broken, f.File)
		}
	}
}

// lookForRecords finds the damaged records of snapshots that stand elsewhere too,
// and those that do not.
func (p *packRepair) lookForRecords(ctx context.Context) error {
	theirs := map[chunk.ID]Snapshot{}
	for _, s := range p.list {
		theirs[s.ID] = s // it stands in a list, too
	}
	if p.o.Copy != nil {
		list, err := p.o.Copy.records(ctx)
		if err != nil {
			return err
		}
		for _, s := range list {
			theirs[s.ID] = s
		}
	}
	p.lookAtPoints()
	for _, name := range p.broken {
		id, _, _ := parseRoot(name)
		if s, ok := theirs[id]; ok && !slices.Contains(p.plan.Records, name) {
			p.records = append(p.records, s)
			p.plan.Records = append(p.plan.Records, name)
		} else if !ok {
			p.plan.Unreadable = append(p.plan.Unreadable, name)
		}
	}
	slices.Sort(p.plan.Unreadable)
	return nil
}

// lookAtPoints finds what stands in damaged point packs and in no list.
func (p *packRepair) lookAtPoints() {
	p.r.mu.RLock()
	defer p.r.mu.RUnlock()
	listed := map[chunk.ID]bool{}
	for name, f := range p.r.known.roots {
		if _, list := parseList(name); list {
			for _, s := range f.snapshots {
				listed[s.ID] = true
			}
		}
	}
	for id := range p.damaged {
		f := p.r.known.roots[pointFile(id)]
		switch {
		case f == nil: // in packs/
		case len(f.snapshots) == 0:
			p.plan.Unreadable = append(p.plan.Unreadable, f.info.Name)
		default:
			for _, s := range f.snapshots {
				if !listed[s.ID] {
					p.points = append(p.points, s)
				}
			}
		}
	}
}

// run carries out the plan: packs are marked when what they hold is durable
// elsewhere.
func (p *packRepair) run(ctx context.Context) error {
	err := p.r.Write(ctx, func(w *Writer) error {
		for _, id := range p.rescue {
			if err := w.keep(ctx, id); err != nil {
				return err
			}
		}
		for _, id := range p.fetch {
			b, _, err := p.elsewhere(ctx, id)
			if err != nil {
				return err
			}
			if err := w.save(ctx, id, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.saveRecords(ctx); err != nil {
		return err
	}
	if _, err := p.r.saveMarks(ctx, slices.Collect(maps.Keys(p.damaged))); err != nil {
		return err
	}
	if len(p.missing) > 0 {
		if _, err := p.r.mergeIndexes(ctx, p.missing, indexFiles); err != nil {
			return err
		}
	}
	return p.r.Refresh(ctx)
}

// saveRecords writes good records where the damaged ones stand, and those
// of damaged point packs into a list.
func (p *packRepair) saveRecords(ctx context.Context) error {
	for _, s := range p.records {
		record, same, err := encodeRecord(s)
		if err != nil {
			return err
		}
		if same.ID != s.ID {
			return corrupt("%v: its record is not what it was read as", s)
		}
		if err := p.r.be.Save(ctx, rootFile(s.ID), encodeSnapshotFile(record)); err != nil {
			return err
		}
	}
	for points := sortedByID(p.points); len(points) > 0; {
		some := fill(points)
		points = points[len(some):]
		if _, err := p.r.saveList(ctx, some); err != nil {
			return err
		}
	}
	return nil
}
