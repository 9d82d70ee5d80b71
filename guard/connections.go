package guard

import (
	"context"
	"net/http"
	"net/http/httptrace"
)

// connections forwards over connections that are kept open, which the server
// may have closed just now: after a body that is too large, or one that it did
// not read. A client of its own would meet that on its own connection only; here
// it must not meet another one's request.
type connections struct {
	kept, fresh http.RoundTripper
}

func newConnections(base http.RoundTripper) *connections {
	if base == nil {
		base = http.DefaultTransport
	}
	c := &connections{base, base}
	if t, ok := base.(*http.Transport); ok {
		fresh := t.Clone()
		fresh.DisableKeepAlives = true
		c.fresh = fresh
	}
	return c
}

// repeatable marks the context of a request that may be sent twice: a write to
// records says what shall be there, and nobody else writes to the collection
// through the proxy meanwhile.
type repeatable struct{}

// RoundTrip implements http.RoundTripper. Of requests that change something one
// that may be sent twice is, where a kept connection broke; others always get a
// fresh one.
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	again, write := req.Context().Value(repeatable{}).(bool)
	switch {
	case !write:
		return c.kept.RoundTrip(req)
	case !again:
		return c.fresh.RoundTrip(req)
	}
	reused := false
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
	resp, err := c.kept.RoundTrip(req.Clone(httptrace.WithClientTrace(req.Context(), trace)))
	if err == nil || !reused || req.Context().Err() != nil {
		return resp, err
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = body
	return c.fresh.RoundTrip(req)
}

// markWrite says of a request's context that it changes something, and whether
// it may be sent twice.
func markWrite(ctx context.Context, again bool) context.Context {
	return context.WithValue(ctx, repeatable{}, again)
}
