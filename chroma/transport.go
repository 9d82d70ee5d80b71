package chroma

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxAnswer bounds the answer to one request, in bytes. A page is meant to be
// 4 to 6 MB; one of large documents may be more, and [Database.Read] halves a
// page that is beyond this. A single record is far below it: Chroma accepts
// bodies of 40 MiB.
const maxAnswer = 256 << 20

// wire is the http.RoundTripper under both chroma-go and this package's own
// requests, so that headers, patience, limits and the meaning of a bad answer
// are the same for both. An answer that is no success comes out as an *Error.
type wire struct {
	base   http.RoundTripper
	header http.Header
	url    string
}

// exchange is what a call tells wire through the context, and what it hears
// back: chroma-go flattens errors to text, so wire leaves the real one here.
type exchange struct {
	op       string
	patience time.Duration // for the next byte in either direction
	limit    int64         // bytes of the answer
	lost     bool          // a record without a vector is for the caller to deal with
	err      *Error
}

type exchangeKey struct{}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("chroma: a request outside of call") // impossible: every path goes through call
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	guard := newGuard(x.patience, cancel)
	out := req.Clone(ctx)
	for k, v := range w.header {
		out.Header[k] = v
	}
	if req.Body != nil && req.Body != http.NoBody {
		guard.unsent.Store(req.ContentLength)
		out.Body = &watchedBody{req.Body, guard}
		if get := req.GetBody; get != nil {
			out.GetBody = func() (io.ReadCloser, error) {
				body, err := get()
				guard.unsent.Store(req.ContentLength)
				return &watchedBody{body, guard}, err
			}
		}
	}
	resp, err := w.base.RoundTrip(out)
	guard.answered()
	fail := func(e *Error) (*http.Response, error) {
		x.err = e
		cancel(nil)
		return nil, e
	}
	if err != nil {
		return fail(brokenError(ctx, x.op, w.url, req.ContentLength, guard.unsent.Load(), err))
	}
	answer := &answerBody{body: resp.Body, x: x, guard: guard, ctx: ctx, cancel: cancel, url: w.url}
	resp.Body = answer
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		e := statusError(x.op, w.url, resp)
		_ = resp.Body.Close()
		return fail(e)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		_ = resp.Body.Close()
		return fail(&Error{Op: x.op, URL: w.url, Status: resp.StatusCode, Kind: ErrNotChroma, Message: "a web page answers"})
	}
	return resp, nil
}

// answerBody is the body of an answer: bounded, and watched while it is read.
type answerBody struct {
	body   io.ReadCloser
	x      *exchange
	guard  *guard
	ctx    context.Context
	cancel context.CancelCauseFunc
	url    string
	have   int64
}

func (b *answerBody) Read(p []byte) (int, error) {
	b.guard.timer.Reset(b.guard.patience)
	n, err := b.body.Read(p)
	b.guard.timer.Stop()
	b.have += int64(n)
	if b.have > b.x.limit {
		b.x.err = &Error{Op: b.x.op, URL: b.url, Kind: ErrTooLarge,
			Message: fmt.Sprintf("the answer is longer than %d bytes", b.x.limit)}
		return 0, b.x.err
	}
	if err != nil && err != io.EOF {
		b.x.err = brokenError(b.ctx, b.x.op, b.url, 0, 0, err)
		err = b.x.err
	}
	return n, err
}

func (b *answerBody) Close() error {
	err := b.body.Close()
	b.cancel(nil)
	return err
}

// guard cancels a request in which no byte moves for too long. It counts only
// while somebody waits for the other side.
type guard struct {
	patience time.Duration
	timer    *time.Timer
	mu       sync.Mutex
	answer   bool         // has begun; the rest of the request's body matters no more
	unsent   atomic.Int64 // bytes of the request's body that nobody took yet
}

type stalled struct{ patience time.Duration }

func (s *stalled) Error() string { return fmt.Sprintf("no byte for %v", s.patience) }

func newGuard(patience time.Duration, cancel context.CancelCauseFunc) *guard {
	return &guard{patience: patience, timer: time.AfterFunc(patience, func() { cancel(&stalled{patience}) })}
}

// sent notes that some of the request's body is on its way.
func (g *guard) sent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.answer {
		g.timer.Reset(g.patience)
	}
}

func (g *guard) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = true
	g.timer.Stop()
}

// watchedBody tells the guard that a request's body moves.
type watchedBody struct {
	io.ReadCloser
	guard *guard
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.guard.sent()
	n, err := b.ReadCloser.Read(p)
	b.guard.unsent.Add(int64(-n))
	return n, err
}

// call runs f, which makes one request with the context it is given, and gives
// the real reason when it fails. A request that may be sent again is, when the
// connection breaks or the server is overloaded; one that may not is sent
// again only when it cannot have reached the server.
func (d *Database) call(ctx context.Context, x exchange, again bool, f func(context.Context) error) error {
	if x.patience == 0 {
		x.patience = d.options.ControlTimeout
	}
	if x.limit == 0 {
		x.limit = maxAnswer
	}
	for attempt := 1; ; attempt++ {
		x.err = nil
		err := f(context.WithValue(ctx, exchangeKey{}, &x))
		if err == nil {
			return nil
		}
		if x.err == nil {
			var e *Error
			if errors.As(err, &e) {
				return e
			}
			return &Error{Op: x.op, URL: d.url, Kind: ErrAnswer, Message: oneLine(err.Error()), Err: err}
		}
		if !x.err.retry || x.lost && x.err.lacksVector || !again && !x.err.notSent || attempt >= d.options.Attempts || !pause(ctx, attempt, x.err.after) {
			return x.err
		}
	}
}

// pause waits before the next attempt, 0.15, 0.45, 1.35 … seconds give or take
// a third, or as long as the server asked for. It reports false when the
// server asks for more than half a minute or ctx ends.
func pause(ctx context.Context, attempt, after int) bool {
	wait := 150 * time.Millisecond
	for range attempt - 1 {
		wait *= 3
	}
	wait = min(wait, 10*time.Second)
	wait += time.Duration((rand.Float64() - 0.5) * float64(wait) * 2 / 3)
	if after > 30 {
		return false
	}
	wait = max(wait, time.Duration(after)*time.Second)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

// request is one call that this package makes itself.
type request struct {
	op       string
	method   string
	path     string // below the database ("collections/ID/get"), or from the server's root ("/api/v2/version")
	body     []byte
	again    bool          // may be sent twice
	patience time.Duration // 0: that of control calls
	limit    int64         // bytes of the answer; 0: maxAnswer
	lost     bool          // see exchange
}

// post sends a body to a path below the database, for example
// "collections/ID/upsert", once, and appends the answer to into. The errors
// are of type *Error; see Uncertain for whether it happened.
func (d *Database) post(ctx context.Context, op, path string, body []byte, into *bytes.Buffer) error {
	return d.send(ctx, request{op: op, method: http.MethodPost, path: path, body: body, patience: d.options.Timeout}, into)
}

// send makes a request and appends the answer to into.
func (d *Database) send(ctx context.Context, r request, into *bytes.Buffer) error {
	had := into.Len()
	return d.open(ctx, r, func(resp *http.Response) error {
		into.Truncate(had)
		if n := resp.ContentLength; n > 0 {
			into.Grow(int(min(n+bytes.MinRead, 32<<20)))
		}
		_, err := into.ReadFrom(resp.Body)
		return err
	})
}

// open makes a request and hands over the answer while it comes. read is
// called again if the request is sent again.
func (d *Database) open(ctx context.Context, r request, read func(*http.Response) error) error {
	return d.call(ctx, exchange{op: r.op, patience: r.patience, limit: r.limit, lost: r.lost}, r.again, func(ctx context.Context) error {
		u := d.url + r.path
		if !strings.HasPrefix(r.path, "/") {
			u = d.url + d.path() + "/" + r.path
		}
		var body io.Reader
		if r.body != nil {
			body = bytes.NewReader(r.body)
		}
		req, err := http.NewRequestWithContext(ctx, r.method, u, body)
		if err != nil {
			return err
		}
		if r.body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := d.client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		return read(resp)
	})
}

// collectionPath is a collection's place below the database.
func collectionPath(serverID, action string) string {
	return "collections/" + url.PathEscape(serverID) + "/" + action
}

// path is the database's place in the API.
func (d *Database) path() string {
	return "/api/v2/tenants/" + url.PathEscape(d.options.Tenant) + "/databases/" + url.PathEscape(d.options.Database)
}

// isTLS reports whether a connection failed for a certificate.
func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &verify) || errors.As(err, &alert)
}
