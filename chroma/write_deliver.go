package chroma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"autochrome/chunk"
)

// smallBody is a body, in bytes, that nobody takes for too large.
const smallBody = 64 << 10

// deliver sends a batch until all of it is written or refused.
//
// Every request may be sent twice (see verb), so a batch that is too large, or
// in which one record is refused, is simply halved: Chroma checks a request as
// a whole before it writes any of it. After a failure that does not tell
// whether the batch was written (500, no answer) its records are read, and
// what is not there yet is sent again, a bounded number of times.
func (w *writer) deliver(ctx context.Context, b batch) error {
	for attempt := 1; len(b.steps) > 0; attempt++ {
		if b.body == nil {
			b.body = w.encode.body(nil, b.verb, b.steps)
		}
		err := w.post(ctx, b)
		if err == nil {
			w.done(b.verb, b.steps)
			return nil
		}
		if ctx.Err() != nil {
			return w.failed(b.steps[0].id, err)
		}
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{}
		}
		refused := e.Kind == ErrInvalid || e.Status == http.StatusNotImplemented
		// A server that closes the connection on a large body, or twice on one
		// that is not small, may mean 413: the answer is often lost with it.
		broken := e.Kind == ErrUnreachable && e.Status == 0 && !e.notSent
		tooLarge := e.Kind == ErrTooLarge || broken && (len(b.body) >= largeBody || attempt > 1 && len(b.body) >= smallBody)
		switch {
		case (refused || tooLarge) && len(b.steps) > 1:
			first, second := b.halves()
			if err := w.deliver(ctx, first); err != nil {
				return err
			}
			return w.deliver(ctx, second)
		case refused, tooLarge && e.Status != 0:
			return w.refuse(ctx, b, e)
		case !tooLarge && e.Kind != ErrUnreachable && !Uncertain(err):
			return w.failed(b.steps[0].id, err)
		}
		if attempt >= w.db.options.Attempts || !pause(ctx, attempt, e.after) {
			if tooLarge {
				return w.refuse(ctx, b, e)
			}
			return w.failed(b.steps[0].id, err)
		}
		left, readErr := w.missing(ctx, b)
		if readErr != nil {
			return w.failed(b.steps[0].id, fmt.Errorf("%w; and reading it back: %w", err, readErr))
		}
		b.steps, b.body = left, nil
	}
	return nil
}

func (w *writer) post(ctx context.Context, b batch) error {
	w.report.Requests++
	w.report.Bytes += int64(len(b.body))
	if w.rehearsal != nil {
		w.rehearsal.post(b)
		return nil
	}
	var answer bytes.Buffer
	return w.db.post(ctx, string(b.verb)+" records", writePath(w.collection.ServerID, b.verb), b.body, &answer)
}

// done counts steps that were written.
func (w *writer) done(v verb, steps []*step) {
	changes := 0
	for _, s := range steps {
		switch {
		case v == verbUpdate:
			w.report.Updated++
		case v == verbDelete && s.change.Want == nil:
			w.report.Deleted++
		case v == verbDelete: // the addition will count
			continue
		case s.change.Have != nil:
			w.report.Replaced++
		default:
			w.report.Added++
		}
		changes++
	}
	w.tell(changes)
}

// refuse names a record that the server does not take. If it was deleted to be
// replaced, it is put back as it was.
func (w *writer) refuse(ctx context.Context, b batch, e *Error) error {
	s := b.steps[0]
	reason := e.Message
	if e.Kind != ErrInvalid && e.Status != http.StatusNotImplemented {
		reason = fmt.Sprintf("its request of %d bytes is larger than the server accepts", len(b.body))
	}
	if have := s.change.Have; b.verb == verbAdd && have != nil {
		back := batch{verb: verbAdd, steps: []*step{addition(&chunk.Change{Want: have}, have.Embedding)}}
		back.body = w.encode.body(nil, back.verb, back.steps)
		if damaged(have) || w.post(ctx, back) != nil {
			reason += "; it was deleted in order to replace it, and could not be put back"
		}
	}
	w.report.Refused = append(w.report.Refused, chunk.Refused{ID: s.id, Reason: reason})
	w.tell(1)
	return nil
}

// missing reads a batch's records and gives the steps that are still to be
// sent; the others are done.
func (w *writer) missing(ctx context.Context, b batch) ([]*step, error) {
	ids := make([][]byte, len(b.steps))
	for i, s := range b.steps {
		ids[i] = []byte(s.id)
	}
	there := chunk.NewRecords(w.dim)
	if err := w.db.Read(ctx, w.collection.ServerID, ids, there); err != nil {
		return nil, err
	}
	at := make(map[string]int, there.Len())
	for i := range there.Len() {
		at[string(there.ID(i))] = i
	}
	var left, written []*step
	for _, s := range b.steps {
		var r *chunk.Record
		if i, ok := at[s.id]; ok {
			record, err := there.Record(i)
			if err != nil {
				return nil, err
			}
			r = &record
		}
		if w.holds(b.verb, s, r) {
			written = append(written, s)
		} else {
			left = append(left, s)
		}
	}
	w.done(b.verb, written)
	return left, nil
}

// holds reports whether sending s again would change nothing about the record,
// which is nil where there is none. An addition changes nothing where any
// record has the id, an update nothing where none has.
func (w *writer) holds(v verb, s *step, r *chunk.Record) bool {
	switch v {
	case verbDelete:
		return r == nil
	case verbAdd:
		return r != nil
	}
	if r == nil {
		return true
	}
	if changedText(r.Document, s.document) || changedText(r.URI, s.uri) {
		return false
	}
	if s.embedding != nil {
		held := chunk.Record{Embedding: w.encode.holds(s.embedding)}
		if !sameEmbedding(r, &held) {
			return false
		}
	}
	for _, f := range s.set {
		held, present := heldValue(f.Value)
		there, ok := r.Metadata.Get(f.Key)
		if ok != present || ok && !there.Equal(held) {
			return false
		}
	}
	for _, k := range s.clear {
		if _, ok := r.Metadata.Get(k); ok {
			return false
		}
	}
	return true
}
