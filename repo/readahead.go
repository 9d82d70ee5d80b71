package repo

import (
	"context"
	"slices"
	"sync"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

const (
	// cacheBytes bounds the parts of packs that are kept in memory.
	cacheBytes = 8 << 20

	// aheadFirst is how much is read at once where a reader goes forward
	// through a pack, doubled up to aheadMost while it does. A request to an
	// object store costs as much as 1 to 2 MB of transfer. It goes forward from
	// aheadAfter steps on: who reads row groups here and there takes a step for
	// each column.
	aheadFirst = 512 << 10
	aheadMost  = 4 << 20
	aheadAfter = 8

	// aheadGap is how far behind the last part a read may begin and still be
	// going forward: chunks that the reader has already lie in between.
	aheadGap = 256 << 10

	// onceSize is from where on a chunk that is read by itself is not kept: who
	// reads keeps what it was decoded to.
	onceSize = 32 << 10
)

// readAhead reads parts of packs and keeps the last ones. Neighbours in a pack
// were stored one after the other and are often read so; a read at random
// takes no more than it needs.
type readAhead struct {
	mu    sync.Mutex
	parts []part // the last used first
	bytes int
}

// part is a piece of a pack.
type part struct {
	pack   chunk.ID
	start  int64
	length int64
	steps  int    // how many parts it is the next one of, each of the one before
	data   []byte // nil: only the place is known
}

func (p part) end() int64 { return p.start + p.length }

// read gives the bytes of a place in a pack of size bytes, which are shared, or
// lie in the memory of own: a large chunk that is read at random is not kept.
func (a *readAhead) read(ctx context.Context, be backend.Backend, name string, at index.Location, size int64, own *[]byte) ([]byte, error) {
	want, steps, hit := a.get(at, size)
	if hit != nil {
		return hit, nil
	}
	var data []byte
	var err error
	once := want == at.Length && want >= onceSize
	if once {
		data, err = backend.LoadInto(ctx, be, *own, name, at.Offset, want)
	} else {
		data, err = be.Load(ctx, name, at.Offset, want)
	}
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < at.Length {
		return nil, corrupt("%d bytes where there were %d", len(data), at.Length)
	}
	p := part{at.Pack, at.Offset, int64(len(data)), steps, data}
	if once {
		*own, p.data = data, nil
	}
	if len(data) <= aheadMost { // one huge chunk would push out all others
		a.put(p)
	}
	return data[:at.Length:at.Length], nil
}

// get gives what is there, or how much to read, and how many steps forward that
// is.
func (a *readAhead) get(at index.Location, size int64) (want int64, steps int, hit []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	want = at.Length
	for i, p := range a.parts {
		if p.pack != at.Pack {
			continue
		}
		from := at.Offset - p.start
		if p.data != nil && from >= 0 && at.Offset+at.Length <= p.end() {
			copy(a.parts[1:i+1], a.parts[:i])
			a.parts[0] = p
			return 0, 0, p.data[from : from+at.Length : from+at.Length]
		}
		if from > 0 && at.Offset <= p.end()+aheadGap {
			steps = max(steps, p.steps+1)
			if steps >= aheadAfter {
				want = max(want, min(max(2*p.length, aheadFirst), aheadMost))
			}
		}
	}
	return max(at.Length, min(want, size-at.Offset)), steps, nil
}

func (a *readAhead) put(p part) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts = slices.Insert(a.parts, 0, p)
	a.bytes += int(p.length)
	for a.bytes > cacheBytes && len(a.parts) > 1 {
		last := len(a.parts) - 1
		a.bytes -= int(a.parts[last].length)
		a.parts[last] = part{}
		a.parts = a.parts[:last]
	}
}

// forget drops what is kept of a pack.
func (a *readAhead) forget(pack chunk.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts = slices.DeleteFunc(a.parts, func(p part) bool {
		if p.pack == pack {
			a.bytes -= int(p.length)
		}
		return p.pack == pack
	})
}
