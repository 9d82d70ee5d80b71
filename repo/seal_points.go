package repo

import (
	"context"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// SealPoints makes few objects of the points that this Writer has saved: their
// chunks go into full packs with an index file, their records into a list, and
// then the point packs go. Points that were deleted are left to prune.
//
// Nobody is disturbed: see format.md, 10 and 15. Where another prune is about to
// delete the new packs already, and after an error, the points stay as they are,
// and prune seals them; they are not sealed again by this Writer.
func (w *Writer) SealPoints(ctx context.Context) error {
	w.sealing.Lock()
	defer w.sealing.Unlock()
	w.mu.Lock()
	points := w.points
	w.points = nil
	w.mu.Unlock()
	if len(points) == 0 {
		return nil
	}
	standing, err := w.pointsStanding(ctx, points)
	if err != nil {
		return err
	}
	for len(standing) > 0 {
		s := &pointSeal{w: w, points: fill(standing)}
		standing = standing[len(s.points):]
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pointsStanding gives those of the points that stand and are not deleted, with
// the time by the store's clock.
func (w *Writer) pointsStanding(ctx context.Context, points []chunk.ID) (out []Snapshot, err error) {
	notes, err := w.r.Annotations(ctx)
	if err != nil {
		return nil, err
	}
	infos, err := w.r.list(ctx, rootsFolder)
	if err != nil {
		return nil, err
	}
	listed := make(map[string]backend.Info, len(infos))
	for _, info := range infos {
		listed[info.Name] = info
	}
	w.r.mu.RLock()
	defer w.r.mu.RUnlock()
	for _, id := range points {
		name := pointFile(id)
		info, there := listed[name]
		f := w.r.known.roots[name]
		if !there || f == nil {
			continue
		}
		for _, s := range f.snapshots { // one
			if !notes[s.ID].Deleted() {
				s.Stored = info.Modified
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// fill gives as many of the first snapshots as go into a list.
func fill(snapshots []Snapshot) []Snapshot {
	size := 0
	for i, s := range snapshots {
		record, _, err := encodeRecord(s)
		if size += len(record); i > 0 && (i == maxListed/2 || size > maxListBytes || err != nil) {
			return snapshots[:i]
		}
	}
	return snapshots
}

// pointSeal is one list of points on its way.
type pointSeal struct {
	w      *Writer
	points []Snapshot
	packs  []index.Pack // that the chunks were copied into
}

// run keeps the order that the proof in format.md stands on: the copies, the
// list, the mark, one more look at the marks of others, and only then the end of
// the point packs.
func (s *pointSeal) run(ctx context.Context) error {
	if err := s.copy(ctx); err != nil {
		return err
	}
	if good, err := s.counts(ctx); err != nil || !good {
		return err
	}
	list, err := s.w.r.saveList(ctx, sortedByID(s.points))
	if err != nil {
		return err
	}
	if err := s.mark(ctx); err != nil {
		return err
	}
	if good, err := s.counts(ctx); err != nil || !good {
		return err
	}
	err = each(ctx, s.points, func(ctx context.Context, p Snapshot) error { return s.w.r.be.Remove(ctx, p.File) })
	if err != nil {
		return err
	}
	s.w.r.sealed(list, s.points, s.ids())
	return nil
}

func sortedByID(snapshots []Snapshot) []Snapshot {
	return slices.SortedFunc(slices.Values(snapshots), func(a, b Snapshot) int { return compareIDs(a.ID, b.ID) })
}

func (s *pointSeal) ids() (ids []chunk.ID) {
	for _, p := range s.points {
		id, _, _ := parseRoot(p.File)
		ids = append(ids, id)
	}
	return ids
}

// copy copies every chunk of the point packs, whether a snapshot is known to
// need it or not, and makes the copies durable with their index.
func (s *pointSeal) copy(ctx context.Context) error {
	r := s.w.r
	pack := newPack(nil, r.packTarget, r.envelope)
	defer func() { pack.discard() }()
	copied := map[chunk.ID]bool{}
	for some := range slices.Chunk(s.points, parallelLoads) {
		files := make([][]byte, len(some))
		at := make([]int, len(some))
		for i := range at {
			at[i] = i
		}
		err := each(ctx, at, func(ctx context.Context, i int) (err error) {
			files[i], err = backend.LoadAll(ctx, r.be, some[i].File)
			return err
		})
		if err != nil {
			return err
		}
		for i, file := range files {
			entries, err := decodePack(r.envelope, file)
			if id, _, _ := parseRoot(some[i].File); err == nil && chunk.FileHash(file) != id {
				err = corrupt("point pack: its name is not the hash of its bytes")
			}
			if err != nil {
				return &DamagedFileError{some[i].File, err}
			}
			for _, e := range entries {
				if e.Kind == index.Record || copied[e.ID] {
					continue
				}
				copied[e.ID] = true
				if !pack.fits(int(e.Length)) {
					if err := s.save(ctx, pack); err != nil {
						return err
					}
					pack.discard()
					pack = newPack(nil, r.packTarget, r.envelope)
				}
				if err := pack.put(ctx, r.be, e.Kind, e.ID, file[e.Offset:e.Offset+e.Length]); err != nil {
					return err
				}
			}
		}
	}
	if err := s.save(ctx, pack); err != nil {
		return err
	}
	if len(s.packs) == 0 {
		return nil
	}
	file := index.AppendFile(nil, s.packs)
	name := indexFile(index.FileName(file))
	if err := r.be.Save(ctx, name, file); err != nil {
		return err
	}
	r.addIndexed(name, s.packs)
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, p := range s.packs {
		s.w.standing.alive[p.ID] = true
	}
	return nil
}

// save makes a pack durable, where there is something in it: a point may need
// nothing new.
func (s *pointSeal) save(ctx context.Context, p *packBuilder) error {
	if len(p.entries) == 0 {
		return nil
	}
	rest, pack := p.finish()
	s.packs = append(s.packs, pack)
	return p.save(ctx, s.w.r.be, packFile(pack.ID), rest)
}

// counts reports whether the new packs may be counted on, as the marks are now.
func (s *pointSeal) counts(ctx context.Context) (bool, error) {
	s.w.committing.Lock()
	defer s.w.committing.Unlock()
	if err := s.w.look(ctx, true); err != nil {
		return false, err
	}
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return !slices.ContainsFunc(s.packs, func(p index.Pack) bool { return !s.w.standing.alive[p.ID] }), nil
}

// mark marks the point packs. What was found to lack nothing still does: all
// that was in them is in packs that count.
func (s *pointSeal) mark(ctx context.Context) error {
	marks, err := s.w.r.saveMarks(ctx, s.ids())
	if err != nil {
		return err
	}
	s.w.committing.Lock()
	defer s.w.committing.Unlock()
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	for _, name := range marks {
		s.w.standing.marks[name] = true
	}
	for _, id := range s.ids() {
		delete(s.w.standing.alive, id)
	}
	return nil
}

// sealed makes known that points stand in a list and no more by themselves.
func (r *Repository) sealed(list string, points []Snapshot, ids []chunk.ID) {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	r.forgetPoints(r.known, ids)
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &root{read: true, snapshots: slices.Clone(points), info: backend.Info{Name: list}}
	for i, s := range points {
		f.snapshots[i].File = list
		if s.Stored.After(f.info.Modified) {
			f.info.Modified = s.Stored
		}
	}
	r.known.roots[list] = f
}
