package chunk

import "github.com/restic/chunker"

// A group of level L holds 32 to 512 elements, 160 on average: large enough
// that an entry's hashes are small beside the rows (at 384 dimensions 0.2 % of
// 245 KB), small enough that a change rewrites little.
const (
	MinGroup = 32
	MaxGroup = 512

	cutAverageBits = 13 // of bytes beyond the minimum: 8192/64 = 128 elements
)

// polynomial is the published constant of the cut; an irreducible polynomial
// of degree 53, as restic/chunker asks for.
const polynomial = chunker.Pol(0x3DA3358B4DC173)

// Cutter says after which elements a level's groups end. The element's id
// alone decides: no value, length or dimension moves a boundary, so an edit
// never does. A Cutter starts at a group's beginning.
type Cutter struct {
	level int
	pool  pool
	base  *chunker.BaseChunker
	fed   bool
	buf   [elementSize]byte
}

// Cutter gives a Cutter for one level. Level 0 cuts records into row groups,
// level n the children of level-n+1 nodes, which are named by their last
// record id. The level is part of the hash, because last ids were chosen by
// their hash: the same hash again would end every node at the minimum.
func (h *Hasher) Cutter(level int) *Cutter {
	return &Cutter{level: level, pool: h.cut, base: newBase()}
}

func newBase() *chunker.BaseChunker {
	return chunker.NewBase(polynomial,
		chunker.WithBaseBoundaries(MinGroup*elementSize, MaxGroup*elementSize),
		chunker.WithBaseAverageBits(cutAverageBits))
}

// Ends feeds the next element and reports whether a group ends after it.
func (c *Cutter) Ends(id []byte) bool {
	c.pool.element(c.level, id, &c.buf)
	c.fed = true
	if c.base.NextSplitPoint(c.buf[:]) < 0 {
		return false
	}
	// NextSplitPoint has reset itself; the element's remaining bytes are not fed.
	c.fed = false
	return true
}

// Reset starts a new group.
func (c *Cutter) Reset() {
	if c.fed {
		c.base = newBase()
		c.fed = false
	}
}
