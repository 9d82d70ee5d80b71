package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/internal/reuse"
)

// uploads is how many packs are on their way at a time: one may begin while another
// waits for its disk.
const uploads = 2

// Writer stores chunks and snapshots, inside Repository.Write. It is safe for
// concurrent use. The first failure ends it: that error is what all later
// calls return.
type Writer struct {
	r      *Repository
	ctx    context.Context // of the uploads; done after the first failure
	cancel context.CancelCauseFunc
	slots  chan struct{} // one for each upload under way

	mu      sync.Mutex
	open    *packBuilder        // takes chunks; nil: none
	pending map[chunk.ID]inPack // chunks of packs that are not durable yet
	local   *index.Index        // of packs that are durable, but in no index file
	done    []index.Pack        // the same packs
	group   *errgroup.Group     // of uploads
	stats   WriteStats          // since the beginning
	since   KindStats           // since the last snapshot; Stored counts files

	points  []chunk.ID // point packs that were saved and not sealed
	sealing sync.Mutex // held while points are sealed

	standing standing // changed by who holds committing, or before anybody else

	// committing is held from taking what is open until it is durable: who
	// commits next relies on it.
	committing sync.Mutex
	indexing   sync.Mutex // held while an index file is written
}

// inPack is a chunk in a pack in memory.
type inPack struct {
	pack *packBuilder
	at   int // position in its entries
}

// WriteStats counts what a Writer stored.
type WriteStats struct {
	Kinds map[chunk.Kind]KindStats
	Files int64 // written, of any kind
	Bytes int64 // of these files
}

// KindStats counts chunks.
type KindStats struct {
	Chunks int64
	Raw    int64 // canonical bytes
	Stored int64 // bytes of the stored form
}

// Write calls fn with a Writer and makes durable what fn left: packs, then the
// index that names them. When fn fails, what was not flushed is dropped; packs
// that no index names may remain. The Writer must not be used after fn has
// returned.
func (r *Repository) Write(ctx context.Context, fn func(*Writer) error) (err error) {
	w := &Writer{
		r: r, slots: make(chan struct{}, uploads),
		pending: map[chunk.ID]inPack{}, local: new(index.Index), group: new(errgroup.Group),
		stats: WriteStats{Kinds: map[chunk.Kind]KindStats{}},
	}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	defer func() {
		w.cancel(ErrClosed)
		_ = w.uploading().Wait() // its error is the cause, and was returned
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.open != nil {
			w.drop(w.open)
		}
	}()
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		w.cancel(err)
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	r.mergeMany(ctx)
	return nil
}

// err gives the first failure.
func (w *Writer) err() error {
	if w.ctx.Err() == nil {
		return nil
	}
	return context.Cause(w.ctx)
}

// fail ends the Writer, and returns why it ended.
func (w *Writer) fail(err error) error {
	w.cancel(err)
	return w.err()
}

// Hasher makes this repository's ids and cuts.
func (w *Writer) Hasher() *chunk.Hasher { return w.r.hasher }

// Has reports whether a chunk is stored, or on its way. What is only in packs
// that are marked for deletion does not count.
func (w *Writer) Has(id chunk.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, pending := w.pending[id]
	return pending || w.storedLocked(id)
}

// storedLocked reports whether a pack that may be counted on has a chunk. w.mu
// is held.
func (w *Writer) storedLocked(id chunk.ID) bool {
	for _, x := range [...]*index.Index{w.local, w.r.index()} {
		at, ok := x.Lookup(id)
		if !ok {
			continue
		}
		if w.standing.alive[at.Pack] {
			return true
		}
		for _, at := range x.Copies(id) {
			if w.standing.alive[at.Pack] {
				return true
			}
		}
	}
	return false
}

// Load is Repository.Load, also for chunks that are on their way.
func (w *Writer) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	return w.LoadWith(ctx, id, nil)
}

// LoadWith is Load in memory that alloc gives when it is told how many bytes it
// takes.
func (w *Writer) LoadWith(ctx context.Context, id chunk.ID, alloc func(int) []byte) ([]byte, error) {
	if err := w.err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	p, pending := w.pending[id]
	var stored []byte
	var kind chunk.Kind
	var err error
	if pending {
		kind = p.pack.entries[p.at].Kind
		stored, err = p.pack.stored(ctx, p.at)
	}
	local := w.local
	w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if pending {
		return w.r.decodeWith(alloc, kind, id, stored)
	}
	if at, ok := local.Lookup(id); ok {
		if b, err := w.r.loadAt(ctx, id, at, alloc); err == nil || !errors.Is(err, ErrDamaged) {
			return b, err
		}
	}
	return w.r.LoadWith(ctx, id, alloc)
}

// Save stores canonical bytes under the id that is their hash, unless they are
// there. It encodes them before it returns and does not keep the slice; they
// are durable when Flush, SaveSnapshot or SavePoint has returned.
func (w *Writer) Save(ctx context.Context, id chunk.ID, canonical []byte) error {
	if err := w.err(); err != nil {
		return err
	}
	if w.Has(id) {
		return nil
	}
	return w.save(ctx, id, canonical)
}

// save is Save also for a chunk that is there.
func (w *Writer) save(ctx context.Context, id chunk.ID, canonical []byte) error {
	if len(canonical) < 2 || !chunk.Kind(canonical[0]).Valid() {
		return w.fail(invalid("chunk %v: not canonical bytes", id))
	}
	kind := chunk.Kind(canonical[0])
	buf := encodeBuffers.Get()
	defer encodeBuffers.Put(buf)
	*buf = reuse.Sized(*buf, min(len(canonical), chunk.MaxSize)+encodedMore)
	*buf = w.r.envelope.encode((*buf)[:0], kind, id, canonical)
	// A chunk that cannot be read back must not be found out years later.
	again := decodeBuffers.Get()
	defer decodeBuffers.Put(again)
	into := func(length int) []byte {
		*again = reuse.Sized(*again, length)
		return *again
	}
	if _, err := w.r.decodeWith(into, kind, id, *buf); err != nil {
		return w.fail(fmt.Errorf("chunk %v does not read back as it was given: %w", id, err))
	}
	return w.put(ctx, kind, id, *buf, len(canonical))
}

// put puts a stored chunk into a pack.
func (w *Writer) put(ctx context.Context, kind chunk.Kind, id chunk.ID, stored []byte, raw int) error {
	for {
		added, err := w.add(kind, id, stored, raw)
		if added || err != nil {
			return err
		}
		if err := w.makeRoom(ctx, len(stored)); err != nil {
			return err
		}
	}
}

// encodedMore is by how much a stored form may be longer than its canonical bytes:
// heads, and the envelope.
const encodedMore = 1 << 10

var encodeBuffers, decodeBuffers, packBuffers reuse.Buffers

// add puts a stored chunk into the open pack, and says false when that is full.
func (w *Writer) add(kind chunk.Kind, id chunk.ID, stored []byte, raw int) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.err(); err != nil {
		return false, err
	}
	if _, pending := w.pending[id]; pending { // somebody else saved it meanwhile
		return true, nil
	}
	if w.open == nil {
		w.open = w.newPack()
	}
	if !w.open.fits(len(stored)) {
		return false, nil
	}
	w.pending[id] = inPack{w.open, len(w.open.entries)}
	if err := w.open.put(w.ctx, w.r.be, kind, id, stored); err != nil {
		return false, w.fail(err)
	}
	k := w.stats.Kinds[kind]
	w.stats.Kinds[kind] = KindStats{k.Chunks + 1, k.Raw + int64(raw), k.Stored + int64(len(stored))}
	w.since.Chunks++
	return true, nil
}

// newPack starts a pack in memory that is used again.
func (w *Writer) newPack() *packBuilder {
	return newPack(*packBuffers.Get(), w.r.packTarget, w.r.envelope)
}

// drop frees what a pack holds that was saved, or given up when the Writer ended. Its
// chunks are pending no more. w.mu is held.
func (w *Writer) drop(p *packBuilder) {
	for _, e := range p.entries {
		delete(w.pending, e.ID)
	}
	p.discard()
	buf := p.buf
	p.buf = nil
	packBuffers.Put(&buf)
}

// Stats counts what was stored until now.
func (w *Writer) Stats() WriteStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Kinds = make(map[chunk.Kind]KindStats, len(w.stats.Kinds))
	for k, v := range w.stats.Kinds {
		s.Kinds[k] = v
	}
	return s
}
