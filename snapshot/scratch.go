package snapshot

import (
	"context"
	"errors"
	"os"
	"sync"

	"autochrome/chunk"
	"autochrome/internal/tempfile"
	"autochrome/tree"
)

// Scratch is a Store over another one whose new chunks go to a temporary file.
// A comparison with a live database builds its tree there: what the repository
// has already is referred to, and nothing is left behind.
type Scratch struct {
	base Base
	file *os.File
	mu   sync.Mutex
	at   map[chunk.ID]extent
	end  int64
}

// Base is what a Scratch stands on.
type Base interface {
	tree.Loader
	Has(id chunk.ID) bool
}

type extent struct {
	offset int64
	length int
}

// WithScratch gives fn a Scratch over base and removes it afterwards.
func WithScratch(base Base, fn func(*Scratch) error) (err error) {
	s, err := newScratch(base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return fn(s)
}

// newScratch gives a Scratch that the caller closes.
func newScratch(base Base) (*Scratch, error) {
	f, err := tempfile.New("autochrome-scratch-*")
	return &Scratch{base: base, file: f, at: map[chunk.ID]extent{}}, err
}

func (s *Scratch) close() error { return tempfile.Close(s.file) }

// Hasher implements tree.Loader.
func (s *Scratch) Hasher() *chunk.Hasher { return s.base.Hasher() }

// Has implements tree.Store.
func (s *Scratch) Has(id chunk.ID) bool {
	return s.Kept(id) || s.base.Has(id)
}

// Kept reports whether the scratch file itself has a chunk.
func (s *Scratch) Kept(id chunk.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.at[id]
	return ok
}

// Save implements tree.Store.
func (s *Scratch) Save(_ context.Context, id chunk.ID, canonical []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.file.WriteAt(canonical, s.end); err != nil {
		return err
	}
	s.at[id] = extent{s.end, len(canonical)}
	s.end += int64(len(canonical))
	return nil
}

// Load implements tree.Loader.
func (s *Scratch) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	s.mu.Lock()
	e, ok := s.at[id]
	s.mu.Unlock()
	if !ok {
		return s.base.Load(ctx, id)
	}
	b := make([]byte, e.length)
	_, err := s.file.ReadAt(b, e.offset)
	return b, err
}
