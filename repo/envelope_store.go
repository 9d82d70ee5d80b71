package repo

import (
	"bytes"
	"context"

	"autochrome/repo/backend"
)

// headSize is the length of a file's magic and version, which are not sealed.
const headSize = 5

// sealedStore is the store of an encrypted repository as if it were a plain
// one, but for packs: files that are sealed as a whole are sealed and opened
// here, so that nobody else needs to know.
type sealedStore struct {
	backend.Backend
	envelope *envelope
}

func (s *sealedStore) seal(name string, data []byte) ([]byte, error) {
	if !isSealed(name) {
		return data, nil
	}
	if len(data) < headSize {
		return nil, invalid("%s: a file without magic and version", name)
	}
	head, body := data[:headSize], data[headSize:]
	file := append(make([]byte, 0, len(data)+envelopeSize), head...)
	return s.envelope.seal(file, sealedFile(head, name), func(dst []byte) []byte { return append(dst, body...) }), nil
}

func (s *sealedStore) open(name string, file []byte) ([]byte, error) {
	if len(file) < headSize+envelopeSize {
		return nil, corrupt("of %d bytes", len(file))
	}
	head := file[:headSize]
	body, err := s.envelope.open(file[headSize:], sealedFile(head, name))
	if err != nil {
		return nil, err
	}
	return append(bytes.Clone(head), body...), nil
}

// Save implements backend.Backend.
func (s *sealedStore) Save(ctx context.Context, name string, data []byte) error {
	file, err := s.seal(name, data)
	if err != nil {
		return err
	}
	return s.Backend.Save(ctx, name, file)
}

// Create implements backend.Backend.
func (s *sealedStore) Create(ctx context.Context, name string, data []byte) error {
	file, err := s.seal(name, data)
	if err != nil {
		return err
	}
	return s.Backend.Create(ctx, name, file)
}

// Load implements backend.Backend. A part of a sealed file costs as much as the
// whole.
func (s *sealedStore) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	if !isSealed(name) || length == 0 {
		return s.Backend.Load(ctx, name, offset, length)
	}
	file, err := backend.LoadAll(ctx, s.Backend, name)
	if err != nil {
		return nil, err
	}
	if file, err = s.open(name, file); err != nil {
		return nil, err
	}
	size := int64(len(file))
	switch {
	case offset < 0:
		return file[max(0, size+offset):], nil
	case offset > size || length > size-offset:
		return nil, backend.ErrShort
	case length < 0:
		return file[offset:], nil
	}
	return file[offset : offset+length], nil
}

// LoadInto is Load in the memory of buf, where that is large enough and the
// backend can.
func (s *sealedStore) LoadInto(ctx context.Context, buf []byte, name string, offset, length int64) ([]byte, error) {
	if isSealed(name) {
		return s.Load(ctx, name, offset, length)
	}
	return backend.LoadInto(ctx, s.Backend, buf, name, offset, length)
}

// Draft implements backend.Drafter, for packs: what is sealed as a whole cannot be
// written piece by piece.
func (s *sealedStore) Draft(ctx context.Context, folder string) (backend.Draft, error) {
	d, err := backend.NewDraft(ctx, s.Backend, folder)
	if err != nil {
		return nil, err
	}
	return packDraft{d}, nil
}

// packDraft is a draft that never becomes a file which should be sealed.
type packDraft struct{ backend.Draft }

// Save implements backend.Draft.
func (d packDraft) Save(ctx context.Context, name string) error {
	if isSealed(name) {
		return invalid("%s: must be sealed as a whole", name)
	}
	return d.Draft.Save(ctx, name)
}

// List implements backend.Backend. Sizes are those that Load gives.
func (s *sealedStore) List(ctx context.Context, folder string, fn func(backend.Info) error) error {
	return s.Backend.List(ctx, folder, func(info backend.Info) error {
		if isSealed(info.Name) {
			info.Size = max(0, info.Size-envelopeSize)
		}
		return fn(info)
	})
}
