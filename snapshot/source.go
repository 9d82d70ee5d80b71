package snapshot

import (
	"bytes"
	"context"

	"autochrome/chunk"
)

// Source is a database that can be read.
type Source interface {
	URL() string
	Tenant() string
	Database() string
	// Collections lists the collections with all they carry.
	Collections(ctx context.Context) ([]chunk.Collection, error)
	// IDs calls fn with the id of each record, in the server's order. fn does not
	// keep the slice.
	IDs(ctx context.Context, serverID string, fn func(id []byte) error) error
	// Fetch asks for the records of these ids and leaves the answer in body.
	Fetch(ctx context.Context, serverID string, ids [][]byte, body *bytes.Buffer) error
	// Decode appends the records of an answer in the server's order; ids that the
	// server does not have are left out. The dimension is that of into.
	Decode(body []byte, into *chunk.Records) error
	// TooLarge reports whether an error says that fewer ids at once may pass.
	TooLarge(err error) bool
	// Gone reports whether an error says that the collection is not there.
	Gone(err error) bool
}
