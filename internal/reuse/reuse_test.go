package reuse

import (
	"sync"
	"testing"
)

// TestStack: what was put back last is the first to be had, and one is made only
// where none is free.
func TestStack(t *testing.T) {
	made := 0
	s := Stack[int]{New: func() int { made++; return made }}
	a, b := s.Get(), s.Get()
	if a != 1 || b != 2 {
		t.Fatalf("got %d and %d", a, b)
	}
	s.Put(a)
	s.Put(b)
	if x, y, z := s.Get(), s.Get(), s.Get(); x != b || y != a || z != 3 {
		t.Errorf("got %d, %d, %d", x, y, z)
	}
}

// TestStackConcurrent: nobody gets what another has.
func TestStackConcurrent(t *testing.T) {
	s := Stack[*int]{New: func() *int { return new(int) }}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				x := s.Get()
				if *x++; *x != 1 {
					t.Errorf("%d have it", *x)
				}
				*x--
				s.Put(x)
			}
		})
	}
	all.Wait()
	if n := len(s.free); n < 1 || n > 8 {
		t.Errorf("%d were made for 8", n)
	}
}

// TestBuffers: memory is used again, but not that of one very large thing.
func TestBuffers(t *testing.T) {
	var b Buffers
	buf := b.Get()
	*buf = Sized(*buf, 1000)
	first := &(*buf)[0]
	b.Put(buf)
	buf = b.Get()
	if *buf = Sized(*buf, 1024); &(*buf)[0] != first || len(*buf) != 1024 {
		t.Errorf("%d bytes, of other memory than before", len(*buf))
	}
	*buf = Sized(*buf, largest+1)
	b.Put(buf)
	if buf = b.Get(); cap(*buf) != 0 {
		t.Errorf("%d bytes are kept", cap(*buf))
	}
}

// TestSized: none, one, what is between two powers of two, and what is not kept,
// which takes no more than it needs.
func TestSized(t *testing.T) {
	if b := Sized(nil, largest+1); cap(b) > largest+largest/8 {
		t.Errorf("%d bytes for one more than %d", cap(b), largest)
	}
	for _, n := range []int{0, 1, 2, 3, 4096, 4097} {
		if b := Sized(nil, n); len(b) != n || cap(b) >= 2*n && n > 1 {
			t.Errorf("%d bytes: %d of %d", n, len(b), cap(b))
		}
	}
}
