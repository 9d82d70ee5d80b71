package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// Load gives the canonical bytes of a chunk, which the caller does not change.
// This is the one way to a stored chunk: it is decoded, and its hash is its id,
// or there is a DamagedError. Where several packs have the chunk, one good copy
// is enough.
func (r *Repository) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	return r.LoadWith(ctx, id, nil)
}

// LoadWith is Load in memory that alloc gives when it is told how many bytes it
// takes.
func (r *Repository) LoadWith(ctx context.Context, id chunk.ID, alloc func(int) []byte) ([]byte, error) {
	b, err := r.load(ctx, id, alloc)
	what, absent := whatIsAbsent(err)
	if !absent || r.recent.has(what) {
		return b, err
	}
	// Another process may have written it, or moved it to another pack.
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	b, err = r.load(ctx, id, alloc)
	if what, absent := whatIsAbsent(err); absent {
		r.recent.add(what)
	}
	return b, err
}

// whatIsAbsent names the pack, or the chunk of no pack, that a refresh may find.
func whatIsAbsent(err error) (string, bool) {
	var d *DamagedError
	if !errors.As(err, &d) || !errors.Is(err, ErrMissing) && !errors.Is(err, backend.ErrNotExist) {
		return "", false
	}
	if d.Pack != "" {
		return d.Pack, true
	}
	return d.Chunk.String(), true
}

func (r *Repository) load(ctx context.Context, id chunk.ID, alloc func(int) []byte) ([]byte, error) {
	at, ok := r.index().Lookup(id)
	if !ok {
		return nil, &DamagedError{Chunk: id, Err: r.missing()}
	}
	b, err := r.loadAt(ctx, id, at, alloc)
	if err == nil || !errors.Is(err, ErrDamaged) {
		return b, err
	}
	for _, other := range r.index().Copies(id) {
		if other != at {
			if b, e := r.loadAt(ctx, id, other, alloc); e == nil || !errors.Is(e, ErrDamaged) {
				return b, e
			}
		}
	}
	return nil, err
}

// missing is ErrMissing, with a reason where there is one.
func (r *Repository) missing() error {
	if damaged := r.Damaged(); len(damaged) > 0 {
		return fmt.Errorf("%w: no index names it, but %w", ErrMissing, damaged[0])
	}
	return fmt.Errorf("%w: no index names it", ErrMissing)
}

// loadAt reads a chunk where it shall lie. What turns out wrong is read once
// more by itself: the store may have been at fault only once.
func (r *Repository) loadAt(ctx context.Context, id chunk.ID, at index.Location, alloc func(int) []byte) ([]byte, error) {
	name := r.packName(at.Pack)
	size, _ := r.index().PackSize(at.Pack)
	b, err := r.decodeAt(ctx, id, name, at, size, alloc)
	if err != nil && isDamage(err) {
		r.reader.forget(at.Pack)
		b, err = r.decodeAt(ctx, id, name, at, 0, alloc)
	}
	if err != nil && isDamage(err) {
		r.reader.forget(at.Pack)
		return nil, &DamagedError{Chunk: id, Pack: name, Offset: at.Offset, Err: err}
	}
	return b, err
}

func (r *Repository) decodeAt(ctx context.Context, id chunk.ID, name string, at index.Location, size int64, alloc func(int) []byte) ([]byte, error) {
	own := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(own)
	stored, err := r.reader.read(ctx, r.be, name, at, size, own)
	if err != nil {
		return nil, err
	}
	return r.decodeWith(alloc, at.Kind, id, stored)
}

// readBuffers are what is read into that is read for once.
var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

// decode gives canonical bytes whose hash is their id, and nothing else, of
// what lies in a pack.
func (r *Repository) decode(kind chunk.Kind, id chunk.ID, sealed []byte) ([]byte, error) {
	return r.decodeWith(nil, kind, id, sealed)
}

// decodeWith is decode in memory that alloc gives.
func (r *Repository) decodeWith(alloc func(int) []byte, kind chunk.Kind, id chunk.ID, sealed []byte) ([]byte, error) {
	stored, err := r.envelope.stored(kind, id, sealed)
	if err != nil {
		return nil, err
	}
	b, err := chunk.DecodeWith(alloc, stored)
	if err != nil {
		return nil, err
	}
	if r.hasher.ID(b) != id {
		return nil, corrupt("its hash is not its id")
	}
	return b, nil
}

// missPause is how long what a refresh did not find is not looked for again,
// so that reading a repository with many holes is not slow.
const missPause = 10 * time.Second

// recentMisses are packs, and chunks of no pack, that a refresh did not find.
type recentMisses struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (m *recentMisses) add(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil || len(m.at) >= 1<<12 {
		m.at = map[string]time.Time{}
	}
	m.at[what] = time.Now()
}

func (m *recentMisses) has(what string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.at[what]
	return ok && time.Since(at) < missPause
}
