package chroma

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// checkFloat32 holds float32At against strconv.
func checkFloat32(t *testing.T, text string) {
	t.Helper()
	for _, tail := range []string{",", "]", "                              ", ""} {
		bits, end := float32At([]byte(text+tail), 0)
		want, err := strconv.ParseFloat(text, 32)
		switch {
		case err != nil && end >= 0:
			t.Fatalf("%q: read as %#x, want an error: %v", text+tail, bits, err)
		case err != nil:
		case end != len(text) || bits != math.Float32bits(float32(want)):
			t.Fatalf("%q: %#x and %d bytes, want %#x and %d", text+tail, bits, end, math.Float32bits(float32(want)), len(text))
		}
	}
}

func TestFloat32At(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "0.0", "-0.0", "0e5", "-0e-400", "1", "-1", "10", "123456789", "0.1", "-0.1", "1e0", "1E5", "1e+5", "1e-5",
		"3.4028235e38", "3.4028236e38", "3.5e38", "-1e39", "1e400", "1e-400", "1.1754944e-38", "1.1754942e-38", "1e-45", "7e-46", "7.0064923e-46",
		"16777217", "16777217.0", "16777217.000000000000000000000000000001", "33554434.999999", "9007199254740993", "9007199254740992",
		"18446744073709551615", "18446744073709551616", "99999999999999999999999999", "0.000000000000000000000000000000001",
		"1.00000005960464477539062500", "1.000000059604644775390625", "1.00000005960464477539062501", "1.0000000596046447",
		"0.12345678", "0.123456789", "0.1234567890123456", "0.12345678901234567", "0.123456789012345678", "0.1234567890123456789",
		"1234567.12345678", "12345678.123456789012", "0.00000000", "0.000000000000000000", "0.0000000000000000000000000", "8e22", "8e23", "1e22", "1e23", "1.5e1",
	} {
		checkFloat32(t, text)
		checkFloat32(t, "-"+trimMinus(text))
	}
	for _, text := range []string{"", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "-a", "NaN", "Infinity", "nul", "\"1\"", "--1", "1.-5"} {
		for _, tail := range []string{"", ",", ",                            "} {
			if bits, end := float32At([]byte(text+tail), 0); end >= 0 {
				t.Errorf("%q is read as %#x", text+tail, bits)
			}
		}
	}
	// What is left behind is for the caller to refuse.
	for text, want := range map[string]int{"01": 1, "-012.5": 2, "1.5.5": 3, "00.1": 1, "1e5e5": 3, "1x": 1} {
		if _, end := float32At([]byte(text+"                              "), 0); end != want {
			t.Errorf("%q: read up to %d, want %d", text, end, want)
		}
	}
}

func trimMinus(s string) string {
	if s[0] == '-' {
		return s[1:]
	}
	return s
}

// TestFloat32AtRandom goes over all kinds of numbers that some writer may
// print: any float32, points exactly between two of them and their neighbours,
// 64-bit forms, and random digits.
func TestFloat32AtRandom(t *testing.T) {
	const n = 30_000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	formats := []byte("eEfg")
	for range n {
		bits := r.Uint32()
		f := float64(math.Float32frombits(bits))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			continue
		}
		next := float64(math.Float32frombits(bits + 1))
		middle := f + (next-f)/2
		format := formats[r.IntN(len(formats))]
		if format == 'f' {
			f, middle = math.Mod(f, 1e9), math.Mod(middle, 1e9)
		}
		checkFloat32(t, strconv.FormatFloat(f, format, -1, 32))
		if math.IsNaN(middle) || math.IsInf(middle, 0) {
			continue
		}
		for _, v := range []float64{middle, math.Nextafter(middle, 0), math.Nextafter(middle, math.Inf(1))} {
			checkFloat32(t, strconv.FormatFloat(v, format, -1, 64))
			checkFloat32(t, strconv.FormatFloat(v, format, 17+r.IntN(10), 64))
		}
		checkFloat32(t, fmt.Sprintf("%d.%0*d", r.Uint64N(1<<r.IntN(64)), 1+r.IntN(20), r.Uint64N(1<<r.IntN(60))))
		checkFloat32(t, fmt.Sprintf("%d.%0*de%d", r.IntN(10), 1+r.IntN(20), r.Uint64N(1<<r.IntN(60)), r.IntN(90)-50))
	}
}
