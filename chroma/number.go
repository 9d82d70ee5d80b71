package chroma

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// powersOf10 are the powers of ten that a float64 holds exactly.
var powersOf10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

var intPowersOf10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// float32At reads the JSON number at b[i:] as the nearest float32 and gives its
// bits and the place behind it, or -1 when there is no such number.
//
// A mantissa below 2^53 and a power of ten up to 22 are exact as float64, so
// their product or quotient is rounded once. Rounding that to float32 is
// rounding the number itself, unless the float64 lies exactly between two
// float32. It cannot be outside their normal range: it is 0, or between 1e-22
// and 9.1e37. Everything else goes to strconv.
func float32At(b []byte, i int) (value uint32, end int) {
	start := i
	if i+24 > len(b) { // what the loads below may touch
		return slowFloat32(b, start)
	}
	var sign uint32
	if b[i] == '-' { // half of all components: no branch, so that none is guessed wrong
		sign = 1
	}
	i += int(sign)
	sign <<= 31
	if b[i] == '0' && b[i+1] == '.' { // nearly all: 0.dddddddd and up to seven digits more
		first, second := binary.LittleEndian.Uint64(b[i+2:]), binary.LittleEndian.Uint64(b[i+10:])
		if n := leadingDigits(second); n < 8 && allDigits(first) && b[i+10+n]|0x20 != 'e' {
			mantissa := eightDigits(first, 8)*intPowersOf10[n] + eightDigits(second, n)
			wide := float64(mantissa) / powersOf10[8+n]
			if math.Float64bits(wide)&(1<<29-1) != 1<<28 {
				return math.Float32bits(float32(wide)) | sign, i + 10 + n
			}
			return slowFloat32(b, start)
		}
	}
	mantissa := uint64(b[i] - '0')
	if mantissa > 9 {
		return 0, -1
	}
	i++
	digits := 1
	if mantissa != 0 {
		for digits <= 18 && i < len(b) && b[i]-'0' <= 9 {
			mantissa = mantissa*10 + uint64(b[i]-'0')
			i++
			digits++
		}
	}
	exponent := 0
	if i < len(b) && b[i] == '.' {
		i++
		from := i
		for {
			if i+8 > len(b) {
				return slowFloat32(b, start)
			}
			word := binary.LittleEndian.Uint64(b[i:])
			n := leadingDigits(word)
			if digits+n > 19 { // beyond a uint64
				return slowFloat32(b, start)
			}
			mantissa = mantissa*intPowersOf10[n] + eightDigits(word, n)
			i += n
			digits += n
			if n < 8 {
				break
			}
		}
		exponent = from - i
		if exponent == 0 {
			return 0, -1 // no digit behind the point
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		e, j := exponentAt(b, i+1)
		if j < 0 {
			return slowFloat32(b, start)
		}
		exponent += e
		i = j
	}
	if i >= len(b) || b[i]-'0' <= 9 { // a 0 before other digits, or more than were read
		return slowFloat32(b, start)
	}
	if mantissa == 0 {
		return sign, i
	}
	if mantissa >= 1<<53 || exponent < -22 || exponent > 22 {
		return slowFloat32(b, start)
	}
	wide := float64(mantissa)
	if exponent < 0 {
		wide /= powersOf10[-exponent]
	} else {
		wide *= powersOf10[exponent]
	}
	if math.Float64bits(wide)&(1<<29-1) == 1<<28 {
		return slowFloat32(b, start)
	}
	return math.Float32bits(float32(wide)) | sign, i
}

// slowFloat32 is float32At for any number.
func slowFloat32(b []byte, i int) (value uint32, end int) {
	end, _ = numberAt(b, i)
	if end < 0 {
		return 0, -1
	}
	f, err := strconv.ParseFloat(string(b[i:end]), 32)
	if err != nil { // beyond the range of a float32
		return 0, -1
	}
	return math.Float32bits(float32(f)), end
}

// exponentAt reads up to three digits behind an e.
func exponentAt(b []byte, i int) (e, end int) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		if i-from == 3 {
			return 0, -1
		}
		e = e*10 + int(b[i]-'0')
		i++
	}
	if i == from {
		return 0, -1
	}
	if negative {
		e = -e
	}
	return e, i
}

// leadingDigits counts the ASCII digits from the first (lowest) byte of word.
func leadingDigits(word uint64) int {
	const high, zeros = 0xF0F0F0F0F0F0F0F0, 0x3030303030303030
	other := ((word & high) ^ zeros) | (((word + 0x0606060606060606) & high) ^ zeros)
	return bits.TrailingZeros64(other) / 8 // 64 zeros: 8 digits
}

// allDigits reports whether all bytes of word are ASCII digits.
func allDigits(word uint64) bool {
	const high, zeros = 0xF0F0F0F0F0F0F0F0, 0x3030303030303030
	return word&high == zeros && (word+0x0606060606060606)&high == zeros
}

// eightDigits is the number that the first n bytes of word, digits, spell.
func eightDigits(word uint64, n int) uint64 {
	word = (word - 0x3030303030303030) << (64 - 8*n) // with zeros in front; n = 0 shifts all out
	word &= 0x0F0F0F0F0F0F0F0F
	word = word * (1 + 10<<8) >> 8 & 0x00FF00FF00FF00FF
	word = word * (1 + 100<<16) >> 16 & 0x0000FFFF0000FFFF
	return word * (1 + 10000<<32) >> 32
}

// numberAt gives the place behind the JSON number at b[i:], or -1, and whether
// it is written as an integer.
func numberAt(b []byte, i int) (end int, integer bool) {
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return -1, false
	}
	integer = true
	if i < len(b) && b[i] == '.' {
		i++
		integer = false
		if !digits() {
			return -1, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		integer = false
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			i++
		}
		if !digits() {
			return -1, false
		}
	}
	return i, integer
}
