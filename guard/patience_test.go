package guard_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// TestNoAnswer guards a migration on a server that carries out a write and never
// answers: the run ends all the same, when its time is over or it is interrupted,
// and the write is a point.
func TestNoAnswer(t *testing.T) {
	guard.SetRecordPatience(t, time.Second)
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		before := text(g.dump())
		silent := laterServer(t, c, "/update", func(_ http.ResponseWriter, req *http.Request) {
			body, err := io.ReadAll(req.Body)
			var update map[string]any
			if err == nil {
				err = json.Unmarshal(body, &update)
			}
			if err != nil {
				t.Error(err)
				return
			}
			c.Update(c.Collection("docs")["id"].(string), update)
			<-req.Context().Done()
		})
		o := g.options("good")
		o.Upstream, o.MaxTime, o.Patience = silent, time.Second, time.Second
		begun := time.Now()
		rep := g.run(o)
		if rep.Outcome != guard.TimedOut || !rep.RolledBack || rep.Points != 1 || rep.Unrecorded || time.Since(begun) > 30*time.Second {
			t.Errorf("%s, rolled back %v, %d points, unrecorded %v, after %v", rep.Outcome, rep.RolledBack, rep.Points, rep.Unrecorded, time.Since(begun))
		}
		if !maps.Equal(text(g.dump()), before) {
			t.Error("not everything is as it was")
		}

		answer := make(chan error, 1)
		rep = g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			id, err := m.id("docs")
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				_, err := m.ask("POST", "/"+id+"/update", metadataOf(0, 10, "silent"))
				answer <- err
			}()
			time.Sleep(500 * time.Millisecond)
		}, func(o *guard.Options) { o.Upstream = silent })
		if rep.Outcome != guard.Succeeded || rep.Points != 1 || rep.Unrecorded {
			t.Errorf("%s, %d points, unrecorded %v", rep.Outcome, rep.Points, rep.Unrecorded)
		}
		if err := <-answer; err == nil {
			t.Error("a write without an answer was answered")
		}
	})
}

// TestAwayAtTheEnd has Chroma away for a while when a migration has just ended
// well, all of it or where the records of the last collection are read: the run waits.
func TestAwayAtTheEnd(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it closes files that are forgotten
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for what, path := range map[string]string{"all": "/api", "records": "/get"} {
			t.Run(what, func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				docs := g.c.Collection("docs")["id"].(string)
				if what == "records" {
					path = lastListed(g) + path
				}
				var away atomic.Bool
				front := laterServer(t, g.c, "", func(w http.ResponseWriter, req *http.Request) {
					if away.Load() && strings.Contains(req.URL.Path, path) {
						w.WriteHeader(http.StatusServiceUnavailable)
						return
					}
					forwardTo(t, g.c).ServeHTTP(w, req)
				})
				db, err := chroma.Open(t.Context(), chroma.Options{URL: front.String(), Tenant: g.c.Tenant, Database: g.c.Database})
				if err != nil {
					t.Fatal(err)
				}
				g.db = db
				files := scratchFiles(t)
				rep := g.proxied(func(proxy string) {
					m := &migration{proxy + g.c.Path()}
					for _, n := range []int{1, 2} { // the first is recorded when the second is answered
						if _, err := m.ask("POST", "/"+docs+"/update", metadataOf(0, n, "migrated")); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(300 * time.Millisecond)
					away.Store(true)
					time.AfterFunc(3*time.Second, func() { away.Store(false) })
				}, func(o *guard.Options) { o.MaxLoss = 0.05 })
				if rep.Outcome != guard.Succeeded || rep.Unrecorded || rep.Points != 2 {
					t.Errorf("%s %s, %d points, unrecorded %v", rep.Outcome, rep.Reason, rep.Points, rep.Unrecorded)
				}
				if n := scratchFiles(t); n != files {
					t.Errorf("%d scratch files are open, and were %d before", n, files)
				}
			})
		}
	})
}

// lastListed gives the collection that is read last.
func lastListed(g *guarded) string {
	g.Helper()
	all, err := g.db.Collections(g.Context())
	if err != nil {
		g.Fatal(err)
	}
	return all[len(all)-1].ServerID
}

// scratchFiles counts those that are open.
func scratchFiles(t *testing.T) (n int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not on Linux
	}
	for _, f := range open {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.Contains(to, "autochrome-guard-") {
			n++
		}
	}
	return n
}
