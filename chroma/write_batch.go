package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// batch is one request.
type batch struct {
	verb  verb
	steps []*step
	body  []byte // nil: to be encoded
}

// prepare cuts the steps into batches and encodes them, one ahead of the one
// on its way. used gives back the memory of bodies.
func (w *writer) prepare(ctx context.Context, e *encoder, bodies chan<- batch, used <-chan []byte) error {
	for _, phase := range []struct {
		verb  verb
		steps []*step
	}{{verbDelete, w.deletes}, {verbUpdate, w.updates}, {verbAdd, w.adds}} {
		for rest := phase.steps; len(rest) > 0; {
			n := w.fits(rest)
			b := batch{verb: phase.verb, steps: rest[:n]}
			rest = rest[n:]
			var memory []byte
			select {
			case memory = <-used:
			default:
			}
			b.body = e.body(memory[:0], b.verb, b.steps)
			select {
			case bodies <- b:
			case <-ctx.Done():
				return w.failed(b.steps[0].id, context.Cause(ctx))
			}
		}
	}
	return nil
}

// fits is how many of the steps go into one request, at least one.
func (w *writer) fits(steps []*step) int {
	size := 0
	for i, s := range steps {
		size += s.size()
		if i > 0 && (i >= w.maxRecords || size > w.maxBody) {
			return i
		}
	}
	return len(steps)
}

// size estimates the length of a step in a body, in bytes: what escapes add is
// not counted.
func (s *step) size() int {
	n := len(s.id) + 16*len(s.embedding)/3 + 32
	for _, text := range []*string{s.document, s.uri} {
		if text != nil {
			n += len(*text)
		}
	}
	for _, f := range s.set {
		n += len(f.Key) + len(f.Value.Str) + 24*(1+len(f.Value.Array))
		for _, e := range f.Value.Array {
			n += len(e.Str)
		}
	}
	for _, k := range s.clear {
		n += len(k) + 8
	}
	return n
}

// halves cuts a batch of several steps in two.
func (b batch) halves() (first, second batch) {
	m := len(b.steps) / 2
	return batch{verb: b.verb, steps: b.steps[:m]}, batch{verb: b.verb, steps: b.steps[m:]}
}

// limits is what a server says that it takes.
type limits struct {
	MaxBatchSize int  `json:"max_batch_size"`
	Base64       bool `json:"supports_base64_encoding"`
}

// limits asks for them, once. A server that does not know the question gets no
// base64.
func (d *Database) limits(ctx context.Context) (l limits, err error) {
	if known := d.limited.Load(); known != nil {
		return *known, nil
	}
	if l, err = d.askLimits(ctx); err == nil {
		d.limited.Store(&l)
	}
	return l, err
}

func (d *Database) askLimits(ctx context.Context) (l limits, err error) {
	var answer bytes.Buffer
	err = d.send(ctx, request{op: "ask for the server's limits", method: http.MethodGet,
		path: "/api/v2/pre-flight-checks", again: true}, &answer)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNotChroma), errors.Is(err, ErrInvalid):
		return limits{}, nil
	case err != nil:
		return limits{}, err
	}
	if err := json.Unmarshal(answer.Bytes(), &l); err != nil {
		return limits{}, nil
	}
	return l, nil
}
