package chunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// half rounds to a 16-bit float and back.
func half(x float32) float32 {
	const bits = 10 // of the mantissa
	scale := math.Exp2(math.Max(math.Floor(math.Log2(math.Abs(float64(x)))), -14) - bits)
	return float32(math.RoundToEven(float64(x)/scale) * scale)
}

func bfloat(x float32) float32 { return math.Float32frombits((math.Float32bits(x) + 0x8000) &^ 0xffff) }

func int8Dequantised(x float32) float32 { return float32(math.Round(float64(x)*400)) * (1.0 / 400) }

// How small embeddings of each origin become. The limits are the measured ones
// of docs/benchmarks.md and a little air; the seed is fixed, so they are exact.
func TestEmbeddingRatio(t *testing.T) {
	for _, c := range []struct {
		name  string
		f     func(float32) float32
		n     int
		codec byte
		limit float64 // of the raw size, in percent
	}{
		{"gaussian", same, 170, codecPlanes, 83.6},
		{"gaussian, one row", same, 1, codecPlanes, 90},
		{"gaussian, 32 rows", same, 32, codecPlanes, 83.9},
		{"gaussian, 2000 rows", same, 2000, codecPlanes, 83.3},
		{"16-bit floats", half, 170, codecPlanes, 43},
		{"bfloat16", bfloat, 170, codecPlanes, 34},
		{"8-bit integers", int8Dequantised, 170, codecZstd, 36},
		{"constant", func(float32) float32 { return 0.5 }, 170, codecPlanes, 0.1},
		{"zero", func(float32) float32 { return 0 }, 170, codecPlanes, 0.1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := vectors(rand.New(rand.NewPCG(7, 7)), c.n, 384, c.f)
			canonical := rows.AppendCanonical(nil)
			stored := Encode(nil, canonical)
			back, err := Decode(stored)
			if err != nil || !bytes.Equal(back, canonical) {
				t.Fatalf("does not come back: %v", err)
			}
			percent := 100 * float64(len(stored)) / float64(rows.Bytes())
			t.Logf("%.2f %% of %d bytes, codec %d", percent, rows.Bytes(), stored[0])
			if percent > c.limit {
				t.Errorf("%.2f %% of the raw size, limit %.2f %%", percent, c.limit)
			}
			if stored[0] != c.codec && c.limit > 1 {
				t.Errorf("codec %d, want %d", stored[0], c.codec)
			}
		})
	}
}

// Values that a rotation or a plane could lose.
func TestEmbeddingBits(t *testing.T) {
	r := random(t)
	special := []uint32{0, 1, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00001, 0xffffffff, 0x7f7fffff, 0x00800000, 0x80000001}
	for _, dim := range []int{1, 2, 3, 7, 384, 1537} {
		for _, n := range []int{1, 2, 33, 500} {
			rows := NewRows(Embeddings, dim)
			for i := range n {
				v := unitVector(r, dim)
				v[i%dim] = math.Float32frombits(special[r.IntN(len(special))])
				var null []bool
				switch r.IntN(4) {
				case 0:
					rows.AppendAbsent()
					continue
				case 1:
					null = make([]bool, dim)
					null[r.IntN(dim)] = true
				}
				rows.AppendVector(v, null)
			}
			canonical := rows.AppendCanonical(nil)
			prefix := []byte("kept")
			stored := Encode(prefix, canonical)
			if string(stored[:4]) != "kept" {
				t.Fatal("Encode does not append")
			}
			back, err := Decode(stored[4:])
			if err != nil || !bytes.Equal(back, canonical) {
				t.Fatalf("%d rows of %d: %v", n, dim, err)
			}
		}
	}
}

func TestTextCodec(t *testing.T) {
	r := random(t)
	noise := make([]byte, 300)
	for i := range noise {
		noise[i] = byte(r.IntN(0x80))
	}
	for _, c := range []struct {
		text  []byte
		codec byte
	}{
		{[]byte("a"), codecRaw},
		{noise, codecRaw},
		{bytes.Repeat([]byte("autochrome "), 1000), codecZstd},
		{bytes.Repeat([]byte("autochrome "), 1<<20), codecZstd}, // beyond the window
	} {
		rows := NewRows(Documents, 0)
		rows.Append(c.text)
		canonical := rows.AppendCanonical(nil)
		stored := Encode(nil, canonical)
		if back, err := Decode(stored); err != nil || !bytes.Equal(back, canonical) {
			t.Errorf("%d bytes: %v", len(c.text), err)
		}
		if stored[0] != c.codec && c.text[0] != noise[0] {
			t.Errorf("%d bytes: codec %d, want %d", len(c.text), stored[0], c.codec)
		}
	}
}

// A hostile stored form is refused at once, for little memory.
func TestHostileStoredForms(t *testing.T) {
	const large = MaxRow + MaxSize
	bomb := func(length int) []byte {
		e, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
		if err != nil {
			t.Fatal(err)
		}
		return e.EncodeAll(make([]byte, length), nil)
	}
	stored := func(codec byte, length int, body ...[]byte) []byte {
		return append(appendHead(nil, codec, length), slices.Concat(body...)...)
	}
	uvarints := func(values ...uint64) (b []byte) {
		for _, v := range values {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	noise := make([]byte, 1<<10)
	for i := range noise {
		noise[i] = byte(i*i>>3 + i)
	}
	frame := bomb(10)
	for name, b := range map[string][]byte{
		"nothing":                            {},
		"codec alone":                        {codecRaw},
		"unknown codec":                      stored(3, 1, []byte{0}),
		"length not shortest":                {codecRaw, 0x81, 0, 1},
		"length beyond the limit":            stored(codecRaw, large+1, []byte{0}),
		"raw, too short":                     stored(codecRaw, large, []byte{0}),
		"raw, too long":                      stored(codecRaw, 1, []byte{0, 0}),
		"zstd, nothing":                      stored(codecZstd, large),
		"zstd, garbage":                      stored(codecZstd, large, noise),
		"zstd, a bomb":                       stored(codecZstd, 10, bomb(64<<20)),
		"zstd, another length":               stored(codecZstd, 11, frame),
		"zstd, a bomb behind":                stored(codecZstd, 10, frame, bomb(64<<20)),
		"zstd, cut off":                      stored(codecZstd, 10, frame[:len(frame)-1]),
		"zstd, announced and cut off":        stored(codecZstd, 64<<20, bomb(64 << 20)[:100]),
		"planes, nothing":                    stored(codecPlanes, large),
		"planes, start beyond the length":    stored(codecPlanes, 10, uvarints(11, 0)),
		"planes, floats beyond the length":   stored(codecPlanes, 10, uvarints(7, 1), make([]byte, 20)),
		"planes, all floats announced":       stored(codecPlanes, large, uvarints(0, large/4), noise),
		"planes, a tail announced":           stored(codecPlanes, large, uvarints(0, 0), noise),
		"planes, a head announced":           stored(codecPlanes, large, uvarints(large, 0), noise),
		"planes, unknown block":              stored(codecPlanes, 4, uvarints(0, 1), []byte{3, 3, 3, 3, 3, 3, 3, 3}),
		"planes, a table of nothing":         stored(codecPlanes, 400, uvarints(0, 100), []byte{2, 0, 1, 0, 1, 0, 1, 0}),
		"planes, garbage for a table":        stored(codecPlanes, 400, uvarints(0, 100), []byte{2, 90}, noise[:400]),
		"planes, more floats than blocks":    stored(codecPlanes, 40<<20, uvarints(0, 10<<20), noise[:100]),
		"planes, a block longer than itself": stored(codecPlanes, 400, uvarints(0, 100), []byte{2, 101}, noise[:400]),
		"planes, bytes behind":               stored(codecPlanes, 4, uvarints(0, 1), []byte{0, 1, 0, 1, 0, 1, 0, 1, 9}),
		"planes, tail too short":             stored(codecPlanes, 6, uvarints(0, 1), []byte{0, 1, 0, 1, 0, 1, 0, 1, 9}),
	} {
		start := time.Now()
		bytes := allocated(func() {
			if out, err := Decode(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %d bytes, %v", name, len(out), err)
			}
		})
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if bytes > 16<<20 {
			t.Errorf("%s: %d bytes allocated for %d", name, bytes, len(b))
		}
	}
}

// Scratch memory that saw garbage codes and decodes like a new one.
func TestScratchForgets(t *testing.T) {
	r := random(t)
	var canonical, stored [][]byte
	for i := range 12 {
		rows := vectors(r, 1+40*i, 96, []func(float32) float32{same, half, bfloat, func(x float32) float32 { return x * x }}[i%4])
		c := rows.AppendCanonical(nil)
		canonical = append(canonical, c)
		stored = append(stored, encodePlanes(appendHead(nil, codecPlanes, len(c)), c))
	}
	var group sync.WaitGroup
	for worker := range 2 {
		r := rand.New(rand.NewPCG(r.Uint64(), uint64(worker)))
		group.Go(func() {
			for range 150 {
				i := r.IntN(len(stored))
				bad := slices.Clone(stored[i])
				for range 1 + r.IntN(3) {
					bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
				}
				if out, err := Decode(bad); err != nil && !errors.Is(err, ErrCorrupt) || err == nil && len(out) != len(canonical[i]) {
					t.Errorf("a damaged form: %d bytes, %v", len(out), err)
				}
				i = r.IntN(len(stored))
				if out, err := Decode(stored[i]); err != nil || !bytes.Equal(out, canonical[i]) {
					t.Errorf("a whole form behind a damaged one: %v", err)
				}
				i = r.IntN(len(stored))
				if again := encodePlanes(appendHead(nil, codecPlanes, len(canonical[i])), canonical[i]); !bytes.Equal(again, stored[i]) {
					t.Errorf("coded otherwise behind a damaged form: %d bytes instead of %d", len(again), len(stored[i]))
				}
			}
		})
	}
	group.Wait()
}

func TestLargeRow(t *testing.T) {
	if testing.Short() {
		t.Skip("100 MB")
	}
	rows := NewRows(Documents, 0)
	rows.Append(bytes.Repeat([]byte("a document of a hundred megabytes "), 3<<20))
	canonical := rows.AppendCanonical(nil)
	back, err := Decode(Encode(nil, canonical))
	if err != nil || !bytes.Equal(back, canonical) {
		t.Fatal(err)
	}
	wide := NewRows(Embeddings, 8<<20)
	wide.AppendVector(make([]float32, 8<<20), nil)
	canonical = wide.AppendCanonical(nil)
	if back, err = Decode(Encode(nil, canonical)); err != nil || !bytes.Equal(back, canonical) {
		t.Fatal(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	benchmarkCodec(b, func(canonical, _ []byte) { Encode(nil, canonical) })
}

func BenchmarkDecode(b *testing.B) {
	benchmarkCodec(b, func(_, stored []byte) {
		if _, err := Decode(stored); err != nil {
			b.Fatal(err)
		}
	})
}

// benchmarkCodec also reports the time as a multiple of a floor of the same
// run: BLAKE3 over the same bytes.
func benchmarkCodec(b *testing.B, f func(canonical, stored []byte)) {
	r := rand.New(rand.NewPCG(1, 1))
	docs := NewRows(Documents, 0)
	for range 160 {
		docs.AppendString(prose(r, 800))
	}
	for _, c := range []struct {
		name string
		rows *Rows
	}{
		{"embeddings", vectors(r, 170, 384, same)},
		{"embeddings8bit", vectors(r, 170, 384, int8Dequantised)},
		{"documents", docs},
	} {
		canonical := c.rows.AppendCanonical(nil)
		stored := Encode(nil, canonical)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(canonical)))
			b.ReportAllocs()
			for b.Loop() {
				f(canonical, stored)
			}
			took := b.Elapsed()
			h := Plain()
			start := time.Now()
			for range b.N {
				h.ID(canonical)
			}
			b.ReportMetric(float64(took)/float64(time.Since(start)), "×BLAKE3")
			b.ReportMetric(100*float64(len(stored))/float64(len(canonical)), "%size")
		})
	}
}

// prose is text of about n bytes that compresses like text.
func prose(r *rand.Rand, n int) string {
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "w%x ", int(math.Exp(r.Float64()*9)))
	}
	return string(b)
}

func BenchmarkContentID(b *testing.B) {
	rows := vectors(rand.New(rand.NewPCG(1, 1)), 170, 384, same)
	h := Plain()
	_, scratch := rows.ContentID(h, nil)
	canonical := rows.AppendCanonical(nil)
	b.Run("floor", func(b *testing.B) { // BLAKE3 of the same bytes
		b.SetBytes(int64(len(canonical)))
		for b.Loop() {
			h.ID(canonical)
		}
	})
	b.Run("rows", func(b *testing.B) {
		b.SetBytes(int64(len(canonical)))
		for b.Loop() {
			_, scratch = rows.ContentID(h, scratch)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(canonical)))
		for b.Loop() {
			if _, err := DecodeRows(canonical); err != nil {
				b.Fatal(err)
			}
		}
	})
}
