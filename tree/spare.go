package tree

import (
	"context"

	"autochrome/chunk"
)

// spareMemory takes back what chunks of records were decoded in. Memory that is
// new costs more than what is done in it, and who changes a group reads some
// hundred kilobytes for it. The nil *spareMemory keeps nothing.
type spareMemory struct {
	loader allocLoader
	least  int      // what is smaller is not worth it
	bufs   [][]byte // the longest unused first
}

// allocLoader is a Loader that can give a chunk in memory that alloc gives when
// it is told how many bytes it takes.
type allocLoader interface {
	LoadWith(ctx context.Context, id chunk.ID, alloc func(length int) []byte) ([]byte, error)
}

const (
	spareBufs  = 16
	spareLeast = 16 << 10
)

// put takes back the memory of a chunk whose rows nobody uses any more.
func (s *spareMemory) put(kind chunk.Kind, buf []byte) {
	if s == nil || !kind.IsColumn() || cap(buf) < s.least {
		return
	}
	if len(s.bufs) == spareBufs {
		s.bufs = append(s.bufs[:0], s.bufs[1:]...)
	}
	s.bufs = append(s.bufs, buf)
}

// take gives memory: some that is not used any more, if it is not much too large.
func (s *spareMemory) take(length int) []byte {
	if length >= s.least {
		for i := len(s.bufs) - 1; i >= 0; i-- {
			if buf := s.bufs[i]; cap(buf) >= length && cap(buf)/2 <= length {
				s.bufs = append(s.bufs[:i], s.bufs[i+1:]...)
				return buf[:length]
			}
		}
	}
	return make([]byte, length)
}

// load gives a chunk.
func (s *spareMemory) load(ctx context.Context, l Loader, id chunk.ID) ([]byte, error) {
	if s == nil {
		return l.Load(ctx, id)
	}
	return s.loader.LoadWith(ctx, id, s.take)
}
