package chroma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autochrome/chunk"
)

// client is a Database of a server that was not asked anything.
func client(t *testing.T, url string, o Options) *Database {
	t.Helper()
	o.URL = url
	d, err := newClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	for _, failure := range []string{"429", "502", "503", "504", "reset", "cut"} {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != "{}" {
					t.Errorf("request %d: body %q", requests.Load(), body)
				}
				if requests.Add(1) > 2 {
					fmt.Fprint(w, `[1]`)
					return
				}
				switch failure {
				case "reset":
					panic(http.ErrAbortHandler)
				case "cut":
					w.Header().Set("Content-Length", "1000")
					fmt.Fprint(w, "[2")
					panic(http.ErrAbortHandler)
				}
				var code int
				fmt.Sscan(failure, &code)
				w.WriteHeader(code)
			}))
			d := client(t, s.URL, Options{})
			answer := bytes.NewBufferString("before")
			r := request{op: "test", method: "POST", path: "x", body: []byte("{}"), again: true}
			if err := d.send(t.Context(), r, answer); err != nil || answer.String() != "before[1]" || requests.Load() != 3 {
				t.Errorf("%q after %d requests, %v", answer, requests.Load(), err)
			}
			requests.Store(0)
			err := d.post(t.Context(), "write", "x", []byte("{}"), answer)
			if !errors.Is(err, ErrUnreachable) || requests.Load() != 1 || !Uncertain(err) {
				t.Errorf("%d requests, %v, uncertain: %v", requests.Load(), err, Uncertain(err))
			}
		})
	}
}

func TestAttemptsEnd(t *testing.T) {
	var requests atomic.Int32
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if strings.HasSuffix(r.URL.Path, "/later") {
			w.Header().Set("Retry-After", "3600")
		}
		w.WriteHeader(503)
	}))
	d := client(t, s.URL, Options{Attempts: 2})
	var answer bytes.Buffer
	if err := d.send(t.Context(), request{method: "GET", path: "/now", again: true}, &answer); !errors.Is(err, ErrUnreachable) || requests.Load() != 2 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
	requests.Store(0)
	if err := d.send(t.Context(), request{method: "GET", path: "/later", again: true}, &answer); !errors.Is(err, ErrUnreachable) || requests.Load() != 1 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
}

func TestStalled(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") { // slow, but it moves
			for range 10 {
				fmt.Fprint(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(40 * time.Millisecond)
			}
			return
		}
		if strings.HasSuffix(r.URL.Path, "/middle") {
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
		}
		<-release
	}))
	defer close(release)
	d := client(t, s.URL, Options{ControlTimeout: 200 * time.Millisecond})
	for _, path := range []string{"/start", "/middle"} {
		var answer bytes.Buffer
		err := d.send(t.Context(), request{op: "wait", method: "GET", path: path, again: true}, &answer)
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "no byte for 200ms") {
			t.Errorf("%s: %v", path, err)
		}
	}
	var answer bytes.Buffer
	if err := d.send(t.Context(), request{method: "GET", path: "/slow", again: true}, &answer); err != nil || answer.Len() != 10 {
		t.Errorf("%d bytes, %v", answer.Len(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.send(ctx, request{op: "wait", method: "GET", path: "/start", again: true}, &answer); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnreachable) {
		t.Errorf("the caller's deadline: %v", err)
	}
	ctx2, stop := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, stop)
	if err := d.send(ctx2, request{op: "wait", method: "GET", path: "/start", again: true}, &answer); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestSlowReaderIsNoStall: time that the caller takes does not count.
func TestSlowReaderIsNoStall(t *testing.T) {
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"ids":["a","b"]}`)
	}))
	d := client(t, s.URL, Options{Timeout: 10 * time.Millisecond})
	n := 0
	err := d.IDs(t.Context(), "x", func([]byte) error {
		n++
		time.Sleep(80 * time.Millisecond)
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("%d ids, %v", n, err)
	}
}

func TestTooLarge(t *testing.T) {
	closes := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}))
	answers := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(413)
		fmt.Fprint(w, "Payload too large")
	}))
	sql := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		fmt.Fprint(w, `{"error":"InternalError","message":"error returned from database: (code: 1) too many SQL variables"}`)
	}))
	var answer bytes.Buffer
	for _, s := range []string{closes.URL, answers.URL, sql.URL} {
		err := client(t, s, Options{}).post(t.Context(), "write", "x", make([]byte, 8<<20), &answer)
		if !errors.Is(err, ErrTooLarge) || Uncertain(err) {
			t.Errorf("%v, uncertain: %v", err, Uncertain(err))
		}
	}
	if err := client(t, closes.URL, Options{}).post(t.Context(), "write", "x", []byte("{}"), &answer); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a small body: %v", err)
	}
	endless := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}))
	d := client(t, endless.URL, Options{})
	r := request{op: "read", method: "GET", path: "/", again: true, limit: 1 << 20}
	if err := d.send(t.Context(), r, &answer); !errors.Is(err, ErrTooLarge) {
		t.Errorf("an endless answer: %v", err)
	}
}

// TestUncertain: a server that had the whole request may have done it, one that
// had a part cannot.
func TestUncertain(t *testing.T) {
	for read, uncertain := range map[int64]bool{1 << 10: false, 64 << 20: true} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, read)
			panic(http.ErrAbortHandler)
		}))
		var answer bytes.Buffer
		err := client(t, s.URL, Options{}).post(t.Context(), "write", "x", make([]byte, 32<<20), &answer)
		if err == nil || Uncertain(err) != uncertain {
			t.Errorf("after %d bytes: uncertain is %v: %v", read, Uncertain(err), err)
		}
	}
}

func TestReadHalvesALargePage(t *testing.T) {
	var asked []int // the requests come one after the other
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := strings.Count(string(body), `"id`) - 1
		asked = append(asked, n)
		if n > 2 {
			w.WriteHeader(500)
			fmt.Fprint(w, `{"error":"InternalError","message":"too many SQL variables"}`)
			return
		}
		_, ids, _ := strings.Cut(string(body), `"ids":`)
		fmt.Fprintf(w, `{"ids":%s,"embeddings":[%s]}`, strings.TrimSuffix(ids, "}"), strings.TrimSuffix(strings.Repeat("[1],", n), ","))
	}))
	into := chunk.NewRecords(1)
	ids := [][]byte{[]byte("id0"), []byte("id1"), []byte("id2"), []byte("id3"), []byte("id4")}
	if err := client(t, s.URL, Options{}).Read(t.Context(), "x", ids, into); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(asked); got != "[5 2 3 1 2]" || into.Len() != 5 {
		t.Errorf("asked for %s, have %d records", got, into.Len())
	}
	for i, id := range ids {
		if !bytes.Equal(into.ID(i), id) {
			t.Errorf("record %d is %q", i, into.ID(i))
		}
	}
}

// TestNotChroma: whatever else may answer at a wrong address.
func TestNotChroma(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html><body>hello</body></html>") },
		"404 page":   http.NotFound,
		"404 json":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, `{"detail":"Not Found"}`, 404) },
		"410": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, `{"error":"Unimplemented","message":"The v1 API is deprecated. Please use /v2 apis"}`, 410)
		},
		"405":        func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 405) },
		"other json": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) },
		"nothing":    func(w http.ResponseWriter, r *http.Request) {},
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://other/login", 302) },
		"chroma's 404": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, `{"error":"NotFoundError","message":"x"}`, 404)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, handler)
			_, err := Open(t.Context(), Options{URL: s.URL})
			var e *Error
			if !errors.Is(err, ErrNotChroma) || !errors.As(err, &e) || e.Hint() == "" || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
				t.Errorf("%v", err)
			}
		})
	}
	// Something that does not even speak HTTP.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "SSH-2.0-OpenSSH_9.2\r\n")
			c.Close()
		}
	}()
	if _, err := Open(t.Context(), Options{URL: "http://" + l.Addr().String(), Attempts: 1}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

func TestErrorKinds(t *testing.T) {
	for status, kind := range map[int]error{400: ErrInvalid, 401: ErrRefused, 403: ErrRefused, 404: ErrNotFound, 409: ErrExists, 413: ErrTooLarge, 422: ErrInvalid, 500: nil, 501: nil, 503: ErrUnreachable} {
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"SomeError","message":"a reason\nin two lines"}`)
		}))
		var answer bytes.Buffer
		err := client(t, s.URL, Options{}).post(t.Context(), "write records", "x", []byte("{}"), &answer)
		var e *Error
		if !errors.As(err, &e) || e.Kind != kind || e.Status != status || !strings.Contains(err.Error(), "a reason in two lines") {
			t.Errorf("%d: %v", status, err)
		}
		if uncertain := status >= 500; Uncertain(err) != uncertain {
			t.Errorf("%d: uncertain is %v", status, !uncertain)
		}
		if answer.Len() != 0 {
			t.Errorf("%d: the error is in the answer: %q", status, &answer)
		}
	}
	if Uncertain(nil) || !Uncertain(syscall.EIO) {
		t.Error("Uncertain: nothing failed, or nothing is known")
	}
}

// TestDroppedMeanwhile: while a collection is deleted the server misses parts of
// it. Then it is not there, and nothing was refused; one that stays so is no
// deleted one.
func TestDroppedMeanwhile(t *testing.T) {
	for _, message := range []string{"Missing field: [Missing metadata segment]", "Error executing plan: Missing field: [Missing vector segment]"} {
		stays := false
		deleting := true
		s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/pre-flight-checks"):
				fmt.Fprint(w, `{"max_batch_size":1000}`)
			case deleting || stays:
				deleting = false
				w.WriteHeader(412)
				fmt.Fprintf(w, `{"error":"ChromaError","message":%q}`, message)
			default:
				w.WriteHeader(404)
				fmt.Fprint(w, `{"error":"NotFoundError","message":"Collection [x] does not exist."}`)
			}
		}))
		d := client(t, s.URL, Options{Attempts: 2})
		calls := map[string]func() error{
			"read": func() error { return d.Read(t.Context(), "x", [][]byte{[]byte("a")}, chunk.NewRecords(1)) },
			"list": func() error { return d.IDs(t.Context(), "x", func([]byte) error { return nil }) },
			"write": func() error {
				report, err := d.Write(t.Context(), chunk.Collection{ServerID: "x", Name: "docs"},
					additions([]chunk.Record{{ID: "a", Embedding: []float32{1}}, {ID: "b", Embedding: []float32{1}}}), nil)
				if len(report.Refused) > 0 {
					t.Errorf("refused: %v", report.Refused)
				}
				return err
			},
		}
		for name, call := range calls {
			deleting = true
			if err := call(); !d.Gone(err) {
				t.Errorf("%s, %s: %v", message, name, err)
			}
			stays = true
			if err := call(); err == nil || d.Gone(err) || errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "see the log") {
				t.Errorf("%s, %s, for good: %v", message, name, err)
			}
			stays = false
		}
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	d := client(t, "http://"+l.Addr().String(), Options{Attempts: 2})
	var answer bytes.Buffer
	err = d.post(t.Context(), "write", "x", []byte("{}"), &answer)
	if !errors.Is(err, ErrUnreachable) || Uncertain(err) || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "CHROMADB_URL") {
		t.Errorf("%v, uncertain: %v", err, Uncertain(err))
	}
}
