package tree

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"autochrome/chunk"
)

// sink is a store that keeps nothing.
type sink struct {
	*memStore
	saved int // bytes
}

func (s *sink) Save(_ context.Context, _ chunk.ID, b []byte) error {
	s.saved += len(b)
	return nil
}

// TestSaveWholeOfLargeRows: a column that is too large for one chunk is not made
// as one first.
func TestSaveWholeOfLargeRows(t *testing.T) {
	const n, size = 80, 1 << 20
	rows := chunk.NewRows(chunk.Documents, 0)
	rows.Grow(n * size)
	for range n {
		rows.AppendString(strings.Repeat("x", size))
	}
	s := &sink{memStore: newMemStore()}
	g := newGather(s, chunk.Documents, 0)
	content, _ := rows.ContentID(s.h, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pieces, err := saveWhole(t.Context(), g, rows, content)
	runtime.ReadMemStats(&after)
	runs, placed := resolve(pieces)
	held := 0
	for _, run := range runs {
		held += run.Count
	}
	if err != nil || !placed || held != n || s.saved < n*size {
		t.Fatalf("%d of %d rows in %d chunks, %d bytes: %v", held, n, len(runs), s.saved, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > n*size/2 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// TestSaveWholeAtTheLimit: what fits into one chunk, to the last byte of its
// canonical form, is one.
func TestSaveWholeAtTheLimit(t *testing.T) {
	for _, total := range []int{chunk.MaxSize - 40, chunk.MaxSize - 13, chunk.MaxSize - 12, chunk.MaxSize - 11, chunk.MaxSize - 10, chunk.MaxSize, chunk.MaxSize + 1} {
		s := newMemStore()
		rows := chunk.NewRows(chunk.Documents, 0)
		rows.AppendString(strings.Repeat("x", total/2))
		rows.AppendString(strings.Repeat("y", total-total/2))
		content, _ := rows.ContentID(s.h, nil)
		pieces, err := saveWhole(t.Context(), newGather(s, chunk.Documents, 0), rows, content)
		runs, _ := resolve(pieces)
		fits := len(rows.AppendCanonical(nil)) <= chunk.MaxSize
		if err != nil || fits != (len(runs) == 1 && runs[0] == runOf(content, 0, 2)) || !fits && len(runs) != 2 {
			t.Errorf("%d bytes, which fit: %v; %d chunks: %v", total, fits, len(runs), err)
		}
	}
}
