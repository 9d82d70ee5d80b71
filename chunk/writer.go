package chunk

import (
	"context"
	"time"
)

// Writer changes a database.
type Writer interface {
	CreateCollection(ctx context.Context, name string, d CollectionDescription) (Collection, error)
	// ModifyCollection renames a collection and changes its description in place.
	ModifyCollection(ctx context.Context, c Collection, newName string, want CollectionDescription) error
	DeleteCollection(ctx context.Context, name string) error
	// Write makes changes: deletions, then updates, then additions, each in the
	// order given. What it returns holds also with an error.
	Write(ctx context.Context, c Collection, changes []Change, progress func(records int)) (WriteReport, error)
}

// Rehearsal is a Writer that prepares every request to the last byte and sends
// none: its reports say what the server will not hold, and Effort what the
// writing takes. It serves one goroutine.
type Rehearsal interface {
	Writer
	Effort() Effort
}

// Effort is what writing takes.
type Effort struct {
	Requests int           // that write
	Bytes    int64         // of their bodies
	Time     time.Duration // about, at the server
}
