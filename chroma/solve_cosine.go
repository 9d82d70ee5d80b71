package chroma

import "math"

// In cosine space a server does not hold the vector it is sent but a unit
// vector and a length, both rounded, and answers their product. What it does,
// measured bit for bit on servers 1.0.0 and 1.4.4 (x86-64, all dimensions
// tried): the squares are summed in four lanes, s = (a0+a2)+(a1+a3), the last
// dim%4 components one after the other; L = √s, inv = 1/(L+1e-30); held are
// n = x·inv and L; answered is n·L. All of it in float32, nothing fused.
//
// Go may fuse x*y+z into one rounding on other machines; an explicit conversion
// forbids it, hence the float32(…) around every product.

// cosineLength is L, the length that the server computes for x.
func cosineLength(x []float32) float32 {
	var a0, a1, a2, a3 float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		y := x[i : i+4 : i+4]
		a0 += float32(y[0] * y[0])
		a1 += float32(y[1] * y[1])
		a2 += float32(y[2] * y[2])
		a3 += float32(y[3] * y[3])
	}
	s := float32(a0+a2) + float32(a1+a3)
	for ; i < len(x); i++ {
		s += float32(x[i] * x[i])
	}
	return float32(math.Sqrt(float64(s)))
}

func cosineInverse(length float32) float32 { return 1 / float32(length+1e-30) }

// cosineHeld is the component that is answered for x in a vector of a length.
func cosineHeld(x, inverse, length float32) float32 {
	return float32(float32(x*inverse) * length)
}

// cosineRoundTrip sets dst to what the server answers for x.
func cosineRoundTrip(dst, x []float32) {
	length := cosineLength(x)
	inverse := cosineInverse(length)
	for i, c := range x {
		dst[i] = cosineHeld(c, inverse, length)
	}
}

const (
	// cosineLengths is how many ulps around the length of the vector wanted are
	// tried as the length that the server shall compute.
	cosineLengths = 40
	// cosineReach is how far, in ulps, a component sent may be from the one
	// wanted: two products and one quotient are at most 3 apart.
	cosineReach = 3
	// cosineOrders is how many orders of the components are tried per length
	// where one order does not hit any length.
	cosineOrders = 32
	// cosineCombinations bounds the exhaustive search in few dimensions.
	cosineCombinations = 4096
)

// cosineSolver finds vectors that a server in cosine space answers as they are
// wanted. Its memory is used again; it serves one goroutine.
type cosineSolver struct {
	send   []float32
	lo, hi []float32 // the smallest and largest magnitudes that read back right
	free   []int     // components where these differ
	trial  []float32
}

// solve gives the vector to send for want, valid until the next call. exact is
// false where none was found; then the vector is the one found whose answer
// comes nearest. It is deterministic.
//
// A vector that such a server answered was once sent, so it has a solution:
// all of 438,000 were found, of ten dimensions from 3 to 1536, unit and not. A
// vector from another space mostly has none, and is held 1 or 2 ulps off.
func (s *cosineSolver) solve(want []float32) (send []float32, exact bool) {
	length := cosineLength(want)
	if cosineHolds(want, want, length) {
		return want, true
	}
	s.grow(len(want))
	if length > math.MaxFloat32 { // or NaN
		return s.scaleDown(want), false
	}
	if s.search(want, length, 1) || s.search(want, length, cosineOrders) {
		return s.send, true
	}
	return s.nearest(want), false
}

// search tries the lengths around length, the nearest first.
func (s *cosineSolver) search(want []float32, length float32, orders int) bool {
	for k := range 2*cosineLengths + 1 {
		target := float32Step(length, alternate(int64(k)))
		if target >= 0 && s.bounds(want, target) && s.hit(target, orders) {
			return true
		}
	}
	return false
}

func (s *cosineSolver) grow(dim int) {
	if cap(s.send) < dim {
		s.send, s.lo, s.hi, s.trial = make([]float32, dim), make([]float32, dim), make([]float32, dim), make([]float32, dim)
		s.free = make([]int, 0, dim)
	}
	s.send, s.lo, s.hi, s.trial = s.send[:dim], s.lo[:dim], s.hi[:dim], s.trial[:dim]
}

// cosineHolds reports whether x, of the given length, is answered as want.
func cosineHolds(want, x []float32, length float32) bool {
	inverse := cosineInverse(length)
	for i, c := range x {
		if math.Float32bits(cosineHeld(c, inverse, length)) != math.Float32bits(want[i]) {
			return false
		}
	}
	return true
}

// bounds finds for each component the smallest and the largest magnitude near
// it that read back right in a vector of the length target; false where a
// component has none. What a component reads back as grows with it, so
// everything between the two reads back right as well.
func (s *cosineSolver) bounds(want []float32, target float32) bool {
	inverse := cosineInverse(target)
	s.free = s.free[:0]
	for i, w := range want {
		c := math.Float32bits(w)
		sign, mag := c&(1<<31), c&^(1<<31)
		good := func(m uint32) bool {
			return math.Float32bits(cosineHeld(math.Float32frombits(m), inverse, target)) == mag
		}
		if mag == 0 {
			s.lo[i], s.hi[i] = w, w
			continue
		}
		first, last := max(mag, cosineReach)-cosineReach, mag+cosineReach
		lo := mag
		if good(mag) {
			for lo > first && good(lo-1) {
				lo--
			}
		} else if lo = nextGood(first, last, good); lo > last {
			return false
		}
		hi := max(lo, mag)
		if !good(hi) {
			hi = lo
		}
		for hi < last && good(hi+1) {
			hi++
		}
		s.lo[i], s.hi[i] = math.Float32frombits(sign|lo), math.Float32frombits(sign|hi)
		if lo != hi {
			s.free = append(s.free, i)
		}
	}
	return true
}

func nextGood(first, last uint32, good func(uint32) bool) uint32 {
	for ; first <= last && !good(first); first++ {
	}
	return first
}

// hit looks for a vector between lo and hi whose length is target and leaves
// it in send.
func (s *cosineSolver) hit(target float32, orders int) bool {
	low := cosineLength(s.lo)
	if low == target {
		copy(s.send, s.lo)
		return true
	}
	high := cosineLength(s.hi)
	if high == target {
		copy(s.send, s.hi)
		return true
	}
	if !(low < target && target < high) {
		return false
	}
	for order := range orders {
		shuffle(s.free, uint64(order))
		if s.bisect(target) {
			return true
		}
	}
	return orders > 1 && s.enumerate(target)
}

// bisect looks for how many of the free components must be high.
func (s *cosineSolver) bisect(target float32) bool {
	least, most := 0, len(s.free)
	for least <= most {
		m := (least + most) / 2
		copy(s.send, s.lo)
		for _, i := range s.free[:m] {
			s.send[i] = s.hi[i]
		}
		length := cosineLength(s.send)
		switch {
		case length == target:
			return true
		case length < target:
			least = m + 1
		default:
			most = m - 1
		}
	}
	return false
}

// enumerate tries every choice of the free components, if they are few.
func (s *cosineSolver) enumerate(target float32) bool {
	choices := 1
	for _, i := range s.free {
		choices *= int(math.Float32bits(s.hi[i])-math.Float32bits(s.lo[i])) + 1
		if choices > cosineCombinations {
			return false
		}
	}
	copy(s.send, s.lo)
	for range choices {
		if cosineLength(s.send) == target {
			return true
		}
		for _, i := range s.free { // the next choice, like the digits of a number
			if s.send[i] != s.hi[i] {
				s.send[i] = float32Step(s.send[i], 1)
				break
			}
			s.send[i] = s.lo[i]
		}
	}
	return false
}

// nearest corrects what is sent by what the answer is off, a few times over,
// and keeps the best in send.
func (s *cosineSolver) nearest(want []float32) []float32 {
	copy(s.send, want)
	copy(s.trial, want)
	best := uint32(math.MaxUint32)
	for range 2 * cosineReach {
		cosineRoundTrip(s.lo, s.trial)
		worst, _ := ulpsApart(want, s.lo)
		if worst < best {
			best = worst
			copy(s.send, s.trial)
		}
		if worst > 1<<20 {
			break // underflow: not a matter of ulps
		}
		for i, w := range want {
			s.trial[i] = float32Step(s.trial[i], int64(math.Float32bits(w))-int64(math.Float32bits(s.lo[i])))
		}
	}
	return s.send
}

// scaleDown gives want times the largest power of two that has a finite
// length. As it is, the server would make it a vector of NaN, which nobody can
// read again; so its direction at least is kept.
func (s *cosineSolver) scaleDown(want []float32) []float32 {
	copy(s.send, want)
	for range 256 {
		if cosineLength(s.send) <= math.MaxFloat32 {
			break
		}
		for i := range s.send {
			s.send[i] /= 2
		}
	}
	return s.send
}

// ulpsApart gives the largest distance of two vectors' components in ulps and
// where it is first met; -1: nowhere, they are the same.
func ulpsApart(a, b []float32) (worst uint32, at int) {
	key := func(x float32) int64 {
		if k := int64(int32(math.Float32bits(x))); k >= 0 {
			return k
		} else {
			return math.MinInt32 - k
		}
	}
	at = -1
	for i := range a {
		d := key(a[i]) - key(b[i])
		if d < 0 {
			d = -d
		}
		if d == 0 && math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			d = 1 // the two zeros
		}
		if uint32(d) > worst {
			worst, at = uint32(d), i
		}
	}
	return worst, at
}

// float32Step moves x by n ulps away from zero.
func float32Step(x float32, n int64) float32 {
	return math.Float32frombits(uint32(int64(math.Float32bits(x)) + n))
}

// shuffle permutes a, always the same way for a seed and a length (an LCG of
// Knuth's).
func shuffle(a []int, seed uint64) {
	state := seed
	for i := len(a) - 1; i > 0; i-- {
		state = state*6364136223846793005 + 1442695040888963407
		j := int((state >> 33) % uint64(i+1))
		a[i], a[j] = a[j], a[i]
	}
}
