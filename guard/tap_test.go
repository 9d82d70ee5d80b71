package guard_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tap forwards requests and keeps what went through.
type tap struct {
	to     string
	server *httptest.Server
	direct http.Transport

	mu   sync.Mutex
	seen []exchange
}

// exchange is a request and its answer, to the last byte of their bodies.
type exchange struct{ request, answer string }

func newTap(t *testing.T, to string) *tap {
	x := &tap{to: to, direct: http.Transport{DisableCompression: true}}
	x.server = httptest.NewServer(x)
	t.Cleanup(func() { x.server.Close(); x.direct.CloseIdleConnections() })
	return x
}

func (x *tap) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out, err := http.NewRequestWithContext(req.Context(), req.Method, x.to+req.RequestURI, bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out.Header = req.Header.Clone()
	if out.Header["User-Agent"] == nil {
		out.Header["User-Agent"] = nil
	}
	resp, err := x.direct.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	x.mu.Lock()
	x.seen = append(x.seen, exchange{
		fmt.Sprintf("%s %s\n%s\n%s", req.Method, req.RequestURI, fields(req.Header), body),
		fmt.Sprintf("%s\n%s\n%s", resp.Status, fields(resp.Header), answer),
	})
	x.mu.Unlock()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer)
}

// fields are a message's header fields, in order. What is said of a connection
// is for that one only.
func fields(h http.Header) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "Connection" || name == "Keep-Alive" {
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(h[name], ", "))
	}
	return b.String()
}

func (x *tap) exchanges() []exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.seen)
}

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	varies = regexp.MustCompile(`(?m)^(Chroma-Trace-Id|Date): .*$|"nanosecond heartbeat": *\d+|Host: .*`)
)

// comparable gives an exchange without what differs from run to run: the ids
// that the server chose, by their order, times, and names that tests chose.
func comparable(all []exchange, names ...string) (out []exchange) {
	number := map[string]string{}
	plain := func(s string) string {
		for i, name := range names {
			s = strings.ReplaceAll(s, name, fmt.Sprint("name-", i))
		}
		s = uuids.ReplaceAllStringFunc(s, func(id string) string {
			if number[id] == "" {
				number[id] = fmt.Sprint("id-", len(number))
			}
			return number[id]
		})
		return varies.ReplaceAllString(s, "")
	}
	for _, e := range all {
		answer := e.answer
		if first, _, _ := strings.Cut(e.request, "\n"); strings.HasSuffix(first, "/query") {
			answer, _, _ = strings.Cut(answer, "\n") // neighbours are found by chance
		}
		// An answer's objects come in another order each time.
		out = append(out, exchange{plain(e.request), sorted(plain(answer))})
	}
	return out
}
