package chunk

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTwice: of rows that are all different none stands twice; one that is added
// again, wherever, is found, also after a larger table was used.
func TestTwice(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 7, 1000, 8, 5000, 4} {
		rows := NewRows(IDs, 0)
		for i := range n {
			rows.AppendString(fmt.Sprint("id ", i))
		}
		if id, ok := rows.Twice(); ok {
			t.Errorf("of %d different ids %q stands twice", n, id)
		}
		if n == 0 {
			continue
		}
		again := fmt.Sprint("id ", src.IntN(n))
		rows.AppendString(again)
		if id, ok := rows.Twice(); !ok || string(id) != again {
			t.Errorf("of %d ids %q stands twice, not %q (%v)", n, again, id, ok)
		}
	}
	rows := NewRows(IDs, 0)
	for range 2 {
		rows.AppendString("")
	}
	if id, ok := rows.Twice(); !ok || len(id) != 0 {
		t.Errorf("%q, %v", id, ok)
	}
}

func BenchmarkTwice(b *testing.B) {
	rows := NewRows(IDs, 0)
	for i := range 500 {
		rows.AppendString(fmt.Sprintf("%036d", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := rows.Twice(); ok {
			b.Fatal("twice")
		}
	}
}
