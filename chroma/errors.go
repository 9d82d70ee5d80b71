package chroma

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
)

// What a caller branches on; errors.Is finds them in every error of this
// package.
var (
	ErrUnreachable = errors.New("Chroma does not answer")       // no connection, no byte for too long, TLS, a gateway without a server behind it
	ErrRefused     = errors.New("access refused")               // 401, 403
	ErrNotFound    = errors.New("not found")                    // tenant, database or collection
	ErrExists      = errors.New("exists already")               // a collection of that name
	ErrTooLarge    = errors.New("too much at once")             // request or answer; half as many records may pass
	ErrInvalid     = errors.New("Chroma refuses the request")   // 400, 422: it will never pass as it is
	ErrNotChroma   = errors.New("this is not Chroma's v2 API")  // something else answers at the URL
	ErrAnswer      = errors.New("Chroma's answer is not valid") // truncated, columns of different lengths, no JSON
)

// Error is what a person needs to know about a failed call. It never holds a
// password, a token or a header.
type Error struct {
	Op      string // what was tried: "read records"
	URL     string // of the server, without user and password
	Status  int    // of HTTP; 0: no answer came
	Kind    error  // one of this package's sentinels, or nil: the server failed (500, 412)
	Message string // what went wrong, in the server's words where there are any
	Err     error  // the cause below, or nil

	notSent     bool // the server cannot have had the whole request
	retry       bool // a request that may be repeated is worth repeating
	lacksVector bool // of a record that was asked for
	after       int  // seconds the server asks to wait before that
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.URL != "" {
		b.WriteString(" at " + e.URL)
	}
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	} else if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if hint := e.Hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

// Hint says what to do next, or nothing. It is part of Error's text.
func (e *Error) Hint() string {
	switch e.Kind {
	case ErrUnreachable:
		if e.Status != 0 {
			return "the server or a gateway before it is overloaded or starting: try again later"
		}
		return "is Chroma running there? set --chromadb-url or CHROMADB_URL"
	case ErrRefused:
		return "give a token, or user and password, that may do this"
	case ErrNotChroma:
		return "set --chromadb-url or CHROMADB_URL to Chroma's address, without a path unless a proxy adds one; servers before 0.6 have no v2 API"
	case ErrTooLarge:
		return "use smaller pages or batches, or raise max_payload_size_bytes of the server"
	}
	if e.Status == http.StatusInternalServerError || e.Status == http.StatusPreconditionFailed && e.Kind == nil {
		return "see the log of the Chroma server"
	}
	return ""
}

// Unwrap makes errors.Is find both the sentinel and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Uncertain reports whether a write that failed with err may nevertheless have
// been carried out: writes that Chroma answered with 500 were found applied
// after its restart, and a connection that breaks says nothing. Only reading
// again decides.
func Uncertain(err error) bool {
	var e *Error
	if err == nil {
		return false
	}
	if !errors.As(err, &e) {
		return true
	}
	switch e.Kind {
	case ErrRefused, ErrNotFound, ErrExists, ErrTooLarge, ErrInvalid, ErrNotChroma:
		return false
	}
	return !e.notSent
}

// chromaError is the body of Chroma's error answers; detail is what other
// frameworks (and Chroma's own older server) say.
type chromaError struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Detail  any    `json:"detail"`
}

// missingSegment is what Chroma says of a collection of which it has deleted a
// part.
var missingSegment = regexp.MustCompile(`Missing \w+ segment`)

// statusError turns an answer that is no success into an Error.
func statusError(op, url string, resp *http.Response) *Error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	e := &Error{Op: op, URL: url, Status: resp.StatusCode}
	var said chromaError
	isChroma := json.Unmarshal(text, &said) == nil && said.Error != ""
	switch {
	case isChroma:
		e.Message = oneLine(said.Error)
		if said.Message != "" {
			e.Message = oneLine(said.Message)
		}
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		e.Message = "a web page answers"
	default:
		e.Message = oneLine(string(text))
	}
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400:
		e.Kind, e.Message = ErrNotChroma, "it redirects elsewhere"
		if to, err := resp.Location(); err == nil {
			e.Message = "it redirects to " + to.Scheme + "://" + to.Host + to.Path
		}
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		e.Kind = ErrRefused
	case s == http.StatusRequestEntityTooLarge:
		e.Kind = ErrTooLarge
	case s == http.StatusTooManyRequests, s == http.StatusBadGateway,
		s == http.StatusServiceUnavailable, s == http.StatusGatewayTimeout:
		e.Kind, e.retry = ErrUnreachable, true
		_, _ = fmt.Sscanf(resp.Header.Get("Retry-After"), "%d", &e.after)
	case s == http.StatusGone, s < 500 && !isChroma && s != http.StatusUnprocessableEntity && s != http.StatusBadRequest:
		e.Kind = ErrNotChroma
	case s == http.StatusNotFound:
		e.Kind = ErrNotFound
	case s == http.StatusConflict, strings.Contains(e.Message, "UNIQUE constraint failed: collections.name"):
		e.Kind = ErrExists // a rename onto a taken name is answered with 500
	case strings.Contains(e.Message, "too many SQL variables"):
		e.Kind = ErrTooLarge // beyond 32,700 records in one request, answered with 500
	case strings.Contains(e.Message, "Error finding id"):
		e.retry, e.lacksVector = true, true // of a record that is being deleted, or has lost it; answered with 500
	case missingSegment.MatchString(e.Message):
		e.retry = true // the collection is being deleted, answered with 412; a moment later it is 404
	case s < 500:
		e.Kind = ErrInvalid
	}
	return e
}

// brokenError turns the failure of a connection into an Error. sending is the
// length of the request's body, unsent what of it was not sent: while there is
// any, the server cannot have done what was asked.
func brokenError(ctx context.Context, op, url string, sending, unsent int64, err error) *Error {
	e := &Error{Op: op, URL: url, Kind: ErrUnreachable, Err: err, notSent: unsent > 0}
	var opErr *net.OpError
	if errors.As(err, &opErr) && opErr.Op == "dial" {
		e.notSent = true
	}
	var dns *net.DNSError
	switch cause := context.Cause(ctx); {
	case errors.As(cause, new(*stalled)):
		e.Err, e.Message = cause, cause.Error()
	case cause != nil: // the caller's own deadline or interruption
		e.Kind, e.Err, e.Message = nil, cause, cause.Error()
	case errors.As(err, &dns):
		e.Message, e.notSent = fmt.Sprintf("no address is known for %q", dns.Name), true
		e.retry = dns.IsTemporary
	case sending >= largeBody && unsent > 0 && isClosed(err):
		// The server answers 413 and closes without reading the rest; the
		// answer is often lost with the connection.
		e.Kind = ErrTooLarge
		e.Message = fmt.Sprintf("the connection was closed while a body of %d bytes was sent", sending)
	case errors.As(err, new(tls.RecordHeaderError)):
		e.Message, e.notSent = "the server does not speak TLS: is it http:// and not https://", true
	case isTLS(err):
		e.Message, e.notSent = oneLine(err.Error()), true
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Message, e.retry = "connection refused", true
	default:
		e.Message = oneLine(err.Error())
		e.retry = opErr == nil || !opErr.Timeout() // a host that does not answer at all was waited for
	}
	return e
}

// isClosed reports whether the other side ended the connection.
func isClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// largeBody is from where on a connection closed while sending is taken for a
// body that is too large: the smallest limit in wide use is nginx's 1 MiB.
const largeBody = 1 << 20

// oneLine shortens what a server says to something that fits into a message.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
