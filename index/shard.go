package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"sort"

	"autochrome/chunk"
)

// row is a chunk's place: 44 bytes, which Go does not pad.
type row struct {
	id     chunk.ID
	place  uint32 // number of the pack, and the kind in the low bits
	offset uint32
	length uint32
}

const kindBits = 5 // kinds go up to 16

func (r row) kind() chunk.Kind { return chunk.Kind(r.place & (1<<kindBits - 1)) }

func compare(a, b row) int {
	// The first eight bytes of a hash tell nearly all of them apart.
	if x, y := binary.BigEndian.Uint64(a.id[:]), binary.BigEndian.Uint64(b.id[:]); x != y {
		return cmp.Compare(x, y)
	}
	if c := bytes.Compare(a.id[:], b.id[:]); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.place>>kindBits, b.place>>kindBits), cmp.Compare(a.offset, b.offset))
}

// shard holds the rows whose ids share their first byte, in two sorted runs: a
// large one, and what came since it was last merged.
type shard struct {
	main  []row
	fresh []row
}

// freshMin and freshShare say when fresh is merged into main: inserting moves
// half of fresh on average, merging copies all of main. A sixteenth keeps both
// near a microsecond a row, and the memory beyond 44 bytes a row below 3.
const (
	freshMin   = 32
	freshShare = 16
)

// add takes rows in any order and may keep the slice.
func (s *shard) add(rows []row) {
	if len(s.fresh)+len(rows) <= freshMin+len(s.main)/freshShare {
		for _, r := range rows {
			at, _ := slices.BinarySearchFunc(s.fresh, r, compare)
			s.fresh = slices.Insert(s.fresh, at, r)
		}
		return
	}
	rows = append(rows, s.fresh...)
	sortRows(rows)
	s.main = merge(s.main, rows)
	s.fresh = nil
}

// merge makes one run of two, without room to spare.
func merge(a, b []row) []row {
	out := make([]row, len(a)+len(b))
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if compare(a[i], b[j]) <= 0 {
			out[i+j] = a[i]
			i++
		} else {
			out[i+j] = b[j]
			j++
		}
	}
	at := i + j
	at += copy(out[at:], a[i:])
	copy(out[at:], b[j:])
	return out
}

// find gives the row of a chunk that was added first.
func (s *shard) find(id chunk.ID) (r row, ok bool) {
	for _, run := range [2][]row{s.main, s.fresh} {
		if i := search(run, id); i < len(run) && run[i].id == id && (!ok || compare(run[i], r) < 0) {
			r, ok = run[i], true
		}
	}
	return r, ok
}

// all gives the rows of a chunk in the order of their packs.
func (s *shard) all(id chunk.ID) []row {
	var out []row
	for _, run := range [2][]row{s.main, s.fresh} {
		for i := search(run, id); i < len(run) && run[i].id == id; i++ {
			out = append(out, run[i])
		}
	}
	slices.SortFunc(out, compare)
	return out
}

// search gives the position of the first row whose id is not below id. Ids are
// hashes, so their second to ninth byte say where in the run they lie, give or
// take the square root of its length: it starts there and doubles its step.
// Ids that somebody chose make it a binary search.
func search(run []row, id chunk.ID) int {
	n := len(run)
	guess := expected(&row{id: id}, n)
	below := func(i int) bool { return bytes.Compare(run[i].id[:], id[:]) < 0 }
	lo, hi := 0, n // the answer is in [lo, hi]
	at := guess
	if at < n && below(at) {
		lo = at + 1
		for step := 8; lo+step < n; step *= 2 {
			if !below(lo + step) {
				hi = lo + step
				break
			}
			lo += step + 1
		}
	} else {
		hi = at
		for step := 8; hi-step >= 0; step *= 2 {
			if below(hi - step) {
				lo = hi - step + 1
				break
			}
			hi -= step
		}
	}
	return lo + sort.Search(hi-lo, func(i int) bool { return !below(lo + i) })
}

// each gives all rows in order.
func (s *shard) each() iter.Seq[row] {
	return func(yield func(row) bool) {
		a, b := s.main, s.fresh
		for len(a) > 0 || len(b) > 0 {
			run := &a
			if len(a) == 0 || len(b) > 0 && compare(b[0], a[0]) < 0 {
				run = &b
			}
			if !yield((*run)[0]) {
				return
			}
			*run = (*run)[1:]
		}
	}
}
