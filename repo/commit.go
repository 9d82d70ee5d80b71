package repo

import (
	"context"
	"errors"
	"slices"
	"time"

	"autochrome/index"
	"autochrome/repo/backend"
)

// SaveSnapshot makes all that was saved durable, as Flush does, and then the
// snapshot. It fills in what is the repository's business and gives the
// snapshot as it is stored.
func (w *Writer) SaveSnapshot(ctx context.Context, s Snapshot) (Snapshot, error) {
	if _, _, err := encodeRecord(s.complete()); err != nil {
		return s, err
	}
	w.committing.Lock()
	defer w.committing.Unlock()
	if err := w.flush(ctx); err != nil {
		return s, err
	}
	if err := w.secure(ctx, s.Root, nil, false); err != nil {
		return s, w.fail(err)
	}
	w.mu.Lock()
	s.Stats.ChunksStored, s.Stats.BytesStored = w.since.Chunks, w.since.Stored
	w.mu.Unlock()
	record, s, err := encodeRecord(s.complete())
	if err != nil {
		return s, err
	}
	return w.saveRecord(ctx, s, record, false)
}

// saveRecord writes the file of a record whose tree is durable and secure. That
// of a copy may be written by somebody else, who copies the same snapshot: it is
// taken back only where it is known to lack something. Where the one that is
// there is damaged, the identity says what it shall be.
func (w *Writer) saveRecord(ctx context.Context, s Snapshot, record []byte, copied bool) (Snapshot, error) {
	file := encodeSnapshotFile(record)
	s.File = rootFile(s.ID)
	write := w.r.be.Save
	if copied {
		write = w.r.be.Create
	}
	err := write(ctx, s.File, file)
	others := copied && errors.Is(err, backend.ErrExist)
	if others {
		var damaged bool
		if damaged, err = w.r.recordDamaged(ctx, s); damaged {
			others, err = false, w.r.be.Save(ctx, s.File, file)
		}
	}
	if err == nil {
		err = w.secure(ctx, s.Root, nil, true)
	}
	switch {
	case err != nil && (others || copied && !errors.Is(err, ErrSwept)):
		return s, w.fail(err)
	case err != nil:
		return s, w.takeBack(ctx, s.File, err)
	}
	w.committed(len(file) + w.r.envelope.size())
	return w.r.addRoot(s, int64(len(file)), nil), nil
}

// recordDamaged reports whether the file of a snapshot's record does not say what
// it shall, or is gone again.
func (r *Repository) recordDamaged(ctx context.Context, s Snapshot) (bool, error) {
	infos, err := r.list(ctx, rootsFolder)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(infos, func(info backend.Info) bool { return info.Name == s.File })
	if at < 0 {
		return true, nil
	}
	if _, err = r.readSnapshot(ctx, s.File, infos[at].Size, s.ID); err != nil && isDamage(err) {
		return true, nil
	}
	return false, err
}

// SavePoint makes all that was saved durable together with the snapshot, in
// one object: a point pack. (Packs that became full before go the way of
// Flush.)
func (w *Writer) SavePoint(ctx context.Context, s Snapshot) (Snapshot, error) {
	w.committing.Lock()
	defer w.committing.Unlock()
	if err := w.err(); err != nil {
		return s, err
	}
	if _, _, err := encodeRecord(s.complete()); err != nil {
		return s, err
	}
	w.mu.Lock()
	p := w.open
	w.open = nil
	if p == nil {
		p = w.newPack()
	}
	w.mu.Unlock()
	defer p.discard()
	if err := w.settle(ctx); err != nil {
		return s, err
	}
	if err := w.secure(ctx, s.Root, p, false); err != nil {
		return s, w.fail(err)
	}
	w.mu.Lock()
	s.Stats.ChunksStored, s.Stats.BytesStored = w.since.Chunks, w.since.Stored+int64(p.length())
	w.mu.Unlock()
	record, s, err := encodeRecord(s.complete())
	if err != nil {
		return s, w.fail(err) // the open pack is not open any more
	}
	stored := w.r.envelope.encode(nil, index.Record, s.ID, record)
	w.mu.Lock()
	p.add(index.Record, s.ID, stored)
	w.mu.Unlock()
	rest, pack := p.finish()
	s.File = pointFile(pack.ID)
	if err := p.save(ctx, w.r.be, s.File, rest); err != nil {
		return s, w.takeBack(ctx, s.File, err)
	}
	s = w.r.addRoot(s, pack.Size, &pack)
	w.mu.Lock()
	w.standing.alive[pack.ID] = true
	w.drop(p)
	w.mu.Unlock()
	if err := w.secure(ctx, s.Root, nil, true); err != nil {
		return s, w.takeBack(ctx, s.File, err)
	}
	w.committed(int(pack.Size))
	w.mu.Lock()
	w.points = append(w.points, pack.ID)
	w.mu.Unlock()
	return s, nil
}

// committed counts a snapshot's file, and begins to count for the next.
func (w *Writer) committed(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote(n)
	w.since = KindStats{}
}

// addRoot makes a snapshot known that is durable, and its pack where it is in
// one.
func (r *Repository) addRoot(s Snapshot, size int64, pack *index.Pack) Snapshot {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	if pack != nil {
		r.index().Add(*pack)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// The store's time is not worth a request: until it is listed, a snapshot
	// counts as newer than all that were.
	s.Stored = time.Now()
	for _, f := range r.known.roots {
		if f.info.Modified.After(s.Stored) {
			s.Stored = f.info.Modified
		}
	}
	if pack == nil {
		s.RecordBytes = size
	}
	f := &root{read: true, snapshots: []Snapshot{s}, info: backend.Info{Name: s.File, Size: size, Modified: s.Stored}}
	r.known.roots[s.File] = f
	if pack != nil {
		r.known.points[pack.ID] = true
	}
	return s
}
