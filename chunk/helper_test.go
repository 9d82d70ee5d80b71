package chunk

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

var (
	update   = flag.Bool("update", false, "write the golden files anew")
	seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a new one")
)

// random gives a generator and says how to have the same one again.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have != string(want) {
		t.Errorf("%s differs; run with -update and look at the diff\nhave:\n%s", path, have)
	}
}

func ptr[T any](v T) *T { return &v }

// unitVector is gaussian noise of length 1, as embeddings look to a codec.
func unitVector(r *rand.Rand, dim int) []float32 {
	x := make([]float64, dim)
	sum := 0.0
	for i := range x {
		x[i] = r.NormFloat64()
		sum += x[i] * x[i]
	}
	v := make([]float32, dim)
	for i := range x {
		v[i] = float32(x[i] / math.Sqrt(sum))
	}
	return v
}

// vectors is a column of n embeddings, each component passed through f.
func vectors(r *rand.Rand, n, dim int, f func(float32) float32) *Rows {
	rows := NewRows(Embeddings, dim)
	for range n {
		v := unitVector(r, dim)
		for i := range v {
			v[i] = f(v[i])
		}
		rows.AppendVector(v, nil)
	}
	return rows
}

func same(x float32) float32 { return x }

// randomText is up to limit runes of all planes, control characters included.
func randomText(r *rand.Rand, limit int) string {
	var b []rune
	for range r.IntN(limit + 1) {
		switch r.IntN(4) {
		case 0:
			b = append(b, rune(r.IntN(0x80)))
		case 1:
			b = append(b, rune(r.IntN(0xD800)))
		case 2:
			b = append(b, rune(0x10000+r.IntN(0x100000)))
		default:
			b = append(b, rune('a'+r.IntN(26)))
		}
	}
	return string(b)
}

func randomScalar(r *rand.Rand) Value {
	switch r.IntN(4) {
	case 0:
		return Value{Type: String, Str: randomText(r, 20)}
	case 1:
		return Value{Type: Int, Int: int64(r.Uint64()) >> r.IntN(64)}
	case 2:
		return Value{Type: Float, Float: math.Float64frombits(r.Uint64())}
	default:
		return Value{Type: Bool, Bool: r.IntN(2) == 0}
	}
}

func randomValue(r *rand.Rand) Value {
	switch r.IntN(8) {
	case 0:
		v := Value{Type: Array}
		for range r.IntN(5) {
			v.Array = append(v.Array, randomScalar(r))
		}
		return v
	case 1:
		return Value{Type: JSON, Str: `{"a":[1,2.50,null],"é":"x"}`}
	default:
		return randomScalar(r)
	}
}

func randomMetadata(t testing.TB, r *rand.Rand, keys int) Metadata {
	var fields []Field
	for i := range r.IntN(keys + 1) {
		fields = append(fields, Field{fmt.Sprintf("%s%d", randomText(r, 3), i), randomValue(r)})
	}
	m, err := NewMetadata(fields)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// randomRows is a column of up to 200 rows, some of them absent or damaged.
func randomRows(t testing.TB, r *rand.Rand, kind Kind) *Rows {
	dim := 1 + r.IntN(20)
	rows := NewRows(kind, dim)
	gaps, holes := r.IntN(2) == 0, r.IntN(2) == 0
	for i := range 1 + r.IntN(200) {
		if gaps && kind != IDs && r.IntN(3) == 0 {
			rows.AppendAbsent()
			continue
		}
		switch kind {
		case IDs:
			rows.AppendString(fmt.Sprintf("%s-%d", randomText(r, 5), i))
		case Embeddings:
			v := make([]float32, dim)
			for i := range v {
				v[i] = math.Float32frombits(r.Uint32())
			}
			var null []bool
			if holes && r.IntN(3) == 0 {
				null = make([]bool, dim)
				null[r.IntN(dim)] = true
				null[r.IntN(dim)] = true
			}
			rows.AppendVector(v, null)
		case Metadatas:
			if m := randomMetadata(t, r, 5); len(m) > 0 {
				rows.AppendWith(0, func(dst []byte) []byte { return AppendMetadata(dst, m) })
			} else {
				rows.AppendAbsent()
			}
		default:
			rows.AppendString(randomText(r, 40))
		}
	}
	return rows
}

// sameRows fails where two columns do not say the same.
func sameRows(t testing.TB, have, want *Rows) {
	t.Helper()
	if have.Kind() != want.Kind() || have.Dim() != want.Dim() || have.Len() != want.Len() {
		t.Fatalf("have %d %v of %d dimensions, want %d %v of %d",
			have.Len(), have.Kind(), have.Dim(), want.Len(), want.Kind(), want.Dim())
	}
	for i := range have.Len() {
		if !have.Equal(i, want, i) {
			a, pa := have.Row(i)
			b, pb := want.Row(i)
			t.Fatalf("row %d of %v: have %x (%v), want %x (%v)", i, have.Kind(), a, pa, b, pb)
		}
	}
}

// isCanonical fails unless rows encode to b again.
func isCanonical(t testing.TB, rows *Rows, b []byte) {
	t.Helper()
	if again := rows.AppendCanonical(nil); !bytes.Equal(again, b) {
		t.Fatalf("decoded from %x, encodes to %x", b, again)
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
