package chroma

import (
	"context"
	"errors"
	"math"
	"net/http"
)

// IDs calls fn with the id of every record of a collection, in the server's
// order: that of insertion, which updates keep. It is one request without a
// limit, since paging by offset misses records when others are deleted
// meanwhile. The memory is that of the longest id; id is valid until fn
// returns. An error of fn ends the listing and is returned as it is. After any
// error fn may have been called with some of the ids.
//
// The answer is a list as of one moment. Chroma builds all of it before it
// sends the first byte (200,000 ids: 1.8 seconds), hence five times the
// patience of other requests.
func (d *Database) IDs(ctx context.Context, serverID string, fn func(id []byte) error) error {
	return d.listIDs(ctx, serverID, []byte(`{"include":[]}`), fn)
}

func (d *Database) listIDs(ctx context.Context, serverID string, body []byte, fn func(id []byte) error) error {
	r := request{
		op: "list ids", method: http.MethodPost, path: collectionPath(serverID, "get"),
		body: body, again: true,
		patience: 5 * d.options.Timeout, limit: math.MaxInt64,
	}
	given := false
	var stop error
	err := d.open(ctx, r, func(resp *http.Response) error {
		s := idStream{in: resp.Body, fn: func(id []byte) error {
			given = true
			stop = fn(id)
			return stop
		}}
		err := s.run()
		var e *Error
		if given && errors.As(err, &e) {
			e.retry = false // the ids that are out cannot be taken back
		}
		return err
	})
	if stop != nil {
		return stop
	}
	return err
}
