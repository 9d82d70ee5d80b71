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
	// object store costs as much as 1 to 2 MB of transfer.
	aheadFirst = 512 << 10
	aheadMost  = 4 << 20

	// aheadGap is how far behind the last part a read may begin and still be
	// going forward: chunks that the reader has already lie in between.
	aheadGap = 256 << 10
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
	pack  chunk.ID
	start int64
	data  []byte
}

func (p part) end() int64 { return p.start + int64(len(p.data)) }

// read gives the bytes of a place in a pack of size bytes, which are shared.
func (a *readAhead) read(ctx context.Context, be backend.Backend, name string, at index.Location, size int64) ([]byte, error) {
	want, hit := a.get(at, size)
	if hit != nil {
		return hit, nil
	}
	data, err := be.Load(ctx, name, at.Offset, want)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < at.Length {
		return nil, corrupt("%d bytes where there were %d", len(data), at.Length)
	}
	if len(data) <= aheadMost { // one huge chunk would push out all others
		a.put(part{at.Pack, at.Offset, data})
	}
	return data[:at.Length:at.Length], nil
}

// get gives what is there, or how much to read.
func (a *readAhead) get(at index.Location, size int64) (want int64, hit []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	want = at.Length
	for i, p := range a.parts {
		if p.pack != at.Pack {
			continue
		}
		from := at.Offset - p.start
		if from >= 0 && at.Offset+at.Length <= p.end() {
			copy(a.parts[1:i+1], a.parts[:i])
			a.parts[0] = p
			return 0, p.data[from : from+at.Length : from+at.Length]
		}
		if from > 0 && at.Offset <= p.end()+aheadGap {
			want = max(want, min(max(2*int64(len(p.data)), aheadFirst), aheadMost))
		}
	}
	return max(at.Length, min(want, size-at.Offset)), nil
}

func (a *readAhead) put(p part) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts = slices.Insert(a.parts, 0, p)
	a.bytes += len(p.data)
	for a.bytes > cacheBytes && len(a.parts) > 1 {
		last := len(a.parts) - 1
		a.bytes -= len(a.parts[last].data)
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
			a.bytes -= len(p.data)
		}
		return p.pack == pack
	})
}
