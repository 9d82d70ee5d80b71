package chroma

import (
	"context"

	"autochrome/chunk"
)

// rehearsal is a database that is written to without a writing request being
// sent: what is asked of it goes the way of a real write, down to the body,
// and is counted there. It asks the server what it can hold, and nothing more.
type rehearsal struct {
	db     *Database
	effort chunk.Effort
}

// Rehearse gives a Writer that changes nothing and tells what the same calls
// would send. A body that the server turns out to find too large, or a record
// that it refuses against all knowledge, would make more requests of it.
func (d *Database) Rehearse() chunk.Rehearsal { return &rehearsal{db: d} }

// Effort implements chunk.Rehearsal.
func (r *rehearsal) Effort() chunk.Effort { return r.effort }

func (r *rehearsal) count(requests, bytes int) {
	r.effort.Requests += requests
	r.effort.Bytes += int64(bytes)
	for range requests {
		r.effort.Time += costRequest
	}
}

// CreateCollection implements chunk.Writer. The collection has no server id.
func (r *rehearsal) CreateCollection(ctx context.Context, name string, want chunk.CollectionDescription) (chunk.Collection, error) {
	c := chunk.Collection{Name: name, Description: want}
	c.Description.Dimension = 0 // that comes with the first record
	x, err := r.db.creation(ctx, name, want)
	if err != nil {
		return c, naming(err, name)
	}
	r.count(1, len(x.body))
	if !x.metadataLater {
		return c, nil
	}
	bare := c
	bare.Description.Metadata = nil
	return c, r.ModifyCollection(ctx, bare, "", c.Description)
}

// ModifyCollection implements chunk.Writer.
func (r *rehearsal) ModifyCollection(_ context.Context, c chunk.Collection, newName string, want chunk.CollectionDescription) error {
	body, err := r.db.modification(c, newName, want)
	if err != nil {
		return naming(err, c.Name)
	}
	if body != nil {
		r.count(1, len(body))
	}
	return nil
}

// DeleteCollection implements chunk.Writer.
func (r *rehearsal) DeleteCollection(_ context.Context, name string) error {
	if err := r.db.checkName("delete a collection", name); err != nil {
		return err
	}
	r.count(1, 0)
	return nil
}

// Write implements chunk.Writer.
func (r *rehearsal) Write(ctx context.Context, c chunk.Collection, changes []chunk.Change, progress func(records int)) (chunk.WriteReport, error) {
	w := r.db.newWriter(c, progress)
	w.rehearsal = r
	report, err := w.write(ctx, changes)
	r.effort.Requests += report.Requests
	r.effort.Bytes += report.Bytes
	return report, err
}

// post takes a batch for sent.
func (r *rehearsal) post(b batch) {
	r.effort.Time += costRequest
	for _, s := range b.steps {
		r.effort.Time += cost(b.verb, s)
	}
}
