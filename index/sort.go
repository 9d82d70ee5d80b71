package index

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// sortRows sorts rows in linear time where their ids are hashes, as they are: the
// id says where in the order a row belongs, give or take a few places. Ids that
// somebody chose make it sort by comparing.
func sortRows(rows []row) {
	n := len(rows)
	if n < 2*freshMin {
		slices.SortFunc(rows, compare)
		return
	}
	// A counting sort by the expected place, and then by insertion.
	ends := make([]uint32, n+1)
	for i := range rows {
		ends[expected(&rows[i], n)+1]++
	}
	for i := range n {
		ends[i+1] += ends[i]
	}
	sorted := make([]row, n)
	for i := range rows {
		at := expected(&rows[i], n)
		sorted[ends[at]] = rows[i]
		ends[at]++
	}
	copy(rows, sorted)
	moves := 8 * n
	for i := 1; i < n; i++ {
		if compare(rows[i-1], rows[i]) <= 0 {
			continue
		}
		r, at := rows[i], i
		for ; at > 0 && compare(rows[at-1], r) > 0; at-- {
			rows[at] = rows[at-1]
			moves--
		}
		rows[at] = r
		if moves < 0 {
			slices.SortFunc(rows, compare)
			return
		}
	}
}

// expected is where among n rows of one shard a row is expected.
func expected(r *row, n int) int {
	at, _ := bits.Mul64(binary.BigEndian.Uint64(r.id[1:9]), uint64(n))
	return int(at)
}
