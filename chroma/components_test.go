package chroma

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// checkComponent holds componentsAt against strconv and reports whether it
// reads text at all. What it reads must be right to the bit.
func checkComponent(t *testing.T, text string) (taken bool) {
	t.Helper()
	const before, behind = `{"embeddings":[[`, ",0.5,null]]                "
	row := make([]byte, 4)
	done, end := componentsAt([]byte(before+text+behind), len(before), row)
	if done == 0 {
		if end != len(before) {
			t.Fatalf("%q: nothing read, up to %d", text, end)
		}
		return false
	}
	want, err := strconv.ParseFloat(text, 32)
	bits := binary.LittleEndian.Uint32(row)
	if err != nil || end != len(before)+len(text)+1 || bits != math.Float32bits(float32(want)) {
		t.Fatalf("%q: %#x up to %d, want %#x up to %d (%v)", text, bits, end-len(before),
			math.Float32bits(float32(want)), len(text)+1, err)
	}
	return true
}

// TestComponentsAt: any float32 below 1, in its shortest form and in others,
// and points at and beside the middle between two of them.
func TestComponentsAt(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for range 100_000 {
		f := float32(math.Ldexp(r.Float64()*2-1, -r.IntN(30)))
		checkComponent(t, strconv.FormatFloat(float64(f), 'f', -1, 32))
		checkComponent(t, strconv.FormatFloat(float64(f), 'f', 5+r.IntN(10), 64))
		checkComponent(t, strconv.FormatFloat(float64(f), "efg"[r.IntN(3)], -1, 64))
		// Thirteen digits that are nearest to a middle: for small numbers they
		// are off by more than a float64's last places, for large ones not.
		next := math.Float32frombits(math.Float32bits(f) + 1)
		middle := (float64(f) + float64(next)) / 2
		checkComponent(t, strconv.FormatFloat(middle, 'f', 13, 64))
	}
	// Middles that are exact in so few digits.
	for i := range 1 << 10 {
		m := 0.5 + float64(2*i+1)/(1<<25)
		if text := strconv.FormatFloat(m, 'f', -1, 64); len(text) <= 15 && checkComponent(t, text) {
			t.Errorf("%s lies between two float32, and was taken", text)
		}
	}
}

// TestComponentsAtTakes: the usual form is read, whatever its length; all else
// is left alone.
func TestComponentsAtTakes(t *testing.T) {
	for digits := 6; digits <= 13; digits++ {
		for _, sign := range []string{"", "-"} {
			text := sign + "0." + strings.Repeat("7", digits)
			if want := len(text) >= 8 && len(text) <= 15; checkComponent(t, text) != want {
				t.Errorf("%q taken: %v, want %v", text, !want, want)
			}
		}
	}
	for _, text := range []string{
		"1.2345678", "0", "0.5", "-0.0", "0.1234567e", "0.1234567e-5", "0.123456x8", "0.1234567 ", "00.1234567", "-00.123456",
		"--0.123456", "0.-1234567", "0.1234-678", "0x1234567", "0.12345678]", "null", "\"0.1234567\"", "0.:2345678", "0./2345678",
	} {
		if checkComponent(t, text) {
			t.Errorf("%q is taken", text)
		}
	}
	row := make([]byte, 8)
	body := `{"embeddings":[[0.12345678,0.23456789,0.34567890,0.1]]         `
	if done, end := componentsAt([]byte(body), 16, row); done != 8 || end != 38 {
		t.Errorf("two components of room: %d bytes up to %d", done, end)
	}
}
