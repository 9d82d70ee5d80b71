package tree

import (
	"context"

	"autochrome/chunk"
)

// Loader gives chunks by their id.
type Loader interface {
	// Load gives the canonical bytes of a chunk whose hash was checked. The
	// caller does not change them.
	Load(ctx context.Context, id chunk.ID) ([]byte, error)
	// Hasher makes the ids and cuts of this store.
	Hasher() *chunk.Hasher
}

// Store also takes chunks.
type Store interface {
	Loader
	// Has reports whether a chunk is stored, or on its way.
	Has(id chunk.ID) bool
	// Save stores canonical bytes under the id that is their hash. It may return
	// before they are durable, and does not keep the slice.
	Save(ctx context.Context, id chunk.ID, canonical []byte) error
}
