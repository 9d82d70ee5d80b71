package deflate

import (
	"math/bits"
	"slices"
)

// codes are Huffman codes, as they are written: lowest bit first.
type codes struct {
	lengths []uint8
	bits    []uint16
}

// makeCodes gives codes of at most limit bits for symbols of these frequencies.
func makeCodes(freq []uint32, limit int) codes {
	c := codes{codeLengths(freq, limit), make([]uint16, len(freq))}
	var count, next [17]uint16
	for _, l := range c.lengths {
		count[l]++
	}
	count[0] = 0
	for l := 1; l < len(next); l++ {
		next[l] = (next[l-1] + count[l-1]) << 1
	}
	for i, l := range c.lengths {
		if l > 0 {
			c.bits[i] = bits.Reverse16(next[l]) >> (16 - l)
			next[l]++
		}
	}
	return c
}

// codeLengths gives the lengths of an optimal code, or of one that is nearly so
// where the limit cuts it. A symbol alone gets one bit.
func codeLengths(freq []uint32, limit int) []uint8 {
	lengths := make([]uint8, len(freq))
	symbols := make([]uint64, 0, 286) // frequency, and the symbol in the lower half
	for i, n := range freq {
		if n > 0 {
			symbols = append(symbols, uint64(n)<<32|uint64(i))
		}
	}
	switch len(symbols) {
	case 0:
		return lengths
	case 1:
		lengths[uint32(symbols[0])] = 1
		return lengths
	}
	slices.Sort(symbols)
	// Two queues: leaves, and nodes in the order in which they were made.
	n := len(symbols)
	var weight [2 * 286]uint64
	var parent, depth [2 * 286]int
	for i, s := range symbols {
		weight[i] = s >> 32
	}
	leaf, node := 0, n
	for made := n; made < 2*n-1; made++ {
		for range 2 {
			least := node
			if leaf < n && (node >= made || weight[leaf] <= weight[node]) {
				least = leaf
				leaf++
			} else {
				node++
			}
			weight[made] += weight[least]
			parent[least] = made
		}
	}
	var count [64]int // of leaves, by their depth
	for i := 2*n - 3; i >= 0; i-- {
		depth[i] = min(depth[parent[i]]+1, 63)
		if i < n {
			count[min(depth[i], limit)]++
		}
	}
	// Leaves that the limit pulled up take more than there is: one from the next
	// shorter length becomes two of a longer one until it fits.
	used := 0
	for l := 1; l <= limit; l++ {
		used += count[l] << (limit - l)
	}
	for used > 1<<limit {
		l := limit - 1
		for count[l] == 0 {
			l--
		}
		count[l]--
		count[l+1] += 2
		count[limit]--
		used--
	}
	i := 0
	for l := limit; l >= 1; l-- {
		for range count[l] {
			lengths[uint32(symbols[i])] = uint8(l)
			i++
		}
	}
	return lengths
}
