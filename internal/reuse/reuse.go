// Package reuse keeps what is dear to make for whoever needs one next. Unlike
// sync.Pool it gives what was put back last, on whatever processor, and garbage
// collection drops nothing: so there are as many as were ever in use at a time,
// which for work that goes on in one goroutine is one. Memory that is touched for
// the first time costs more than most that is done in it.
package reuse

import (
	"math/bits"
	"sync"
)

// Stack keeps things of one kind. It is safe for concurrent use.
type Stack[T any] struct {
	New func() T // nil: a new one is the zero value

	mu   sync.Mutex
	free []T
}

// Get gives one that was put back, or a new one.
func (s *Stack[T]) Get() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free)
	if n == 0 {
		if s.New == nil {
			return *new(T)
		}
		return s.New()
	}
	x := s.free[n-1]
	s.free[n-1] = *new(T)
	s.free = s.free[:n-1]
	return x
}

// Put takes back what Get gave.
func (s *Stack[T]) Put(x T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, x)
}

// largest is the memory that a buffer may hold that is kept: twice what most chunks
// have at the most. A chunk of one row may be far larger.
const largest = 8 << 20

// Buffers keeps byte slices. The zero value is ready.
type Buffers struct{ kept Stack[*[]byte] }

// Get gives memory of any content. What it points to is set while it is used.
func (b *Buffers) Get() *[]byte {
	if buf := b.kept.Get(); buf != nil {
		return buf
	}
	return new([]byte)
}

// Put takes back what Get gave, with the memory that it now points to.
func (b *Buffers) Put(buf *[]byte) {
	if cap(*buf) > largest {
		*buf = nil
	}
	b.kept.Put(buf)
}

// Sized gives length bytes of any content, of buf if it has as many. What is new
// and will be kept has room for more, so that a series of slightly larger ones needs
// no other.
func Sized(buf []byte, length int) []byte {
	if cap(buf) >= length {
		return buf[:length]
	}
	room := length
	if length <= largest {
		room = 1 << bits.Len(uint(length-1))
	}
	return make([]byte, length, room)
}
