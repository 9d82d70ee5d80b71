package restore

import (
	"context"

	"autochrome/chunk"
	"autochrome/snapshot"
)

// Target is a database that can be written.
type Target interface {
	snapshot.Source
	chunk.Writer
	// Rehearse gives a Writer that changes nothing and tells what the same calls
	// would take.
	Rehearse() chunk.Rehearsal
	// Differs names the fields in which two descriptions differ. Where they cannot
	// be changed in place, reason says why the collection must be made anew.
	Differs(have, want chunk.CollectionDescription) (fields []string, reason string)
	// ValidName says why a collection cannot have a name; nil: it can.
	ValidName(name string) error
	// Lacks names the fields of a description that this server does not know.
	Lacks(ctx context.Context, want chunk.CollectionDescription) ([]string, error)
	// ReadColumns appends the records of these ids that are there, in the server's
	// order; columns that are not named are absent.
	ReadColumns(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, into *chunk.Records) error
}
