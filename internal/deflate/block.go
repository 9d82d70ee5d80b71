package deflate

import "math/bits"

// block is tokens that get codes of their own.
type block struct {
	tokens []token
	litlen [286]uint32
	dist   [30]uint32
	extra  int // bits besides codes
}

const endOfBlock = 256

func (b *block) reset() {
	b.tokens = b.tokens[:0]
	b.litlen, b.dist, b.extra = [286]uint32{}, [30]uint32{}, 0
}

func (b *block) literal(c byte) {
	b.tokens = append(b.tokens, token(c))
	b.litlen[c]++
}

func (b *block) match(length, distance int) {
	b.tokens = append(b.tokens, match(length, distance))
	l, d := lengthCode[length-3], distanceCode(distance)
	b.litlen[257+int(l)]++
	b.dist[d]++
	b.extra += int(lengthExtra[l]) + int(distExtra[d])
}

// add joins the tokens of another block.
func (b *block) add(o *block) {
	b.tokens = append(b.tokens, o.tokens...)
	for i, n := range o.litlen {
		b.litlen[i] += n
	}
	for i, n := range o.dist {
		b.dist[i] += n
	}
	b.extra += o.extra
}

// cost estimates the bits of the codes of two blocks as one, in 1/16; the other
// may be nil. It goes by integers, so that all machines agree.
func (b *block) cost(o *block) int {
	sum := func(a, c []uint32) int {
		total, used, cost := uint32(0), 0, 0
		for i, n := range a {
			if c != nil {
				n += c[i]
			}
			if n > 0 {
				total += n
				used++
				cost -= int(n) * log2(n)
			}
		}
		if total > 0 {
			cost += int(total) * log2(total)
		}
		return cost + used*headerBits*16
	}
	if o == nil {
		return sum(b.litlen[:], nil) + sum(b.dist[:], nil) + blockBits*16
	}
	return sum(b.litlen[:], o.litlen[:]) + sum(b.dist[:], o.dist[:]) + blockBits*16
}

const (
	headerBits = 8   // that saying a code's length takes, about
	blockBits  = 200 // that a block takes besides, about
)

// log2 is a logarithm in 1/16.
func log2(n uint32) int {
	if n < uint32(len(logs)) {
		return int(logs[n])
	}
	shift := 0
	for n >= uint32(len(logs)) {
		n >>= 1
		shift += 16
	}
	return int(logs[n]) + shift
}

// logs are logarithms of small numbers in 1/16, rounded down: n^16 is multiplied
// out and its bits are counted.
var logs = func() (t [4096]uint16) {
	for n := 1; n < len(t); n++ {
		// x is n^k scaled to 32 bits, e its exponent.
		x, e := uint64(n), 0
		for range 4 { // to the 16th power
			x *= x
			e *= 2
			for x >= 1<<31 {
				x >>= 1
				e++
			}
		}
		for ; x > 1; x >>= 1 {
			e++
		}
		t[n] = uint16(e)
	}
	return t
}()

var (
	lengthBase, lengthExtra, lengthCode = func() (base [29]uint16, extra [29]uint8, code [256]uint8) {
		length := 3
		for i := range 28 {
			base[i] = uint16(length)
			if i >= 8 {
				extra[i] = uint8(i/4 - 1)
			}
			for range 1 << extra[i] {
				if length < maxMatch {
					code[length-3] = uint8(i)
				}
				length++
			}
		}
		base[28], code[255] = maxMatch, 28
		return base, extra, code
	}()

	distBase, distExtra = func() (base [30]uint16, extra [30]uint8) {
		distance := 1
		for i := range 30 {
			base[i] = uint16(distance)
			if i >= 4 {
				extra[i] = uint8(i/2 - 1)
			}
			distance += 1 << extra[i]
		}
		return base, extra
	}()
)

func distanceCode(distance int) int {
	d := uint32(distance - 1)
	if d < 4 {
		return int(d)
	}
	top := bits.Len32(d) - 1
	return 2*top + int(d>>(top-1)&1)
}
