package chroma

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// floatKinds are the sets of positive doubles that the tests go through.
var floatKinds = []struct {
	name string
	draw func(r *rand.Rand) float64
}{
	{"bits", func(r *rand.Rand) float64 {
		for {
			if x := math.Float64frombits(r.Uint64() >> 1); x <= math.MaxFloat64 {
				return x
			}
		}
	}},
	{"1e-12..1e12", func(r *rand.Rand) float64 { return r.Float64() * math.Pow(10, float64(r.IntN(25)-12)) }},
	{"1e-3..1e6", func(r *rand.Rand) float64 { return r.Float64() * math.Pow(10, float64(r.IntN(10)-3)) }},
	{"short", func(r *rand.Rand) float64 {
		x, _ := strconv.ParseFloat(strconv.Itoa(r.IntN(100000))+"e"+strconv.Itoa(r.IntN(12)-6), 64)
		return x
	}},
	{"whole", func(r *rand.Rand) float64 { return math.Floor(r.Float64() * math.Pow(10, float64(r.IntN(20)))) }},
	{"denormal", func(r *rand.Rand) float64 { return math.Float64frombits(r.Uint64() >> 12) }},
	{"huge", func(r *rand.Rand) float64 { return math.Float64frombits(0x7fe<<52 | r.Uint64()>>12) }},
}

var edgeFloats = []float64{
	0, 1, 10, 1e15, 1e16, 1e17, 123456789012345680, 1 << 53, 1<<53 + 2, 1 << 63, 1 << 64, 0.1, 0.0001, 0.00001, 1e-7,
	math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p-1022, math.Nextafter(0x1p-1022, 0), math.Pi, math.MaxFloat32,
}

// parseAsServer is the server's parser from the text on, written apart from
// type decimal.
func parseAsServer(t *testing.T, text string) (float64, bool) {
	t.Helper()
	text, negative := strings.CutPrefix(text, "-")
	text, exponent, _ := strings.Cut(text, "e")
	whole, fraction, _ := strings.Cut(text, ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || !digits.IsUint64() {
		t.Fatalf("%q: more digits than the server keeps", text)
	}
	e, _ := strconv.Atoi(exponent)
	e -= len(fraction)
	x := float64(digits.Uint64())
	for ; e < -308 && x != 0; e += 308 {
		x /= 1e308
	}
	power := func(e int) float64 {
		p, _ := strconv.ParseFloat("1e"+strconv.Itoa(e), 64)
		return p
	}
	switch {
	case x == 0:
	case e > 308:
		return 0, false
	case e < 0:
		x /= power(-e)
	default:
		x *= power(e)
	}
	if negative {
		x = -x
	}
	return x, !math.IsInf(x, 0)
}

// printAsServer is the text that the server writes into its log.
func printAsServer(x float64) string {
	text := strconv.FormatFloat(x, 'e', -1, 64)
	if a := math.Abs(x); a == 0 || a >= 1e-5 && a < 1e16 {
		text = strconv.FormatFloat(x, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
	}
	return strings.Replace(text, "e+", "e", 1)
}

// storeAsServer parses a text as often as the server does.
func storeAsServer(t *testing.T, text string, parses int) (float64, bool) {
	t.Helper()
	x, ok := parseAsServer(t, text)
	if ok && parses == recordParses {
		x, ok = parseAsServer(t, printAsServer(x))
	}
	if x == 0 {
		x = 0 // the sign of zero is lost
	}
	return x, ok
}

func checkFloat(t *testing.T, x float64, parses int) (exact bool) {
	t.Helper()
	text, held := appendFloat(nil, x, parses)
	if !json.Valid(text) || !strings.ContainsAny(string(text), ".e") {
		t.Fatalf("%v is written as %s", x, text)
	}
	got, ok := storeAsServer(t, string(text), parses)
	if !ok || math.Float64bits(got) != math.Float64bits(held) {
		t.Fatalf("%v is written as %s, which the server makes %v; %v is what was foretold", x, text, got, held)
	}
	return math.Float64bits(held) == math.Float64bits(x)
}

func TestFloatsThatAServerAnswered(t *testing.T) {
	r := newRand(t)
	for _, kind := range floatKinds {
		for _, parses := range []int{recordParses, collectionParses} {
			for range 20000 {
				x, ok := storeAsServer(t, printAsServer(kind.draw(r)), parses)
				if r.IntN(2) == 0 {
					x = -x
				}
				if ok && x != 0 && !checkFloat(t, x, parses) {
					t.Errorf("%s: no text for %v after %d parses", kind.name, x, parses)
				}
			}
		}
	}
}

func TestFloatsOfAnyBits(t *testing.T) {
	r := newRand(t)
	for _, parses := range []int{recordParses, collectionParses} {
		for _, kind := range floatKinds {
			const n = 5000
			exact := 0
			for range n {
				if checkFloat(t, kind.draw(r), parses) {
					exact++
				}
			}
			t.Logf("%s, %d parses: %.1f %% can be held exactly", kind.name, parses, 100*float64(exact)/n)
		}
		for _, x := range edgeFloats {
			checkFloat(t, x, parses)
			checkFloat(t, -x, parses)
		}
	}
	if _, held := appendFloat(nil, math.Copysign(0, -1), recordParses); math.Signbit(held) {
		t.Error("-0.0 is said to be held")
	}
}

func BenchmarkFloat(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var direct, search []float64
	for len(direct) < 256 || len(search) < 256 {
		x, ok := heldFloat(shortest(floatKinds[1].draw(r)), recordParses)
		if !ok || x == 0 {
			continue
		}
		if d, held := solveFloat(x, recordParses); held == x && d == shortest(x) {
			direct = append(direct, x)
		} else if held == x {
			search = append(search, x)
		}
	}
	var buf []byte
	for name, set := range map[string][]float64{"direct": direct[:256], "search": search[:256]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				buf, _ = appendFloat(buf[:0], set[i%256], recordParses)
			}
		})
	}
}
