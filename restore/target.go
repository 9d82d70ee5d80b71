package restore

import (
	"context"

	"autochrome/chunk"
	"autochrome/snapshot"
)

// Target is a database that can be written.
type Target interface {
	snapshot.Source
	CreateCollection(ctx context.Context, name string, d chunk.CollectionDescription) (chunk.Collection, error)
	// ModifyCollection renames a collection and changes its description in place.
	ModifyCollection(ctx context.Context, c chunk.Collection, newName string, want chunk.CollectionDescription) error
	DeleteCollection(ctx context.Context, name string) error
	// Differs names the fields in which two descriptions differ. Where they cannot
	// be changed in place, reason says why the collection must be made anew.
	Differs(have, want chunk.CollectionDescription) (fields []string, reason string)
	// ReadColumns appends the records of these ids that are there, in the server's
	// order; columns that are not named are absent.
	ReadColumns(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, into *chunk.Records) error
	// Write makes changes: deletions, then updates, then additions, each in the
	// order given. What it returns holds also with an error.
	Write(ctx context.Context, c chunk.Collection, changes []chunk.Change, progress func(records int)) (chunk.WriteReport, error)
}
