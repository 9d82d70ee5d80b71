package tree

import (
	"runtime"
	"strings"
	"testing"

	"autochrome/chunk"
)

// TestLargeRowFirst: a row group that begins with a large document takes no more
// memory to read than it has bytes, though its rows lie in several chunks.
func TestLargeRowFirst(t *testing.T) {
	m := &maker{Rand: random(t), dim: 1}
	s := newMemStore()
	recs := m.records(200)
	for i := range recs {
		recs[i].Document = ptr("small")
	}
	recs[0].Document = ptr(strings.Repeat("x", 3<<20))
	c := buildFresh(t, m.Rand, s, m.dim, recs[1:])
	c = apply(t, s, c, m.dim, []modelSplice{{insert: recs[:1]}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	several := false
	err := NewReader(s).Groups(t.Context(), c, func(start int64, g Group) error {
		rows, err := NewReader(s).Column(t.Context(), g, chunk.Documents)
		if err == nil && start == 0 {
			first, _ := rows.Row(0)
			several = len(first) == 3<<20 && len(g.Columns[chunk.Documents.Column()].Runs) > 1
		}
		return err
	})
	runtime.ReadMemStats(&after)
	if err != nil || !several {
		t.Fatal(err, several)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}
