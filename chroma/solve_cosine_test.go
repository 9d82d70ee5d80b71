package chroma

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// newRand prints its seed, so that a failure can be repeated.
func newRand(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// testVector is a unit vector, or one of some other length, or one whose
// components have very different sizes.
func testVector(r *rand.Rand, dim int, kind string) []float32 {
	x := make([]float32, dim)
	var squares float64
	for i := range x {
		f := r.NormFloat64() * 3.7
		if kind == "wide" {
			f *= math.Pow(10, float64(r.IntN(12)-6))
		}
		x[i] = float32(f)
		squares += f * f
	}
	if kind == "unit" {
		for i := range x {
			x[i] = float32(float64(x[i]) / math.Sqrt(squares))
		}
	}
	return x
}

var vectorKinds = []string{"unit", "long", "wide"}

func roundTrip(x []float32) []float32 {
	out := make([]float32, len(x))
	cosineRoundTrip(out, x)
	return out
}

func sameVector(a, b []float32) bool { return slices.EqualFunc(a, b, sameBits) }

func TestCosineRoundTripAsMeasured(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct{ sent, answered []float32 }{
		{[]float32{102, 4.5}, []float32{102, 4.4999995}},
		{[]float32{0, 0, 0}, []float32{0, 0, 0}},
		{[]float32{negativeZero, 0, 0}, []float32{negativeZero, 0, 0}},
		{[]float32{negativeZero, 1, 1e-40}, []float32{negativeZero, 1, 1e-40}},
		{[]float32{1e-30, 0, 0}, []float32{0, 0, 0}},
	} {
		if got := roundTrip(c.sent); !sameVector(got, c.answered) {
			t.Errorf("%v is answered as %v, want %v", c.sent, got, c.answered)
		}
	}
	if cosineLength([]float32{1e30, 1, 1}) != inf {
		t.Error("the length of [1e30 1 1] is finite")
	}
}

var negativeZero = float32(math.Copysign(0, -1))

func TestCosineSolvesWhatAServerAnswered(t *testing.T) {
	r := newRand(t)
	var s cosineSolver
	for _, dim := range []int{1, 2, 3, 4, 5, 7, 8, 17, 64, 128, 384, 768, 1536} {
		for _, kind := range vectorKinds {
			const n = 300
			direct := 0
			for range n {
				want := roundTrip(testVector(r, dim, kind))
				send, exact := s.solve(want)
				if !exact {
					t.Errorf("%d dimensions, %s: no solution for %v", dim, kind, want)
				} else if !sameVector(roundTrip(send), want) {
					t.Fatalf("%d dimensions, %s: %v is no solution for %v", dim, kind, send, want)
				}
				if &send[0] == &want[0] {
					direct++
				}
			}
			t.Logf("%4d dimensions, %s: %d of %d are answered as they are sent", dim, kind, direct, n)
		}
	}
}

func TestCosineNamesWhatHasNoSolution(t *testing.T) {
	r := newRand(t)
	var s cosineSolver
	unsolved := 0
	for range 300 {
		want := testVector(r, 384, "long")
		send, exact := s.solve(want)
		held := roundTrip(send)
		if exact != sameVector(held, want) {
			t.Fatalf("exact is %v for %v", exact, want)
		}
		plain, _ := ulpsApart(want, roundTrip(want))
		if worst, _ := ulpsApart(want, held); worst > plain {
			t.Errorf("%d ulp off; sent as it is, it would be %d", worst, plain)
		}
		if !exact {
			unsolved++
		}
	}
	if unsolved == 0 {
		t.Error("every vector has a solution: what is this test good for?")
	}
	for _, want := range [][]float32{{1e30, 1, 1}, {math.MaxFloat32, -math.MaxFloat32}} {
		send, exact := s.solve(want)
		if exact {
			t.Errorf("%v: solved by %v", want, send)
		}
		for _, x := range roundTrip(send) {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				t.Errorf("%v is sent as %v and answered as %v", want, send, roundTrip(send))
			}
		}
	}
	if _, exact := s.solve([]float32{1e-30, 0, 0}); exact {
		t.Error("a vector whose length underflows was solved")
	}
}

func TestCosineIsDeterministic(t *testing.T) {
	r := newRand(t)
	var used cosineSolver
	for range 200 {
		want := roundTrip(testVector(r, 65, "long"))
		send, _ := used.solve(want)
		var fresh cosineSolver
		if again, _ := fresh.solve(want); !sameVector(send, again) {
			t.Fatalf("two solutions for %v", want)
		}
	}
}

func TestCosineAllocatesNothing(t *testing.T) {
	var s cosineSolver
	want := searched(rand.New(rand.NewPCG(1, 1)), 384)
	if n := testing.AllocsPerRun(100, func() { s.solve(want) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// searched is a vector that is not answered as it is sent, but has a solution.
func searched(r *rand.Rand, dim int) []float32 {
	for {
		if want := roundTrip(testVector(r, dim, "long")); !sameVector(roundTrip(want), want) {
			return want
		}
	}
}

func BenchmarkCosine(b *testing.B) {
	for _, dim := range []int{384, 1536} {
		r := rand.New(rand.NewPCG(1, 1))
		var direct, search [][]float32
		for len(direct) < 64 {
			if want := roundTrip(testVector(r, dim, "unit")); sameVector(roundTrip(want), want) {
				direct = append(direct, want)
			}
		}
		for len(search) < 64 {
			search = append(search, searched(r, dim))
		}
		var none [][]float32
		for len(none) < 64 {
			want := testVector(r, dim, "long")
			if _, exact := new(cosineSolver).solve(want); !exact {
				none = append(none, want)
			}
		}
		for name, set := range map[string][][]float32{"direct": direct, "search": search, "none": none} {
			b.Run(fmt.Sprintf("%s-%d", name, dim), func(b *testing.B) {
				var s cosineSolver
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					s.solve(set[i%len(set)])
				}
			})
		}
	}
}
