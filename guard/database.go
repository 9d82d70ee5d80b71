package guard

import (
	"context"

	"autochrome/restore"
)

// Database is what is guarded, asked directly and not through the proxy.
type Database interface {
	restore.Target
	// IDsWhere calls fn with the ids of the records that a filter selects: the
	// body of a get that includes nothing.
	IDsWhere(ctx context.Context, serverID string, filter []byte, fn func(id []byte) error) error
}
