package guard_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// laterServer is a server in front of the real one that answers the calls of
// this ending itself, as a later version might.
func laterServer(t *testing.T, c *chromatest.Client, ending string, answer http.HandlerFunc) *url.URL {
	t.Helper()
	forward := forwardTo(t, c)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, ending) {
			answer(w, req)
		} else {
			forward.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func forwardTo(t *testing.T, c *chromatest.Client) http.Handler {
	t.Helper()
	real, err := url.Parse(c.Server.URL())
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(real)
}

// TestFork guards a migration that forks a collection, on a server that is made
// to have that call: what it makes is a point, with all records, and goes in the
// rollback.
func TestFork(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		forks := laterServer(t, c, "/fork", func(w http.ResponseWriter, req *http.Request) {
			var said struct {
				Name string `json:"new_name"`
			}
			if err := json.NewDecoder(req.Body).Decode(&said); err != nil {
				t.Error(err)
			}
			all := c.Get(c.Collection("docs")["id"].(string), map[string]any{"include": []string{"embeddings", "documents", "metadatas"}})
			c.Add(c.CreateCollection(said.Name, nil), map[string]any{
				"ids": all["ids"], "embeddings": all["embeddings"], "documents": all["documents"], "metadatas": all["metadatas"],
			})
			_ = json.NewEncoder(w).Encode(c.Collection(said.Name))
		})
		rep := g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			id, err := m.id("docs")
			if err != nil {
				t.Error(err)
				return
			}
			forked, err := m.ask("POST", "/"+id+"/fork", map[string]any{"new_name": "docs-fork"})
			if err != nil || forked["name"] != "docs-fork" {
				t.Errorf("fork: %v, %v", forked, err)
				return
			}
			if _, err := m.ask("POST", fmt.Sprint("/", forked["id"], "/update"), metadataOf(0, 10, "forked")); err != nil {
				t.Error(err)
			}
		}, func(o *guard.Options) {
			o.Upstream = forks
			o.Validate = []string{"false"} // so that it is rolled back
		})
		if rep.Outcome != guard.Invalid || !rep.RolledBack || rep.Unrecorded || rep.Points != 2 {
			t.Fatalf("%s %s: %+v", rep.Outcome, rep.Reason, rep)
		}
		ran, err := guard.FindRun(t.Context(), g.r, "")
		if err != nil {
			t.Fatal(err)
		}
		first := ran.Points[0]
		if !strings.HasPrefix(first.Tags[guard.TagRequest], "fork collection ") || first.Root.Records != ran.Base.Root.Records+100 || first.Root.Collections != ran.Base.Root.Collections+1 {
			t.Errorf("the point of the fork: %+v", first)
		}
		if status, _ := c.Server.Do(t, "GET", c.Path("docs-fork"), nil); status != http.StatusNotFound {
			t.Error("the fork is still there")
		}
	})
}

// TestLongBody sends a write that is longer than what the proxy reads before it
// forwards, to a server that takes it: it arrives whole, and is recorded though
// the proxy does not know what it names.
func TestLongBody(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		sent := bytes.Repeat([]byte("0123456789abcdef"), 65<<20/16)
		arrived := false
		takes := laterServer(t, c, "/upsert", func(w http.ResponseWriter, req *http.Request) {
			body, err := io.ReadAll(req.Body)
			arrived = err == nil && bytes.Equal(body, sent)
			c.Update(id, metadataOf(0, 10, "long"))
			_, _ = w.Write([]byte("{}"))
		})
		rep := g.proxied(func(proxy string) {
			resp, err := http.Post(proxy+c.Path(id, "upsert"), "application/json", bytes.NewReader(sent))
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
		}, func(o *guard.Options) { o.Upstream = takes })
		if !arrived {
			t.Error("the body did not arrive as it was sent")
		}
		if rep.Outcome != guard.Succeeded || rep.Points != 1 || rep.Unrecorded || rep.Last.Tags[guard.TagRequest] != "upsert" {
			t.Errorf("%+v", rep)
		}
	})
}

// TestDeletedBehindAWrite has others delete a collection behind a write to it: that
// is a point at once, and nothing is waited for.
func TestDeletedBehindAWrite(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		deletes := laterServer(t, c, "/update", func(w http.ResponseWriter, req *http.Request) {
			forwardTo(t, c).ServeHTTP(httptest.NewRecorder(), req)
			if status, answer := c.Server.Do(t, "DELETE", c.Path("docs"), nil); status != http.StatusOK {
				t.Errorf("%d %s", status, answer)
			}
			_, _ = w.Write([]byte("{}"))
		})
		begun := time.Now()
		rep := g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			if _, err := m.ask("POST", "/"+id+"/update", metadataOf(0, 10, "migrated")); err != nil {
				t.Error(err)
			}
		}, func(o *guard.Options) { o.Upstream, o.MaxLoss, o.RollbackTo = deletes, 0.05, guard.BackNone })
		if rep.Outcome != guard.Lost || !rep.Unrecorded || rep.Points != 1 || rep.Last.Tags[guard.TagUnrecorded] == "" || time.Since(begun) > time.Minute {
			t.Errorf("%s %s, unrecorded %v, %d points, after %v", rep.Outcome, rep.Reason, rep.Unrecorded, rep.Points, time.Since(begun))
		}
	})
}
