package repo

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// Snapshots gives all snapshots, the oldest first: a snapshot stands behind its
// parent, and else in the order in which the store got them. Those that were
// deleted are left out, and those whose records are damaged; Damaged names
// these afterwards. The caller may keep and sort the slice, but not change what
// the snapshots refer to.
func (r *Repository) Snapshots(ctx context.Context) ([]Snapshot, error) {
	there, _, _, err := r.snapshotsAndNotes(ctx)
	return there, err
}

// DeletedSnapshots gives the snapshots that were deleted and whose records are
// still there, in the order of Snapshots: until prune removes them they can be
// brought back.
func (r *Repository) DeletedSnapshots(ctx context.Context) ([]Snapshot, error) {
	_, deleted, _, err := r.snapshotsAndNotes(ctx)
	return deleted, err
}

// snapshotsAndNotes gives the snapshots that are there, those that were
// deleted, and what is said about both.
func (r *Repository) snapshotsAndNotes(ctx context.Context) (there, deleted []Snapshot, notes map[chunk.ID]Notes, err error) {
	list, err := r.records(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if notes, err = r.Annotations(ctx); err != nil {
		return nil, nil, nil, err
	}
	for _, s := range list {
		if notes[s.ID].Deleted() {
			deleted = append(deleted, s)
		} else {
			there = append(there, s)
		}
	}
	return there, deleted, notes, nil
}

// records gives all snapshots whose records are there.
func (r *Repository) records(ctx context.Context) ([]Snapshot, error) {
	for try := 1; ; try++ {
		err := r.readRecords(ctx)
		if err == nil {
			break
		}
		if err != errVanished || try == refreshTries {
			return nil, err
		}
		// It was removed, or stands somewhere else by now.
		if err := r.Refresh(ctx); err != nil {
			return nil, err
		}
	}
	r.mu.RLock()
	var list []Snapshot
	seen := make(map[chunk.ID]bool)
	for _, name := range slices.Sorted(maps.Keys(r.known.roots)) {
		for _, s := range r.known.roots[name].snapshots {
			if !seen[s.ID] { // sealed points may stand in two files
				seen[s.ID] = true
				list = append(list, s)
			}
		}
	}
	r.mu.RUnlock()
	return inOrder(list), nil
}

// readRecords reads the records that were only listed until now. errVanished
// when a file is gone.
func (r *Repository) readRecords(ctx context.Context) error {
	r.mu.RLock()
	var unread []*root
	for _, f := range r.known.roots {
		if !f.read {
			unread = append(unread, f)
		}
	}
	r.mu.RUnlock()
	return each(ctx, unread, func(ctx context.Context, f *root) error {
		name := f.info.Name
		list, err := r.readRoot(ctx, name, f.info.Size)
		damaged, err := damage(err)
		if err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		f.read, f.damaged = true, damaged
		if damaged == nil {
			f.snapshots = list
			f.setInfo(f.info)
		}
		return nil
	})
}

// readRoot reads the snapshots of a file that is no point pack.
func (r *Repository) readRoot(ctx context.Context, name string, size int64) ([]Snapshot, error) {
	if _, list := parseList(name); list {
		return r.readList(ctx, name, size)
	}
	id, _, _ := parseRoot(name)
	s, err := r.readSnapshot(ctx, name, size, id)
	return []Snapshot{s}, err
}

func (r *Repository) readSnapshot(ctx context.Context, name string, size int64, id chunk.ID) (Snapshot, error) {
	if size > maxRecord+1<<10 {
		return Snapshot{}, corrupt("snapshot: a record of %d bytes", size)
	}
	b, err := backend.LoadAll(ctx, r.be, name)
	if err != nil {
		return Snapshot{}, err
	}
	return decodeSnapshotFile(b, id)
}

// inOrder sorts snapshots by the store's time and then moves children behind
// their parents.
func inOrder(list []Snapshot) []Snapshot {
	slices.SortFunc(list, func(a, b Snapshot) int {
		return cmp.Or(a.Stored.Compare(b.Stored), a.Time.Compare(b.Time), strings.Compare(a.ID.String(), b.ID.String()))
	})
	at := make(map[chunk.ID]int, len(list))
	for i, s := range list {
		at[s.Origin()] = i // a copy may have been made before that of its parent
	}
	for i, s := range list {
		at[s.ID] = i
	}
	out := make([]Snapshot, 0, len(list))
	done := make([]bool, len(list))
	for i := range list {
		var chain []int // i and those of its ancestors that stand behind it
		for j, ok := i, true; ok && !done[j]; j, ok = at[list[j].ParentID()] {
			done[j] = true
			chain = append(chain, j)
		}
		for _, j := range slices.Backward(chain) {
			out = append(out, list[j])
		}
	}
	return out
}

// Newest gives the newest snapshot of a source, of whatever kind, scope and
// quality, and whether there is one: what a new snapshot is best compared with.
func (r *Repository) Newest(ctx context.Context, source string) (s Snapshot, ok bool, err error) {
	list, err := r.Snapshots(ctx)
	if err != nil {
		return s, false, err
	}
	for _, s := range slices.Backward(list) {
		if s.Source == source {
			return s, true, nil
		}
	}
	return s, false, nil
}

// Source is a database that snapshots were taken of.
type Source struct {
	Name      string
	Snapshots int
	Newest    Snapshot
}

// Sources lists the sources by their names.
func (r *Repository) Sources(ctx context.Context) ([]Source, error) {
	list, err := r.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]Source{}
	for _, s := range list {
		byName[s.Source] = Source{s.Source, byName[s.Source].Snapshots + 1, s}
	}
	var out []Source
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out, nil
}
