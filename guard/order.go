package guard

import "math/bits"

// order turns append numbers into positions. Chroma changes the order of
// records in two ways only, appending and deleting, so a record's position is
// the number of records that were appended before it and are still there. It
// takes a bit for each record that was ever appended, and eight bytes for each
// 512.
type order struct {
	alive []uint64 // a bit for each append number
	sums  []int64  // a Fenwick tree over blocks: how many of each are alive
	next  int64    // the next append number
	count int64    // alive
}

const (
	blockWords = 8
	blockSize  = 64 * blockWords
)

// append gives a new record its number.
func (o *order) append() int64 {
	n := o.next
	o.next++
	if int(n/64) == len(o.alive) {
		o.alive = append(o.alive, 0)
	}
	if n%blockSize == 0 {
		// A new node of a Fenwick tree sums up those that it stands above.
		i, sum := len(o.sums)+1, int64(0)
		for j := i - 1; j > i-i&-i; j -= j & -j {
			sum += o.sums[j-1]
		}
		o.sums = append(o.sums, sum)
	}
	o.set(n, true)
	return n
}

// remove says that a record is gone.
func (o *order) remove(n int64) { o.set(n, false) }

func (o *order) set(n int64, alive bool) {
	bit, by := uint64(1)<<(n%64), int64(1)
	if !alive {
		by = -1
	}
	o.alive[n/64] ^= bit
	o.count += by
	for i := int(n/blockSize) + 1; i <= len(o.sums); i += i & -i {
		o.sums[i-1] += by
	}
}

// position is how many records that are there come before n.
func (o *order) position(n int64) (at int64) {
	block := n / blockSize
	for i := int(block); i > 0; i -= i & -i {
		at += o.sums[i-1]
	}
	for w := block * blockWords; w < n/64; w++ {
		at += int64(bits.OnesCount64(o.alive[w]))
	}
	return at + int64(bits.OnesCount64(o.alive[n/64]&(uint64(1)<<(n%64)-1)))
}
