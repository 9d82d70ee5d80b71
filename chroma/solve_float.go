package chroma

import (
	"math"
	"strconv"
)

// A Chroma server does not round decimals correctly. Its JSON parser gathers
// the digits in a 64-bit significand and multiplies or divides that, as a
// double, by one power of ten. A record's metadata goes through it twice: the
// request, and the text that the write-ahead log keeps of the result (printed
// in the shortest form that a correct parser reads back). A collection's
// metadata goes through it once. Measured on servers 1.0.0 and 1.4.4: 5,300 of
// 5,300 doubles as predicted here, in records, in arrays (1.4.4) and in
// collections (POST and PUT). Either way a negative zero ends as zero.
const (
	recordParses     = 2
	collectionParses = 1
)

// floatReach is how far from the double wanted, in ulps, the text of the
// write-ahead log is looked for. One parse was never seen to move a double by
// more than 3.
const floatReach = 8

// decimal is a number as the server's parser sees it: significand × 10^exp.
type decimal struct {
	significand uint64
	exp         int
}

var powersOfTen = func() (p [309]float64) {
	for i := range p {
		p[i], _ = strconv.ParseFloat("1e"+strconv.Itoa(i), 64) // correctly rounded, which math.Pow10 is not
	}
	return p
}()

// value is what the server's parser makes of d; ok is false where it refuses
// the number as out of range.
func (d decimal) value() (x float64, ok bool) {
	x = float64(d.significand)
	e := d.exp
	for e < -308 {
		if x == 0 {
			return 0, true
		}
		x /= 1e308
		e += 308
	}
	switch {
	case e < 0:
		return x / powersOfTen[-e], true
	case e > 308:
		return 0, x == 0
	}
	x *= powersOfTen[e]
	return x, !math.IsInf(x, 0)
}

// shortest is the decimal that the server's printer makes of x, which is
// finite and positive: the fewest digits that a correct parser reads as x; a
// whole number below 10^16 gets ".0", which is one digit more for the parser.
func shortest(x float64) decimal {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], x, 'e', -1, 64) // d.ddde±xx
	var d decimal
	digits, i := 0, 0
	for ; text[i] != 'e'; i++ {
		if text[i] != '.' {
			d.significand = d.significand*10 + uint64(text[i]-'0')
			digits++
		}
	}
	i++
	sign := text[i]
	e := 0
	for i++; i < len(text); i++ {
		e = e*10 + int(text[i]-'0')
	}
	if sign == '-' {
		e = -e
	}
	d.exp = e + 1 - digits
	if d.exp >= 0 && e < 16 {
		for ; d.exp >= 0; d.exp-- {
			d.significand *= 10
		}
	}
	return d
}

// heldFloat is what a server holds that parses d the given number of times.
func heldFloat(d decimal, parses int) (x float64, ok bool) {
	x, ok = d.value()
	if ok && parses > 1 && x != 0 {
		x, ok = shortest(x).value()
	}
	return x, ok
}

// solveFloat finds a decimal that the server will hold as x, which is finite
// and positive. Where there is none it gives the decimal that ends nearest, and
// what the server holds then.
//
// A double that the server answered was the result of its parser once, so it
// has a solution: all of 5,000,000 were found. One that came another way may
// have none: between 9 % (1e-3..1e6) and 20 % (random bits) of a record's.
func solveFloat(x float64, parses int) (d decimal, held float64) {
	d = shortest(x)
	if v, ok := d.value(); ok && v == x { // then the second parse reads the same text
		return d, x
	}
	bits := int64(math.Float64bits(x))
	best := int64(math.MaxInt64)
	for k := range int64(2*floatReach + 1) {
		// y is what the first parse should give.
		y := math.Float64frombits(uint64(max(bits+alternate(k), 0)))
		if math.IsInf(y, 0) {
			continue
		}
		end := y
		if parses > 1 && y != 0 {
			var ok bool
			if end, ok = shortest(y).value(); !ok {
				continue
			}
		}
		gap := ulps64(end, x)
		if gap >= best {
			continue
		}
		if c, ok := decimalFor(y); ok {
			d, held, best = c, end, gap
			if gap == 0 {
				break
			}
		}
	}
	return d, held
}

// decimalFor finds a decimal that one parse reads as y. The significand may
// have three or four lengths and still fill 53 bits, and each gives another
// grid around y; shorter ones come last.
func decimalFor(y float64) (decimal, bool) {
	if y == 0 {
		return decimal{0, -1}, true
	}
	d := shortest(y)
	if v, ok := d.value(); ok && v == y {
		return d, true
	}
	magnitude := int(math.Floor(math.Log10(y)))
	for e := magnitude - 19; e <= magnitude; e++ {
		m := math.Floor(unscale(y, e))
		step := max(1, math.Nextafter(m, math.Inf(1))-m)
		for k := range int64(2*floatReach + 1) {
			f := m + float64(float64(alternate(k))*step)
			if !(f >= 1 && f < 1<<64) {
				continue
			}
			d := decimal{uint64(f), e}
			if v, ok := d.value(); ok && v == y {
				return d, true
			}
		}
	}
	return decimal{}, false
}

// unscale is about y / 10^e.
func unscale(y float64, e int) float64 {
	switch {
	case e < -308:
		return y * 1e308 * powersOfTen[-e-308]
	case e < 0:
		return y * powersOfTen[-e]
	}
	return y / powersOfTen[e]
}

// appendFloat appends the JSON number that a server holds as x after the given
// number of parses, and says what it will hold. The text always has a point or
// an exponent, so that no server takes it for an int. x is finite.
func appendFloat(dst []byte, x float64, parses int) (text []byte, held float64) {
	if x == 0 {
		return append(dst, "0.0"...), 0
	}
	d, held := solveFloat(math.Abs(x), parses)
	if math.Signbit(x) && held != 0 {
		dst = append(dst, '-')
		held = -held
	}
	return d.append(dst), held
}

// append writes d as a JSON number with a point or an exponent, so that the
// server's parser gathers the same significand.
func (d decimal) append(dst []byte) []byte {
	start := len(dst)
	dst = strconv.AppendUint(dst, d.significand, 10)
	digits := len(dst) - start
	if d.exp < 0 && -d.exp < digits { // 1234, -2: 12.34
		point := len(dst) + d.exp
		dst = append(dst, 0)
		copy(dst[point+1:], dst[point:])
		dst[point] = '.'
		return dst
	}
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(d.exp), 10)
}

// alternate gives 0, 1, -1, 2, -2, … for k = 0, 1, 2, …
func alternate(k int64) int64 {
	if k%2 == 0 {
		return -k / 2
	}
	return (k + 1) / 2
}

// ulps64 is the distance of two finite doubles in units in the last place.
func ulps64(a, b float64) int64 {
	key := func(x float64) int64 {
		if k := int64(math.Float64bits(x)); k >= 0 {
			return k
		} else {
			return math.MinInt64 - k
		}
	}
	d := key(a) - key(b)
	if d < 0 {
		return -d
	}
	return d
}
