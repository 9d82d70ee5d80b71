package deflate

import (
	"encoding/binary"
	"math/bits"
)

// token is a literal, or a match: its length and distance.
type token uint32

const matchFlag token = 1 << 31

func match(length, distance int) token {
	return matchFlag | token(length-3)<<16 | token(distance-1)
}

func (t token) length() int   { return int(t>>16)&0xFF + 3 }
func (t token) distance() int { return int(t)&0xFFFF + 1 }

// numeric are the characters of numbers and what stands between them.
var numeric = func() (t [256]bool) {
	for _, c := range "0123456789.,-+e" {
		t[c] = true
	}
	return t
}()

// segment gives the end of the segment of a text that begins at i, and whether it
// is one of numbers.
func segment(b []byte, i int) (end int, numbers bool) {
	run := i
	for j := i; j < len(b); j++ {
		if numeric[b[j]] {
			continue
		}
		if j-run >= numberRun {
			if run == i {
				return j, true
			}
			return run, false
		}
		run = j + 1
	}
	if len(b)-run >= numberRun {
		if run == i {
			return len(b), true
		}
		return run, false
	}
	return len(b), false
}

// Tables of a finder: 2^bits entries.
const (
	hashBits   = 15
	prefixBits = 12
	// How gzip -6 searches.
	chain = 128 // how many earlier places a search looks at
	good  = 8   // from this length on a quarter of that, for one that is longer
	lazy  = 16  // from this length on none at all
	nice  = 128 // a match of this length is good enough
)

// finder makes tokens of one part.
type finder struct {
	b        []byte // what lies back, and the part
	head     [1 << hashBits]int32
	prev     [window]int32
	prefixes [4][1 << prefixBits]int32 // where a number began so: 3 to 6 bytes of it
}

func (f *finder) reset(b []byte) {
	f.b = b
	clear(f.head[:])
	for i := range f.prefixes {
		clear(f.prefixes[i][:])
	}
}

// Places in tables are one more than they are: 0 is none.

func (f *finder) hash(i int) uint32 {
	return binary.LittleEndian.Uint32(f.b[i:]) * 2654435761 >> (32 - hashBits)
}

func (f *finder) insert(i int) {
	h := f.hash(i)
	f.prev[i%window] = f.head[h]
	f.head[h] = int32(i + 1)
}

// common is how many bytes are the same at two places, up to end.
func (f *finder) common(i, j, end int) int {
	n, most := 0, min(end-j, maxMatch)
	for n+8 <= most {
		if x := binary.LittleEndian.Uint64(f.b[i+n:]) ^ binary.LittleEndian.Uint64(f.b[j+n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < most && f.b[i+n] == f.b[j+n] {
		n++
	}
	return n
}

// longest finds the longest match for what stands at i.
func (f *finder) longest(i, end, atLeast int) (length, distance int) {
	length = atLeast
	at := int(f.head[f.hash(i)]) - 1
	looks := chain
	if atLeast >= good {
		looks /= 4
	}
	for n := 0; n < looks && at >= 0 && i-at <= window; n++ {
		if i+length < end && f.b[at+length] == f.b[i+length] || length == atLeast {
			if l := f.common(at, i, end); l > length {
				length, distance = l, i-at
				if l >= nice {
					break
				}
			}
		}
		next := int(f.prev[at%window]) - 1
		if next >= at {
			break // it was overwritten
		}
		at = next
	}
	return length, distance
}

// text makes tokens of b[i:end].
func (f *finder) text(i, end int, out *block) {
	last := end - minMatch // the last place that can be hashed
	for i < end {
		if i > last {
			out.literal(f.b[i])
			i++
			continue
		}
		length, distance := f.longest(i, end, minMatch-1)
		f.insert(i)
		if distance == 0 {
			out.literal(f.b[i])
			i++
			continue
		}
		// A longer one may begin a byte later.
		for length < lazy && i+1 <= last {
			l, d := f.longest(i+1, end, length)
			if d == 0 || l == length+1 && far(d) > far(distance)+6 {
				break
			}
			out.literal(f.b[i])
			i++
			f.insert(i)
			length, distance = l, d
		}
		out.match(length, distance)
		for n := i + length; i+1 < n; {
			if i++; i <= last {
				f.insert(i)
			}
		}
		i++
	}
}

// far is how many bits a distance takes besides its code.
func far(distance int) int { return max(bits.Len(uint(distance-1))-2, 0) }

// skipText notes what lies back, for later matches.
func (f *finder) skipText(i, end int) {
	for ; i+minMatch <= end; i++ {
		f.insert(i)
	}
}

// numbers makes tokens of a run of numbers b[i:end].
func (f *finder) numbers(i, end int, out *block) {
	for i < end {
		if f.b[i] == ',' && i+8 <= end {
			if length, distance := f.beginning(i, end); length > 0 {
				out.match(length, distance)
				i += length
				continue
			}
		}
		out.literal(f.b[i])
		i++
	}
}

func (f *finder) skipNumbers(i, end int) {
	for ; i+8 <= end; i++ {
		if f.b[i] == ',' {
			f.beginning(i, end)
		}
	}
}

// beginning finds the match for the beginning of a number that saves the most: a
// near one is better than one that is a digit longer and far away.
func (f *finder) beginning(i, end int) (length, distance int) {
	x := binary.LittleEndian.Uint64(f.b[i:])
	best := 0
	for k := range f.prefixes {
		n := k + minPrefix
		h := (x << (64 - 8*n)) * 0x9E3779B97F4A7C15 >> (64 - prefixBits)
		at := int(f.prefixes[k][h]) - 1
		f.prefixes[k][h] = int32(i + 1)
		if at < 0 || i-at > window {
			continue
		}
		l := f.common(at, i, end)
		// In half bits. A digit takes less than 7, but characters that mostly
		// stand in matches are rare as literals, and so take more. Measured on
		// vectors of several kinds, together with the 10 of the match's codes.
		if saved := 14*l - 2*(10+far(i-at)); l >= minPrefix && saved > best {
			best, length, distance = saved, l, i-at
		}
	}
	return length, distance
}
