package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"autochrome/internal/chromatest"
)

// serverCommand puts a server before Chroma and names it in CHROMADB_URL.
//
//	server down                  nobody listens
//	server other                 it is not Chroma
//	server status N              it answers everything with that status
//	server token HEADER VALUE    it wants that header, else 401
//	server die WORD N            it dies at the nth request whose path has WORD
//	server interrupt WORD ARG... runs autochrome, stops answering requests whose path has WORD,
//	                             interrupts it then, and demands exit code 130
//	server writing WORD N NAME   before each of the first n requests whose path has WORD, somebody
//	                             adds a record to a collection
//	server empty WORD            it answers requests whose path has WORD as if there were no records
//	server slow WORD [FILE]      it does not answer requests whose path has WORD, and makes the file when
//	                             one comes
//	server until FILE            it answers 503 until there is that file
//	server clock HOURS           its clock is wrong by so much
//	server refusing WORD N       it answers 500 from the nth request on whose path has WORD
//	server spoiling NAME         when the first addition was answered, somebody deletes records 200
//	                             to 300 of a collection and adds 300 to 450
//	server tls FILE              it has a certificate of its own, which FILE gets
//	server chroma                Chroma itself again
//	server own                   a Chroma of the script's own, without any data
//	server lossy                 that one loses the vectors that it has written to files
func serverCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server WHAT ...; see serverCommand")
	}
	chroma, err := url.Parse(clientOf(ts).Server.URL())
	ts.Check(err)
	proxy := httputil.NewSingleHostReverseProxy(chroma)
	switch args[0] {
	case "chroma":
		ts.Setenv("CHROMADB_URL", chroma.String())
	case "own":
		t := ts.Value(testKey{}).(testing.TB)
		c := clientOf(ts)
		*c = *chromatest.NewClient(t, chromatest.Start(t, c.Server.Version))
		ts.Setenv("CHROMADB_URL", c.Server.URL())
		ts.Setenv("CHROMA_DATABASE", c.Database)
	case "lossy":
		clientOf(ts).Server.LoseIndexes(ts.Value(testKey{}).(testing.TB))
	case "down":
		serve(ts, proxy).Close()
	case "other":
		serve(ts, http.NotFoundHandler())
	case "status":
		status := number(ts, args[1])
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	case "token":
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get(args[1]) != args[2] {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "die":
		var seen atomic.Int64
		at := int64(number(ts, args[2]))
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, args[1]) {
				seen.Add(1)
			}
			if seen.Load() >= at {
				panic(http.ErrAbortHandler)
			}
			proxy.ServeHTTP(w, r)
		}))
	case "writing":
		c := clientOf(ts)
		id, n := c.Collection(args[3])["id"].(string), int64(number(ts, args[2]))
		var seen atomic.Int64
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, args[1]) && seen.Add(1) <= n {
				number := int(time.Now().UnixNano() % 1e15)
				c.Add(id, records(number, number+1, 8))
			}
			proxy.ServeHTTP(w, r)
		}))
	case "empty":
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, args[1]) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, `{"ids":[],"embeddings":[],"documents":[],"metadatas":[],"uris":[]}`)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "until":
		file := ts.MkAbs(args[1])
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := os.Stat(file); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "slow":
		came := ""
		if len(args) > 2 {
			came = ts.MkAbs(args[2])
		}
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, args[1]) {
				_, _ = io.Copy(io.Discard, r.Body)
				if came != "" {
					_ = os.WriteFile(came, nil, 0o600) // without it the script never goes on
				}
				<-r.Context().Done()
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "clock":
		off := time.Duration(number(ts, args[1])) * time.Hour
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/heartbeat") {
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"nanosecond heartbeat":%d}`, time.Now().Add(off).UnixNano())
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "refusing":
		var seen atomic.Int64
		at := int64(number(ts, args[2]))
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, args[1]) && seen.Add(1) >= at {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			proxy.ServeHTTP(w, r)
		}))
	case "spoiling":
		c := clientOf(ts)
		id := c.Collection(args[1])["id"].(string)
		var once sync.Once
		serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			proxy.ServeHTTP(w, r)
			if strings.HasSuffix(r.URL.Path, "/add") {
				once.Do(func() {
					c.Delete(id, map[string]any{"ids": records(200, 300, 1)["ids"]})
					c.Add(id, records(300, 450, 8))
				})
			}
		}))
	case "tls":
		s := httptest.NewUnstartedServer(proxy)
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of every client that does not trust it
		s.StartTLS()
		ts.Defer(s.Close)
		ts.Setenv("CHROMADB_URL", s.URL)
		cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), cert, 0o600))
	case "interrupt":
		interrupt(ts, proxy, args[1], args[2:])
	default:
		ts.Fatalf("server %s?", args[0])
	}
}

// serve runs a server until the script ends.
func serve(ts *testscript.TestScript, h http.Handler) *httptest.Server {
	s := httptest.NewServer(h)
	ts.Defer(s.Close)
	ts.Setenv("CHROMADB_URL", s.URL)
	return s
}

func interrupt(ts *testscript.TestScript, proxy http.Handler, word string, args []string) {
	stalled := make(chan struct{}, 100)
	serve(ts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, word) {
			_, _ = io.Copy(io.Discard, r.Body) // only then it is seen that the caller is gone
			stalled <- struct{}{}
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	cmd := exec.Command("autochrome", args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "CHROMADB_URL", "CHROMA_DATABASE", "SNAPSHOT_DIR", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var said strings.Builder
	cmd.Stderr = &said
	ts.Check(cmd.Start())
	select {
	case <-stalled:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		ts.Fatalf("no request with %s came", word)
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	ts.Logf("%s", said.String())
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(said.String(), "error: interrupted\nhint:") {
		ts.Fatalf("it exits with %d and says %s", code, said.String())
	}
}
