package backendtest

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"testing"

	"autochrome/repo/backend"
)

func testRanges(t *testing.T, b backend.Backend) {
	const size = 10
	data := []byte("0123456789")
	save(t, b, "x", data)
	tests := []struct {
		offset, length int64
		want           string
		err            error
	}{
		{0, -1, "0123456789", nil},
		{0, size, "0123456789", nil},
		{0, 0, "", nil},
		{0, 1, "0", nil},
		{3, 4, "3456", nil},
		{3, 0, "", nil},
		{9, 1, "9", nil},
		{3, -1, "3456789", nil},
		{3, math.MinInt64, "3456789", nil},
		{size, 0, "", nil},
		{size, -1, "", nil},
		{-1, -1, "9", nil},
		{-4, -1, "6789", nil},
		{-size, -1, "0123456789", nil},
		{-size - 1, -1, "0123456789", nil},
		{math.MinInt64, -1, "0123456789", nil},
		{0, size + 1, "", backend.ErrShort},
		{9, 2, "", backend.ErrShort},
		{size, 1, "", backend.ErrShort},
		{size + 1, 0, "", backend.ErrShort},
		{size + 1, -1, "", backend.ErrShort},
		{math.MaxInt64, 1, "", backend.ErrShort},
		{1, math.MaxInt64, "", backend.ErrShort},
		{math.MaxInt64, math.MaxInt64, "", backend.ErrShort},
	}
	for _, test := range tests {
		got, err := b.Load(t.Context(), "x", test.offset, test.length)
		if !errors.Is(err, test.err) || string(got) != test.want {
			t.Errorf("Load(%d, %d) = %q, %v, want %q, %v", test.offset, test.length, got, err, test.want, test.err)
		}
	}
	for _, name := range []string{"x", "missing"} {
		if _, err := b.Load(t.Context(), name, -4, 2); err == nil || errors.Is(err, backend.ErrNotExist) {
			t.Errorf("Load(%q, -4, 2): error %v, want another", name, err)
		}
	}
}

// testHugeLength asks for a length that no object has: it must be refused
// without the memory for it, and without panic.
func testHugeLength(t *testing.T, b backend.Backend) {
	save(t, b, "x", bytes.Repeat([]byte("x"), 100))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, length := range []int64{101, 1 << 30, 1 << 40, math.MaxInt64} {
		_, err := b.Load(t.Context(), "x", 0, length)
		wantErr(t, "Load beyond the end", err, backend.ErrShort)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<24 {
		t.Errorf("%d bytes of memory taken to refuse", took)
	}
}
