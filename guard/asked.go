package guard

import (
	"bytes"
	"context"
	"errors"
	"time"

	"autochrome/chunk"
	"autochrome/snapshot"
)

// recordPatience is how long a write that was answered is tried to be recorded
// while Chroma does not let its records be read, and how long the answer to one is
// waited for once the run has ended.
var recordPatience = 2 * time.Minute

const recordPause = 500 * time.Millisecond

// patiently records, again and again where Chroma is away for a while.
func patiently(ctx context.Context, record func(context.Context) error) error {
	for deadline := time.Now().Add(recordPatience); ; time.Sleep(recordPause) {
		err := faultless(func() error { return record(ctx) })
		if !errors.As(err, new(*readError)) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
	}
}

// readError says that Chroma could not be asked what became of a write.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// asked is a database whose errors are readErrors, to be told from those of the
// repository.
type asked struct{ snapshot.Source }

// Collections implements snapshot.Source.
func (a asked) Collections(ctx context.Context) ([]chunk.Collection, error) {
	all, err := a.Source.Collections(ctx)
	if err != nil {
		return nil, &readError{err}
	}
	return all, nil
}

// IDs implements snapshot.Source. An error of fn is not the database's.
func (a asked) IDs(ctx context.Context, serverID string, fn func(id []byte) error) error {
	var failed error
	err := a.Source.IDs(ctx, serverID, func(id []byte) error {
		failed = fn(id)
		return failed
	})
	if err != nil && failed == nil {
		return &readError{err}
	}
	return err
}

// Fetch implements snapshot.Source.
func (a asked) Fetch(ctx context.Context, serverID string, ids [][]byte, body *bytes.Buffer) error {
	if err := a.Source.Fetch(ctx, serverID, ids, body); err != nil {
		return &readError{err}
	}
	return nil
}
