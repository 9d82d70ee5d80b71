package deflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// packed packs in writes of these sizes, over and over.
func packed(t testing.TB, b []byte, sizes ...int) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for i := 0; len(b) > 0; i++ {
		n := len(b)
		if len(sizes) > 0 {
			n = min(n, sizes[i%len(sizes)])
		}
		if _, err := w.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpacked(t testing.TB, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// records is JSON as archives hold it.
func records(n, dim int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("the quick brown fox jumps over a lazy dog and what stands behind it says nothing of vectors or of \"quotes\" 🦊 12345")
	var b []byte
	for i := range n {
		b = fmt.Appendf(b, `{"id":"record-%d","embedding":[`, i)
		for k := range dim {
			if k > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendFloat(b, rng.NormFloat64()/20, 'g', -1, 32)
		}
		b = append(b, `],"document":"`...)
		for range 150 {
			b = append(append(b, words[rng.IntN(len(words))]...), ' ')
		}
		b = append(b, "\",\"uri\":null,\"metadata\":{\"n\":1}},\n"...)
	}
	return b
}

func texts() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 3*part/2)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	digits := make([]byte, part+5)
	for i := range digits {
		digits[i] = "0123456789"[rng.IntN(10)]
	}
	return map[string][]byte{
		"nothing": nil, "a byte": []byte("a"), "three": []byte("abc"), "one number": []byte("[1]"), "records": records(300, 384),
		"small vectors": records(3000, 3), "noise": noise, "digits": digits, "zeros": make([]byte, 3*part+1),
		"commas": bytes.Repeat([]byte(","), 70_000), "one text": bytes.Repeat([]byte("abcdefgh"), 50_000),
		"a part": records(1000, 384)[:part], "numbers to the end": []byte(strings.Repeat("1.5,-2e-7,", 200)),
		"a number at each end": []byte(strings.Repeat("0.1,", 40) + strings.Repeat("x", 100) + strings.Repeat("0.2,", 40)),
	}
}

// TestRoundTrip: whatever it is and however it is written, it comes back, and the
// bytes depend on nothing else.
func TestRoundTrip(t *testing.T) {
	for name, b := range texts() {
		t.Run(name, func(t *testing.T) {
			out := packed(t, b)
			if !bytes.Equal(unpacked(t, out), b) {
				t.Fatal("it comes back otherwise")
			}
			if !bytes.Equal(out, packed(t, b, 1000, 1, 70_001, 12)) {
				t.Error("other writes make other bytes")
			}
			if len(out) > len(b)+len(b)/500+200 {
				t.Errorf("%d bytes of %d", len(out), len(b))
			}
		})
	}
}

// TestSystem: gzip itself reads it, and makes nothing that is smaller.
func TestSystem(t *testing.T) {
	for _, dim := range []int{3, 32, 384} {
		system(t, records(600_000/(150+2*dim), dim))
	}
}

func system(t *testing.T, b []byte) {
	t.Helper()
	out := packed(t, b)
	test := exec.Command("gzip", "-t")
	test.Stdin = bytes.NewReader(out)
	if text, err := test.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	pack := exec.Command("gzip", "-6", "-n")
	pack.Stdin = bytes.NewReader(b)
	theirs, err := pack.Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > len(theirs) {
		t.Errorf("%d bytes, and gzip -6 makes %d", len(out), len(theirs))
	}
}

// TestFlush: what was written until then can be read, and more may come.
func TestFlush(t *testing.T) {
	b := records(500, 100)
	var out bytes.Buffer
	w := NewWriter(&out)
	for i := 0; i < len(b); i += 100_000 {
		_, _ = w.Write(b[i:min(len(b), i+100_000)])
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got := make([]byte, min(len(b), i+100_000)); true {
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, b[:len(got)]) {
				t.Fatalf("after %d bytes: %v", i, err)
			}
		}
	}
	if err := w.Close(); err != nil || !bytes.Equal(unpacked(t, out.Bytes()), b) {
		t.Errorf("%v", err)
	}
}

// failing takes so many bytes.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestWriteFails: the error of what it is written to comes back, soon and at the
// end.
func TestWriteFails(t *testing.T) {
	b := records(5000, 384)
	for _, left := range []int{0, 5, 100_000} {
		w := NewWriter(&failing{left})
		n := 0
		var err error
		for n = 0; n < len(b) && err == nil; n += 10_000 {
			_, err = w.Write(b[n:min(len(b), n+10_000)])
		}
		if err != errFull || n > (parts+3)*part+left*4 {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if err := w.Close(); err != errFull {
			t.Errorf("close: %v", err)
		}
	}
}

// TestCodes: lengths fill the code exactly, and keep to the limit where few
// symbols are most of it.
func TestCodes(t *testing.T) {
	fibonacci := make([]uint32, 40)
	fibonacci[0], fibonacci[1] = 1, 1
	for i := 2; i < len(fibonacci); i++ {
		fibonacci[i] = fibonacci[i-1] + fibonacci[i-2]
	}
	for _, limit := range []int{7, 15} {
		for n := 2; n <= min(len(fibonacci), 1<<limit); n++ {
			used := 0
			for _, l := range codeLengths(fibonacci[:n], limit) {
				if l == 0 || int(l) > limit {
					t.Fatalf("a code of %d bits", l)
				}
				used += 1 << (limit - int(l))
			}
			if used != 1<<limit {
				t.Errorf("%d symbols: the code is not full, or more than that", n)
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, b := range texts() {
		f.Add(b[:min(len(b), 5000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !bytes.Equal(unpacked(t, packed(t, b)), b) {
			t.Error("it comes back otherwise")
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	text := records(2000, 384)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w := NewWriter(io.Discard)
		_, _ = w.Write(text)
		_ = w.Close()
	}
}
