package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// fault is what a proxy does with one write.
type fault string

const (
	pass        fault = "pass"
	failAfter   fault = "forward, then answer 500"
	failBefore  fault = "forward nothing, answer 500"
	cutAfter    fault = "forward, then close the connection"
	cutBefore   fault = "close the connection before reading all"
	unavailable fault = "forward nothing, answer 503"
)

// proxy stands before a real server.
type proxy struct {
	*httptest.Server
	mu     sync.Mutex
	writes []string // "add 3": verb and number of records, as they came
	fault  func(n int, verb string, body []byte) fault
}

func newProxy(t *testing.T, s *chromatest.Server, f func(n int, verb string, body []byte) fault) *proxy {
	p := &proxy{fault: f}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(t, s, w, r) }))
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) serve(t *testing.T, s *chromatest.Server, w http.ResponseWriter, r *http.Request) {
	var body []byte
	do := pass
	if v := path.Base(r.URL.Path); r.Method == http.MethodPost && (v == "add" || v == "update" || v == "delete") {
		if r.ContentLength > 3<<20 { // before any of it is read
			p.mu.Lock()
			do = p.fault(len(p.writes), v, nil)
			p.mu.Unlock()
		}
		if do != cutBefore {
			body, _ = io.ReadAll(r.Body)
			p.mu.Lock()
			if do == pass {
				do = p.fault(len(p.writes), v, body)
			}
			var sent struct{ IDs []string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Errorf("%s: %v", v, err)
			}
			p.writes = append(p.writes, fmt.Sprintf("%s %d", v, len(sent.IDs)))
			p.mu.Unlock()
		}
	} else {
		body, _ = io.ReadAll(r.Body)
	}
	cut := func(linger int) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.(*net.TCPConn).SetLinger(linger)
		conn.Close()
	}
	fail := func(status int) {
		w.WriteHeader(status)
		io.WriteString(w, `{"error":"InternalError","message":"made to fail"}`)
	}
	switch do {
	case failBefore:
		fail(http.StatusInternalServerError)
		return
	case unavailable:
		fail(http.StatusServiceUnavailable)
		return
	case cutBefore:
		cut(0)
		return
	}
	out, _ := http.NewRequest(r.Method, s.URL()+r.URL.Path, bytes.NewReader(body))
	out.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(out)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	switch do {
	case failAfter:
		fail(http.StatusInternalServerError)
	case cutAfter:
		cut(-1)
	default:
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}
}

// faultyChanges are some records as they are, and what shall become of them.
func faultyChanges(n int) (before, after []chunk.Record, changes []chunk.Change) {
	var replaced, added []chunk.Record
	for i := range n {
		have := chunk.Record{ID: fmt.Sprint("old ", i), Embedding: []float32{float32(i), 1}, Document: text("d"), Metadata: metadata(map[string]any{"k": 0.1, "l": 1})}
		before = append(before, have)
		want := have
		switch i % 4 {
		case 0:
			changes = append(changes, chunk.Change{Have: &have})
			continue
		case 1:
			want.Metadata, want.Document = metadata(map[string]any{"k": 7.2057594037927933e16}), text("e")
			after = append(after, want)
		case 2:
			want.Embedding = []float32{1, float32(i)}
			after = append(after, want)
		case 3:
			want.Document = nil
			replaced = append(replaced, want)
		}
		changes = append(changes, chunk.Change{Have: &have, Want: &want})
		fresh := chunk.Record{ID: fmt.Sprint("new ", i), Embedding: []float32{float32(-i), 1}}
		changes = append(changes, chunk.Change{Want: &fresh})
		added = append(added, replaced[len(replaced)-min(1, len(replaced)):]...)
		added = append(added, fresh)
		replaced = nil
	}
	return before, append(after, added...), changes
}

// TestWriteSettlesWhatIsUncertain: whatever becomes of the first answer to each
// kind of write, the server holds what is wanted in the end.
func TestWriteSettlesWhatIsUncertain(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for i, f := range []fault{failAfter, failBefore, cutAfter, cutBefore, unavailable} {
			t.Run(string(f), func(t *testing.T) {
				p := newPlace(t, c, fmt.Sprint("fault-", i), SpaceL2)
				before, after, changes := faultyChanges(20)
				p.write(t, additions(before))
				last := ""
				proxy := newProxy(t, c.Server, func(_ int, verb string, body []byte) fault {
					if f == cutBefore && body == nil || verb == last {
						return pass
					}
					last = verb
					return f
				})
				p.db = openDatabase(t, c, proxy.URL)
				report := p.write(t, changes)
				p.compare(t, after)
				want := chunk.WriteReport{Added: 15, Updated: 10, Replaced: 5, Deleted: 5}
				if report.Added != want.Added || report.Updated != want.Updated || report.Replaced != want.Replaced || report.Deleted != want.Deleted {
					t.Errorf("%+v, want %+v", report, want)
				}
				again := "delete 10, delete 10, update 10, update 10, add 20, add 20"
				if f == failAfter || f == cutAfter {
					again = "delete 10, update 10, add 20"
				}
				if got := strings.Join(proxy.writes, ", "); got != again {
					t.Errorf("sent: %s, want %s", got, again)
				}
			})
		}
	})
}

// TestWriteGivesUp: a server that fails forever ends in an error that says
// where.
func TestWriteGivesUp(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		p := newPlace(t, c, "gives-up", SpaceL2)
		proxy := newProxy(t, c.Server, func(int, string, []byte) fault { return failBefore })
		p.db = openDatabase(t, c, proxy.URL)
		p.db.options.Attempts = 2
		want := []chunk.Record{{ID: "first", Embedding: []float32{1}}, {ID: "second", Embedding: []float32{1}}}
		_, err := p.db.Write(context.Background(), p.c, additions(want), nil)
		if err == nil || !strings.Contains(err.Error(), `"gives-up"`) || !strings.Contains(err.Error(), `"first"`) || !strings.Contains(err.Error(), "made to fail") {
			t.Errorf("error: %v", err)
		}
		if len(proxy.writes) != 2 {
			t.Errorf("sent: %v", proxy.writes)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := p.db.Write(ctx, p.c, additions(want), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

// TestWriteHalves: a body beyond the server's limit is halved, and a record
// that is alone beyond it is named.
func TestWriteHalves(t *testing.T) {
	for _, v := range chromatest.Versions {
		t.Run(string(v), func(t *testing.T) {
			c := chromatest.NewClient(t, chromatest.StartWith(t, v, "max_payload_size_bytes: 100000"))
			p := newPlace(t, c, "halves", SpaceL2)
			var want []chunk.Record
			for i := range 300 {
				want = append(want, chunk.Record{ID: fmt.Sprint(i), Embedding: []float32{1, float32(i)}, Document: text(strings.Repeat("x", 1000))})
			}
			huge := chunk.Record{ID: "huge", Embedding: []float32{1, 1}, Document: text(strings.Repeat("x", 200000))}
			report := p.write(t, additions(append(append(append([]chunk.Record{}, want[:150]...), huge), want[150:]...)))
			if report.Added != 300 || len(report.Refused) != 1 || report.Refused[0].ID != "huge" || !strings.Contains(report.Refused[0].Reason, "larger than the server accepts") {
				t.Errorf("%+v", report)
			}
			p.compare(t, want)
		})
	}
}

// TestWriteHalvesWhenTheConnectionBreaks: some servers close the connection
// instead of answering 413, and some 413 is lost with the connection.
func TestWriteHalvesWhenTheConnectionBreaks(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, size := range []int{1 << 20, 40 << 10} {
			p := newPlace(t, c, fmt.Sprint("breaks-", size), SpaceL2)
			proxy := newProxy(t, c.Server, func(_ int, _ string, body []byte) fault {
				if len(body) > 3*size || body == nil {
					return cutBefore
				}
				return pass
			})
			p.db = openDatabase(t, c, proxy.URL)
			p.db.options.Attempts = 2
			var want []chunk.Record
			for i := range 8 {
				want = append(want, chunk.Record{ID: fmt.Sprint(i), Embedding: []float32{1, float32(i)}, Document: text(strings.Repeat("x", size))})
			}
			huge := chunk.Record{ID: "huge", Embedding: []float32{1, 1}, Document: text(strings.Repeat("x", 4*size))}
			report := p.write(t, additions(append(want[:8:8], huge)))
			if len(report.Refused) != 1 || report.Refused[0].ID != "huge" {
				t.Errorf("%+v", report.Refused)
			}
			p.compare(t, want)
		}
	})
}

// TestWriteBatches: batches are bounded by records and bytes.
func TestWriteBatches(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	p := newPlace(t, c, "batches", SpaceL2)
	proxy := newProxy(t, c.Server, func(int, string, []byte) fault { return pass })
	var want []chunk.Record
	for i := range 25 {
		r := chunk.Record{ID: fmt.Sprint(i), Embedding: []float32{1, float32(i)}}
		if i >= 20 {
			r.Document = text(strings.Repeat("x", 40000))
		}
		want = append(want, r)
	}
	w := &writer{db: openDatabase(t, c, proxy.URL), collection: p.c, maxRecords: 7, maxBody: 100000}
	if _, err := w.write(context.Background(), additions(want)); err != nil {
		t.Fatal(err)
	}
	p.compare(t, want)
	if got := strings.Join(proxy.writes, ", "); got != "add 7, add 7, add 7, add 2, add 2" {
		t.Errorf("sent: %s", got)
	}
}

// TestWriteNeverSendsReservedKeys: they would stop the server for good.
func TestWriteNeverSendsReservedKeys(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	p := newPlace(t, c, "reserved", SpaceL2)
	proxy := newProxy(t, c.Server, func(int, string, []byte) fault { return pass })
	p.db = openDatabase(t, c, proxy.URL)
	v := []float32{1, 2}
	for _, key := range []string{"chroma:document", "chroma:uri", "chroma:anything", "chroma:"} {
		bad := chunk.Record{ID: "bad one", Embedding: v, Metadata: metadata(map[string]any{"a": 1, key: 5})}
		good := chunk.Record{ID: "good", Embedding: v}
		for _, changes := range [][]chunk.Change{{{Want: &good}, {Want: &bad}}, {{Have: &bad, Want: &bad}, {Want: &good}}} {
			_, err := p.db.Write(context.Background(), p.c, changes, nil)
			if !errors.Is(err, ErrReserved) || !strings.Contains(err.Error(), "bad one") || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", key, err)
			}
		}
		p.write(t, []chunk.Change{{Have: &bad, Want: &chunk.Record{ID: "bad one", Embedding: v}}})
		p.write(t, []chunk.Change{{Have: &bad}})
	}
	if got := strings.Join(proxy.writes, ", "); strings.Contains(got, "update") || strings.Count(got, "add") != 4 {
		t.Errorf("sent: %s", got)
	}
	p.compare(t, nil)
}
