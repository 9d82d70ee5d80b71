package chroma

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"

	"golang.org/x/sync/errgroup"
)

// ErrReserved: a record to be written has a metadata key that would stop the
// server for good; see stepsFor.
var ErrReserved = errors.New("a metadata key reserved by Chroma")

const (
	// defaultBatch is the number of records in a request: from 1,000 on a
	// larger one gains little (docs/benchmarks.md), and a smaller one is seen
	// sooner and repeated at less cost.
	defaultBatch = 1000
	// defaultBody bounds a request in bytes, by estimate. Servers refuse bodies
	// over 40 MiB by default, gateways earlier; a larger record goes alone.
	defaultBody = 12 << 20
)

// Write makes changes in a collection: deletions first, then updates, then
// additions, each in the order given, which is the server's order for
// additions. One request is under way at a time, since parallel writers gain
// nothing and mix up the order; the next is prepared meanwhile.
//
// What is written is what the server will answer, to the last bit, where that
// can be had; where not, Inexact names it. A record that the server refuses is
// named in Refused and left out. An error ends the write where it stands; what
// was written until then is in the report, and writing the changes again, or a
// new diff, carries on. A wanted record with a reserved metadata key is an
// ErrReserved before anything is written.
//
// progress, which may be nil, hears how many more of the changes are done.
// Every id stands in changes once.
func (d *Database) Write(ctx context.Context, c chunk.Collection, changes []chunk.Change, progress func(records int)) (chunk.WriteReport, error) {
	return d.newWriter(c, progress).write(ctx, changes)
}

func (d *Database) newWriter(c chunk.Collection, progress func(records int)) *writer {
	return &writer{db: d, collection: c, progress: progress, maxRecords: defaultBatch, maxBody: defaultBody}
}

// writer is one call of Write.
type writer struct {
	db         *Database
	collection chunk.Collection
	progress   func(int)
	rehearsal  *rehearsal // nil: what is prepared is sent
	maxRecords int
	maxBody    int
	dim        int // of the collection; 0: not known

	deletes, updates, adds []*step
	report                 chunk.WriteReport
	encode                 *encoder // for what is sent again
}

func (w *writer) write(ctx context.Context, changes []chunk.Change) (chunk.WriteReport, error) {
	if err := w.sort(ctx, changes); err != nil {
		return w.report, err
	}
	if len(w.deletes)+len(w.updates)+len(w.adds) == 0 {
		return w.report, nil
	}
	limits, err := w.db.limits(ctx)
	if err != nil {
		return w.report, w.failed("", err)
	}
	if limits.MaxBatchSize > 0 {
		w.maxRecords = min(w.maxRecords, limits.MaxBatchSize)
	}
	cosine := Space(w.collection.Description) == SpaceCosine
	ahead := &encoder{base64: limits.Base64, cosine: cosine}
	w.encode = &encoder{base64: limits.Base64, cosine: cosine}

	bodies, used := make(chan batch, 1), make(chan []byte, 3)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(bodies)
		return w.prepare(ctx, ahead, bodies, used)
	})
	g.Go(func() error {
		for b := range bodies {
			if err := w.deliver(ctx, b); err != nil {
				return err
			}
			select {
			case used <- b.body:
			default:
			}
		}
		return nil
	})
	err = g.Wait()
	w.report.Inexact = append(w.report.Inexact, ahead.inexact...)
	return w.report, err
}

// sort turns the changes into steps. It refuses what would harm the server and
// sets aside what cannot be stored.
func (w *writer) sort(ctx context.Context, changes []chunk.Change) error {
	features := Features{unknown: true}
	for i := range changes {
		want := changes[i].Want
		if want == nil {
			continue
		}
		if key := poison(want); key != "" {
			return fmt.Errorf("collection %q, record %q: %w, %q: it would stop the server; nothing was written. Rename or remove the key",
				w.collection.Name, want.ID, ErrReserved, key)
		}
		if features.unknown && needsFeatures(want) {
			var err error
			if features, err = w.features(ctx); err != nil {
				return w.failed(want.ID, err)
			}
		}
	}
	w.dim = w.dimension(changes)
	settled := 0
	for i := range changes {
		c := &changes[i]
		if reason := w.unstorable(c.Want, features); reason != "" {
			w.report.Refused = append(w.report.Refused, chunk.Refused{ID: c.Want.ID, Reason: reason})
			settled++
			continue
		}
		s := stepsFor(c)
		w.report.Inexact = append(w.report.Inexact, s.left...)
		if s.remove != nil {
			w.deletes = append(w.deletes, s.remove)
		}
		switch {
		case s.update != nil:
			w.updates = append(w.updates, s.update)
		case s.add != nil:
			w.adds = append(w.adds, s.add)
		case s.remove == nil:
			settled++
		}
	}
	w.tell(settled)
	return nil
}

// features asks the collection's server; one that is only made in a rehearsal
// cannot be asked with.
func (w *writer) features(ctx context.Context) (Features, error) {
	if w.collection.ServerID == "" {
		return w.db.featuresAnywhere(ctx)
	}
	return w.db.Features(ctx, w.collection.ServerID)
}

func (w *writer) unstorable(want *chunk.Record, f Features) string {
	if want == nil {
		return ""
	}
	if n := len(want.Embedding); want.Embedding != nil && n != w.dim {
		return fmt.Sprintf("its embedding has %d dimensions, the collection %d", n, w.dim)
	}
	return Unstorable(want, f)
}

// dimension is the collection's, or that of the first embedding where the
// collection's description is older than its first record. One that differs
// must not be sent: even in a request that is refused it may become the
// dimension of an empty collection.
func (w *writer) dimension(changes []chunk.Change) int {
	if dim := w.collection.Description.Dimension; dim != 0 {
		return dim
	}
	for _, c := range changes {
		for _, r := range []*chunk.Record{c.Have, c.Want} {
			if r != nil && len(r.Embedding) > 0 {
				return len(r.Embedding)
			}
		}
	}
	return 0
}

func (w *writer) tell(records int) {
	if w.progress != nil && records > 0 {
		w.progress(records)
	}
}

// failed says where a write ended.
func (w *writer) failed(id string, err error) error {
	if id == "" {
		return fmt.Errorf("collection %q: %w", w.collection.Name, err)
	}
	return fmt.Errorf("collection %q, from record %q on: %w", w.collection.Name, id, err)
}
