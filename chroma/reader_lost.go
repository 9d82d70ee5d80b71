package chroma

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"

	"autochrome/chunk"
)

// A request for records with their vectors fails as a whole, with 500 and
// "Error finding id", when the server has no vector for one of them: for a
// moment while that one is deleted, or for good when its vector is lost. So
// such a request is halved down to the record, which is then read without its
// vector.
//
// The answers to the parts stand one behind the other, in the order of the ids.
const (
	part       = "\x1e" // before each of several answers; no JSON has it within
	vectorless = "\x1f" // behind that where it is about a record that has no vector
)

// maxWaits is how often one page waits, 0.15 seconds each time, for a record
// that may only be on its way out. No writer is the reason where more are.
const maxWaits = 4

// get asks for columns of records and appends the answers, for decodeAnswers.
func (d *Database) get(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, buf *bytes.Buffer) error {
	g := &getting{db: d, path: collectionPath(serverID, "get"), kinds: kinds, buf: buf, waits: maxWaits}
	err := g.ask(ctx, ids, kinds)
	if lacksVector(err) {
		g.inParts = true
		g.wait(ctx)
		err = g.parts(ctx, ids)
	}
	return err
}

// getting is one call of get.
type getting struct {
	db      *Database
	path    string
	kinds   []chunk.Kind
	buf     *bytes.Buffer
	inParts bool
	waits   int // that are left
}

// parts asks for records, and for half of them at a time where one of them has
// no vector.
func (g *getting) parts(ctx context.Context, ids [][]byte) error {
	err := g.ask(ctx, ids, g.kinds)
	switch {
	case !lacksVector(err):
		return err
	case len(ids) == 1:
		return g.single(ctx, ids)
	}
	half := len(ids) / 2
	if err := g.parts(ctx, ids[:half]); err != nil {
		return err
	}
	return g.parts(ctx, ids[half:])
}

// single asks for a record of which the server has just found no vector. One
// that was deleted meanwhile is not there without a vector either.
func (g *getting) single(ctx context.Context, id [][]byte) error {
	g.wait(ctx)
	err := g.ask(ctx, id, g.kinds)
	if !lacksVector(err) {
		return err
	}
	return g.ask(ctx, id, slices.DeleteFunc(slices.Clone(g.kinds), func(k chunk.Kind) bool { return k == chunk.Embeddings }))
}

func (g *getting) wait(ctx context.Context) {
	if g.waits > 0 {
		g.waits--
		pause(ctx, 1, 0)
	}
}

// ask sends one request and appends its answer. All answers together are
// bounded as one is.
func (g *getting) ask(ctx context.Context, ids [][]byte, kinds []chunk.Kind) error {
	had := g.buf.Len()
	if g.inParts {
		g.buf.WriteString(part)
	}
	if len(kinds) < len(g.kinds) {
		g.buf.WriteString(vectorless)
	}
	err := g.db.send(ctx, request{
		op: "read records", method: http.MethodPost, path: g.path, body: getBody(ids, kinds),
		again: true, lost: true, patience: g.db.options.Timeout, limit: max(1, maxAnswer-int64(had)),
	}, g.buf)
	if err != nil {
		g.buf.Truncate(had)
	}
	return err
}

// lacksVector reports whether a request failed for a record without a vector.
func lacksVector(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.lacksVector
}

// decodeAnswers reads what get has appended; some: the embeddings were not
// asked for.
func decodeAnswers(body []byte, into *chunk.Records, some bool) error {
	body, inParts := bytes.CutPrefix(body, []byte(part))
	if !inParts {
		return decode(body, into, some)
	}
	before := into.Len()
	for more := true; more; {
		var answer []byte
		answer, body, more = bytes.Cut(body, []byte(part))
		answer, without := bytes.CutPrefix(answer, []byte(vectorless))
		if err := decode(answer, into, some || without); err != nil {
			for _, c := range into.Columns {
				c.Truncate(before)
			}
			return err
		}
	}
	return nil
}
