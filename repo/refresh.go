package repo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

const (
	// parallelLoads hides an object store's delay behind that of others.
	parallelLoads = 8

	// addAtOnce is how many entries go into the index together at least: many,
	// for each time the index is copied, and few, for they take as much memory
	// again. So it is half of what the index has where that is more.
	addAtOnce = 1 << 16

	// maxIndex bounds an index file, in bytes: it is of indexAfter packs or so,
	// whose directories are a small part of them.
	maxIndex = 512 << 20

	// refreshTries bounds how often Refresh begins anew because a file went
	// away under it. Files are removed rarely, and after what replaces them
	// is there.
	refreshTries = 5
)

// errVanished says that a file which was listed is gone.
var errVanished = errors.New("a file went away while it was to be read; try again")

// errSlow says that a listing may have missed what was replaced meanwhile.
var errSlow = errors.New("it took too long to list lists/, so that some may have been missed; try again")

// Refresh makes visible what other processes wrote.
func (r *Repository) Refresh(ctx context.Context) error {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	for try := 1; ; try++ {
		err := r.refresh(ctx)
		if !errors.Is(err, errVanished) && !errors.Is(err, errSlow) || try == refreshTries {
			return err
		}
	}
}

func (r *Repository) refresh(ctx context.Context) error {
	gone, err := r.refreshInto(ctx, r.known)
	if err != nil || !gone {
		return err
	}
	// An index cannot forget: read all anew, but for snapshots.
	next := newKnown()
	r.mu.RLock()
	for name, f := range r.known.roots {
		if _, point, _ := parseRoot(name); !point {
			next.roots[name] = f
		}
	}
	r.mu.RUnlock()
	if _, err := r.refreshInto(ctx, next); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = next
	return nil
}

// refreshInto adds to k what it does not know yet. It reports whether k knows
// index files that are gone; then k is as good as it was.
//
// Roots are listed and point packs read before lists are listed, and these
// before indexes. So a record that is gone from roots/, or with a point pack
// that is gone when it is read, is in a list that is listed then, or was
// deleted; and a snapshot that is seen has its index seen too.
func (r *Repository) refreshInto(ctx context.Context, k *known) (gone bool, err error) {
	roots, err := r.list(ctx, rootsFolder)
	if err != nil {
		return false, err
	}
	var load []backend.Info
	r.mu.RLock()
	for _, info := range roots {
		if _, point, _ := parseRoot(info.Name); point && k.roots[info.Name] == nil {
			load = append(load, info)
		}
	}
	r.mu.RUnlock()
	batch := &batch{index: k.index, size: k.index.Len()}
	defer batch.flush()
	err = each(ctx, load, func(ctx context.Context, info backend.Info) error { return r.loadPoint(ctx, k, batch, info) })
	if err != nil {
		return false, err
	}
	lists, err := r.listLists(ctx)
	if err != nil {
		return false, err
	}
	files, err := r.list(ctx, indexFolder)
	if err != nil {
		return false, err
	}
	load, points, gone := r.compare(k, append(roots, lists...), files)
	if gone {
		return true, nil
	}
	err = each(ctx, load, func(ctx context.Context, info backend.Info) error { return r.loadIndexFile(ctx, k, batch, info) })
	if err != nil {
		return false, err
	}
	batch.flush() // what point packs that are gone had is known elsewhere now
	r.forgetPoints(k, points)
	return false, nil
}

// listLists lists lists/. One that replaces another is sealedAge old before that
// goes: who takes less time sees one of the two.
func (r *Repository) listLists(ctx context.Context) ([]backend.Info, error) {
	begun := r.clock()
	lists, err := r.list(ctx, listsFolder)
	if err == nil && elapsed(begun, r.clock()) > sealedAge/2 {
		err = errSlow
	}
	return lists, err
}

// elapsed is the time between two looks at the clock. Neither a clock that was
// set back meanwhile nor one that stood still while the computer slept makes it
// shorter.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// forgetPoints drops point packs that are gone.
func (r *Repository) forgetPoints(k *known, points []chunk.ID) {
	if len(points) == 0 {
		return
	}
	k.index.Drop(points...)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range points {
		delete(k.points, id)
		delete(k.roots, pointFile(id))
	}
}

// compare brings k's roots in line with what is listed. It gives the index
// files that k does not have, the point packs that are gone, and whether k has
// index files that are not listed.
func (r *Repository) compare(k *known, roots, files []backend.Info) (fresh []backend.Info, points []chunk.ID, gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	listed := make(map[string]bool, len(roots)+len(files))
	for _, info := range roots {
		listed[info.Name] = true
		_, point, ok := parseRoot(info.Name)
		_, list := parseList(info.Name)
		switch f := k.roots[info.Name]; {
		case f != nil:
			f.setInfo(info)
			f.read = point || f.read && f.damaged == nil // it may have been put right
		case !ok && !list:
			k.damaged[info.Name] = corrupt("not the name of a snapshot")
		case !point:
			k.roots[info.Name] = &root{info: info}
		}
	}
	for _, info := range files {
		listed[info.Name] = true
		if _, ok := parseNamed(indexFolder, info.Name); !ok {
			k.damaged[info.Name] = corrupt("not the name of an index file")
		} else if !k.indexFiles[info.Name] {
			fresh = append(fresh, info)
		}
	}
	for name := range k.indexFiles {
		gone = gone || !listed[name]
	}
	if gone {
		return nil, nil, true
	}
	maps.DeleteFunc(k.roots, func(name string, _ *root) bool {
		id, point, _ := parseRoot(name)
		if point && !listed[name] {
			points = append(points, id)
		}
		return !point && !listed[name]
	})
	maps.DeleteFunc(k.damaged, func(name string, _ error) bool {
		return !listed[name] && slices.ContainsFunc([]string{rootsFolder, listsFolder, indexFolder}, func(folder string) bool { return strings.HasPrefix(name, folder) })
	})
	return fresh, points, false
}

func (f *root) setInfo(info backend.Info) {
	f.info = info
	_, point, _ := parseRoot(info.Name)
	_, list := parseList(info.Name)
	for i := range f.snapshots {
		f.snapshots[i].File = info.Name
		if list { // which says itself when the store got them
			continue
		}
		f.snapshots[i].Stored = info.Modified
		if !point {
			f.snapshots[i].RecordBytes = info.Size
		}
	}
}

func (r *Repository) loadIndexFile(ctx context.Context, k *known, batch *batch, info backend.Info) error {
	packs, err := r.readIndexFile(ctx, info)
	damaged, err := damage(err)
	if err != nil {
		return err
	}
	batch.add(packs...)
	r.mu.Lock()
	defer r.mu.Unlock()
	k.indexFiles[info.Name] = true
	if damaged != nil {
		k.damaged[info.Name] = damaged
	}
	return nil
}

func (r *Repository) readIndexFile(ctx context.Context, info backend.Info) ([]index.Pack, error) {
	b, err := r.loadFile(ctx, info, maxIndex)
	if err != nil {
		return nil, err
	}
	if id, _ := parseNamed(indexFolder, info.Name); index.FileName(b) != id {
		return nil, corrupt("index file: its name is not the hash of its bytes")
	}
	return index.DecodeFile(b)
}

func (r *Repository) loadPoint(ctx context.Context, k *known, batch *batch, info backend.Info) error {
	id, _, _ := parseRoot(info.Name)
	entries, snapshots, err := r.readPoint(ctx, info)
	damaged, err := damage(err)
	if errors.Is(err, errVanished) {
		return nil // see refreshInto
	}
	if err != nil {
		return err
	}
	f := &root{read: true, snapshots: snapshots, damaged: damaged}
	f.setInfo(info)
	r.mu.Lock()
	k.roots[info.Name] = f
	k.points[id] = true
	r.mu.Unlock()
	batch.add(index.Pack{ID: id, Size: info.Size, Entries: entries})
	return nil
}

// readPoint reads a point pack's directory, and its snapshots, which lie just
// before it. The directory is given also where a record is damaged.
func (r *Repository) readPoint(ctx context.Context, info backend.Info) ([]index.Entry, []Snapshot, error) {
	entries, tail, err := readDirectory(ctx, r.be, r.envelope, info.Name, info.Size)
	if err != nil {
		return nil, nil, err
	}
	var snapshots []Snapshot
	for _, e := range entries {
		if e.Kind != index.Record {
			continue
		}
		if e.Length > maxRecord {
			return entries, nil, corrupt("snapshot %v: a record of %d bytes", e.ID, e.Length)
		}
		var stored []byte
		if at := int64(e.Offset) - (info.Size - int64(len(tail))); at >= 0 {
			stored = tail[at : at+int64(e.Length)]
		} else if stored, err = r.be.Load(ctx, info.Name, int64(e.Offset), int64(e.Length)); err != nil {
			return entries, nil, err
		}
		if stored, err = r.envelope.stored(e.Kind, e.ID, stored); err != nil {
			return entries, nil, err
		}
		s, err := decodeRecord(stored, e.ID)
		if err != nil {
			return entries, nil, err
		}
		snapshots = append(snapshots, s)
	}
	if len(snapshots) == 0 {
		return entries, nil, corrupt("point pack: without a snapshot")
	}
	return entries, snapshots, nil
}

// damage tells what is wrong with a file from why it could not be asked.
func damage(err error) (damaged, failed error) {
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, backend.ErrNotExist):
		return nil, errVanished
	case isDamage(err):
		return err, nil
	}
	return nil, err
}

func (r *Repository) list(ctx context.Context, folder string) ([]backend.Info, error) {
	var infos []backend.Info
	err := r.be.List(ctx, folder, func(info backend.Info) error {
		infos = append(infos, info)
		return nil
	})
	return infos, err
}

// loadFile loads a file that was listed. One that is longer than any that is
// written is damaged: it is not loaded, since a file may be said to be of any
// length.
func (r *Repository) loadFile(ctx context.Context, info backend.Info, longest int64) ([]byte, error) {
	if info.Size > longest {
		return nil, corrupt("of %d bytes; none has more than %d", info.Size, longest)
	}
	return backend.LoadAll(ctx, r.be, info.Name)
}

// each calls fn for all items, a few at a time.
func each[T any](ctx context.Context, items []T, fn func(context.Context, T) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelLoads)
	for _, item := range items {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(ctx, item)
		})
	}
	return g.Wait()
}

// batch adds packs to an index many at a time.
type batch struct {
	index   *index.Index
	mu      sync.Mutex
	packs   []index.Pack
	entries int // of packs
	size    int // of the index
}

func (b *batch) add(packs ...index.Pack) {
	b.mu.Lock()
	for _, p := range packs {
		b.entries += len(p.Entries)
	}
	b.packs = append(b.packs, packs...)
	full := b.entries >= max(addAtOnce, b.size/2)
	b.mu.Unlock()
	if full {
		b.flush()
	}
}

// flush adds what there is. Others can go on reading meanwhile.
func (b *batch) flush() {
	b.mu.Lock()
	packs := b.packs
	b.size += b.entries
	b.packs, b.entries = nil, 0
	b.mu.Unlock()
	b.index.Add(packs...)
}
