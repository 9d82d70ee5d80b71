package guard_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"testing"
	"time"

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
