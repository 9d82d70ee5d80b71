package index

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"autochrome/chunk"
)

// Index holds the places of chunks. A chunk may lie in several packs: two
// writers stored it at the same time, or a pack was copied and its original
// is still there. An Index is safe for concurrent use; its zero value is empty
// and ready.
//
// Memory is what runs a machine out when it grows with the number of chunks,
// so a chunk costs 44 bytes in a sorted array and nothing else: no pointer, no
// map. The array is cut into 256 shards by the id's first byte, so that growing
// copies little at a time.
type Index struct {
	mu     sync.RWMutex
	packs  []packInfo
	number map[chunk.ID]uint32 // position in packs
	shards [256]shard
	rows   int // that count
	hidden int // of packs that were dropped
}

type packInfo struct {
	id      chunk.ID
	size    int64
	rows    int
	dropped bool
}

// maxPacks is how many packs a row's 27 bits can tell apart: 2^27 packs of
// 8 MiB are a pebibyte.
const maxPacks = 1 << 27

// Add takes the directories of packs. A pack that is known already is left
// out, and so are snapshot records. Adding many packs at once is faster than
// one by one.
func (x *Index) Add(packs ...Pack) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.number == nil {
		x.number = make(map[chunk.ID]uint32)
	}
	var count [256]int
	fresh := packs[:0:0]
	for _, p := range packs {
		if _, known := x.number[p.ID]; known || len(x.packs) == maxPacks {
			continue
		}
		n := len(x.packs)
		x.number[p.ID] = uint32(n)
		x.packs = append(x.packs, packInfo{id: p.ID, size: p.Size})
		fresh = append(fresh, p)
		for _, e := range p.Entries {
			if e.Kind != Record {
				count[e.ID[0]]++
				x.packs[n].rows++
			}
		}
		x.rows += x.packs[n].rows
	}
	x.fill(fresh, count)
}

// parallelRows is from how many rows on it pays to add them in parallel.
const parallelRows = 1 << 12

// fill adds the rows of packs that have their numbers, count of them in each shard.
func (x *Index) fill(packs []Pack, count [256]int) {
	var rows [256][]row
	all := 0
	for i, n := range count {
		if all += n; n > 0 {
			rows[i] = make([]row, 0, n+len(x.shards[i].fresh)) // with room for what it is merged with
		}
	}
	for _, p := range packs {
		n := x.number[p.ID]
		for _, e := range p.Entries {
			if e.Kind != Record {
				rows[e.ID[0]] = append(rows[e.ID[0]], row{e.ID, n<<kindBits | uint32(e.Kind), e.Offset, e.Length})
			}
		}
	}
	workers := 1
	if all >= parallelRows {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int32
	work := func() {
		for i := next.Add(1) - 1; i < 256; i = next.Add(1) - 1 {
			if count[i] > 0 {
				x.shards[i].add(rows[i])
				rows[i] = nil
			}
		}
	}
	var others sync.WaitGroup
	for range workers - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// Lookup gives a place of a chunk: that in the pack that was added first.
func (x *Index) Lookup(id chunk.ID) (Location, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r, ok := x.find(id)
	if !ok {
		return Location{}, false
	}
	return x.location(r), true
}

// Has reports whether a chunk's place is known.
func (x *Index) Has(id chunk.ID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, ok := x.find(id)
	return ok
}

// find gives the row of a chunk that was added first, and not dropped since.
func (x *Index) find(id chunk.ID) (row, bool) {
	r, ok := x.shards[id[0]].find(id)
	if !ok || !x.of(r).dropped {
		return r, ok
	}
	for _, r := range x.shards[id[0]].all(id) {
		if !x.of(r).dropped {
			return r, true
		}
	}
	return row{}, false
}

// of gives the pack that a row is about.
func (x *Index) of(r row) *packInfo { return &x.packs[r.place>>kindBits] }

// Copies gives every place of a chunk, in the order in which they were added.
func (x *Index) Copies(id chunk.ID) []Location {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var places []Location
	for _, r := range x.shards[id[0]].all(id) {
		if !x.of(r).dropped {
			places = append(places, x.location(r))
		}
	}
	return places
}

func (x *Index) location(r row) Location {
	return Location{
		Pack: x.of(r).id, Kind: r.kind(),
		Offset: int64(r.offset), Length: int64(r.length),
	}
}

// Len is the number of places: a chunk that lies in two packs counts twice.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.rows
}

// Each calls fn for every place, ordered by chunk, until fn says no. The Index
// must not be changed meanwhile.
func (x *Index) Each(fn func(chunk.ID, Location) bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i := range x.shards {
		for r := range x.shards[i].each() {
			if !x.of(r).dropped && !fn(r.id, x.location(r)) {
				return
			}
		}
	}
}

// EachChunk calls fn for every chunk with all its places, which are valid until
// fn returns, until it says no. The Index must not be used meanwhile.
func (x *Index) EachChunk(fn func(chunk.ID, []Location) bool) {
	var id chunk.ID
	var places []Location
	more := true
	x.Each(func(next chunk.ID, at Location) bool {
		if next != id && len(places) > 0 {
			more = fn(id, places)
			places = places[:0]
		}
		id, places = next, append(places, at)
		return more
	})
	if more && len(places) > 0 {
		fn(id, places)
	}
}

// PackSize is the length of a pack's file, and whether the pack is known.
func (x *Index) PackSize(pack chunk.ID) (int64, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n, ok := x.number[pack]
	if !ok {
		return 0, false
	}
	return x.packs[n].size, true
}

// Packs lists the packs in the order in which they were added.
func (x *Index) Packs() []chunk.ID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Collect(func(yield func(chunk.ID) bool) {
		for _, p := range x.packs {
			if !p.dropped && !yield(p.id) {
				return
			}
		}
	})
}
