package guard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// maxBody is the longest body of a write that is read before it is forwarded.
// Chroma takes 40 MiB unless it is told otherwise. After a longer one the
// collection is read anew.
const maxBody = 64 << 20

// maxFiltered is how many records a delete by filter may select before the
// collection is read anew instead of looking for each of them.
const maxFiltered = 100_000

// proxy forwards requests to Chroma as they come. A write waits for its gate,
// and is recorded after its answer is on its way and before the gate opens
// again.
type proxy struct {
	forward  *httputil.ReverseProxy
	db       Database
	recorder *recorder
	gates    *gates
	recorded func(ctx context.Context, words string, err error) // hears what became of each write; nil: nobody

	mu      sync.Mutex
	closed  *refusal       // answers all writes
	writing sync.WaitGroup // from the gate to the point
	counts  counts

	waiting context.Context // ends some time after closed is there: Chroma is not waited for any more
	giveUp  context.CancelCauseFunc
}

// counts are what went through.
type counts struct{ Reads, Writes, Refused atomic.Int64 }

// refusal is an answer in Chroma's form.
type refusal struct {
	status int
	text   string
}

func (r *refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": "AutochromeGuard", "message": r.text})
}

func newProxy(to *url.URL, transport http.RoundTripper, db Database, r *recorder) *proxy {
	p := &proxy{db: db, recorder: r, gates: newGates()}
	p.waiting, p.giveUp = context.WithCancelCause(context.Background())
	p.forward = &httputil.ReverseProxy{
		Transport: newConnections(transport),
		Rewrite: func(req *httputil.ProxyRequest) {
			req.SetURL(to)
			req.Out.Header["Accept-Encoding"] = req.In.Header["Accept-Encoding"] // nil: none is added
			if req.In.Header["User-Agent"] == nil {
				req.Out.Header["User-Agent"] = nil
			}
		},
		BufferPool: newBuffers(),
		ErrorLog:   log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			(&refusal{http.StatusBadGateway, fmt.Sprintf("Chroma does not answer: %v", err)}).ServeHTTP(w, nil)
		},
	}
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c := classify(req.Method, req.URL.EscapedPath())
	if c.verb == reads {
		p.counts.Reads.Add(1)
		p.forward.ServeHTTP(w, req)
		return
	}
	body, rest, err := readBody(req)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone: nothing was forwarded, and nothing is answered
	}
	if c.verb != structure && !rest {
		if text := poison(body); text != "" {
			p.refuse(w, req, &refusal{http.StatusBadRequest, text})
			return
		}
	}
	gate := c.collection
	if c.verb == structure {
		gate = ""
	}
	leave, err := p.gates.enter(req.Context(), gate)
	if err != nil {
		panic(http.ErrAbortHandler) // likewise
	}
	if r := p.begin(); r != nil {
		leave()
		p.refuse(w, req, r)
		return
	}
	p.write(w, req, c, body, rest, func() { leave(); p.writing.Done() })
}

// buffers are what answers are copied with, many times the size that
// httputil.ReverseProxy takes by itself.
type buffers struct{ sync.Pool }

func newBuffers() *buffers {
	return &buffers{sync.Pool{New: func() any { return make([]byte, 256<<10) }}}
}

func (b *buffers) Get() []byte  { return b.Pool.Get().([]byte) }
func (b *buffers) Put(x []byte) { b.Pool.Put(x) } //nolint:staticcheck // an allocation for 256 KiB

// begin lets a write begin, or says why not.
func (p *proxy) begin() *refusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed == nil {
		p.writing.Add(1)
	}
	return p.closed
}

// shut answers all further writes with r. Of several only the first counts. Those
// that are on their way have a while to be answered.
func (p *proxy) shut(r *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed == nil {
		p.closed = r
		time.AfterFunc(recordPatience, func() { p.giveUp(errGivenUp) })
	}
}

var errGivenUp = errors.New("it was waited for long enough after the end of the guarded run")

// close is shut, and waits until the writes under way are recorded.
func (p *proxy) close(r *refusal) {
	p.shut(r)
	p.writing.Wait()
}

func (p *proxy) refuse(w http.ResponseWriter, req *http.Request, r *refusal) {
	p.counts.Refused.Add(1)
	r.ServeHTTP(w, req)
}

// readBody reads a body, and where it is longer than maxBody its beginning: then
// rest is true, and the request still has all of it.
func readBody(req *http.Request) (body []byte, rest bool, err error) {
	var buf bytes.Buffer
	if n := req.ContentLength; n > 0 && n <= maxBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	if _, err = buf.ReadFrom(io.LimitReader(req.Body, maxBody+1)); err != nil {
		return nil, false, err
	}
	body = buf.Bytes()
	if len(body) > maxBody {
		req.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(body), req.Body), req.Body}
		return body, true, nil
	}
	return body, false, nil
}

// write forwards a write, answers the client, and records what it did before
// leave opens the gate.
func (p *proxy) write(w http.ResponseWriter, req *http.Request, c call, body []byte, rest bool, leave func()) {
	p.counts.Writes.Add(1)
	// Neither a client that goes away nor the end of its patience ends a write
	// that is on its way, as long as the run goes on: what became of it has to be
	// known.
	ctx := context.WithoutCancel(req.Context())
	record := p.prepare(ctx, c, body, rest)
	until := ctx
	if rest { // what is still to come of the body comes from the client
		until = req.Context()
	}
	forward, done := p.waited(until)
	defer done()
	out := req.WithContext(markWrite(forward, !rest && c.verb != structure && c.verb != unknown))
	if !rest {
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		out.Body, _ = out.GetBody() // which never fails
		out.ContentLength, out.TransferEncoding = int64(len(body)), nil
	}
	answer := &noted{ResponseWriter: w}
	defer func() { // also where the client went away, which ReverseProxy panics for
		if answer.harmless() {
			leave()
			return
		}
		go func() {
			defer leave()
			err := patiently(ctx, record)
			if p.recorded != nil {
				p.recorded(ctx, c.words, err)
			}
		}()
	}()
	p.forward.ServeHTTP(answer, out)
}

// waited gives a context that ends, besides, when the proxy does not wait for
// answers any more.
func (p *proxy) waited(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.waiting, func() { cancel(context.Cause(p.waiting)) })
	return ctx, func() { stop(); cancel(nil) }
}

// prepare gives what records a write once it was answered.
func (p *proxy) prepare(ctx context.Context, c call, body []byte, rest bool) (record func(context.Context) error) {
	err := faultless(func() error { record = p.recording(ctx, c, body, rest); return nil })
	if err != nil {
		return func(context.Context) error { return err }
	}
	return record
}

// recording is prepare. A delete by filter is asked first which records it will
// delete, and before a change of collections it is asked which there are.
func (p *proxy) recording(ctx context.Context, c call, body []byte, rest bool) func(context.Context) error {
	whole := func(ctx context.Context) error { return p.recorder.whole(ctx, c.collection, c.words) }
	switch {
	case c.verb == structure || c.collection == "":
		before := p.recorder.there(ctx)
		return func(ctx context.Context) error { return p.recorder.structure(ctx, c.words, before) }
	case c.verb == unknown || rest:
		return whole
	case p.recorder.collection(c.collection) == nil:
		return func(context.Context) error { return nil } // of another database
	}
	s, ok := parseBody(c.verb, body)
	if !ok {
		return whole
	}
	if s.filter != nil {
		s.ids = nil
		err := p.db.IDsWhere(ctx, c.collection, s.filter, func(id []byte) error {
			if len(s.ids) == maxFiltered {
				return errMany
			}
			s.ids = append(s.ids, string(id))
			return nil
		})
		if errors.Is(err, errMany) {
			return whole
		}
		if err != nil {
			return whole // Chroma refuses such a filter; if it does not, all is read
		}
	}
	return func(ctx context.Context) error { return p.recorder.records(ctx, c.collection, s.ids, c.words) }
}

var errMany = errors.New("more records than are looked for one by one")

// noted remembers the status of an answer.
type noted struct {
	http.ResponseWriter
	status int
}

func (n *noted) WriteHeader(status int) {
	if n.status == 0 && status >= 200 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

func (n *noted) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	return n.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the answer can do.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// harmless reports whether an answer says that nothing was written. A 500 does
// not, and neither does none.
func (n *noted) harmless() bool { return n.status >= 400 && n.status < 500 }
