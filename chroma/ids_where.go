package chroma

import "context"

// IDsWhere calls fn with the ids that a filter selects, as IDs does for all.
// filter is the body of a get that includes nothing:
// {"where":…,"where_document":…,"include":[]}.
func (d *Database) IDsWhere(ctx context.Context, serverID string, filter []byte, fn func(id []byte) error) error {
	return d.listIDs(ctx, serverID, filter, fn)
}
