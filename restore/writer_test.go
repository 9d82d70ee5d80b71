package restore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// version is what a writer got acknowledged for one record.
type version struct {
	number     int // 0: deleted
	begun, ack time.Time
}

// overwrite is a request that may overwrite a record, and the reading before it.
type overwrite struct {
	read, end time.Time
}

// watched is a proxy that notes when records were read and overwritten.
type watched struct {
	*httptest.Server
	mu     sync.Mutex
	reads  map[string]time.Time // by id: when the last reading began
	writes map[string][]overwrite
}

func newWatched(t *testing.T, target string) *watched {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	w := &watched{reads: map[string]time.Time{}, writes: map[string][]overwrite{}}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		verb := path.Base(req.URL.Path)
		if req.Method != http.MethodPost || verb != "get" && verb != "update" && verb != "delete" {
			proxy.ServeHTTP(out, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		var said struct{ IDs []string }
		if err := json.Unmarshal(body, &said); err != nil {
			t.Error(err)
		}
		begun := time.Now()
		if verb == "get" {
			w.mu.Lock()
			for _, id := range said.IDs {
				w.reads[id] = begun
			}
			w.mu.Unlock()
		}
		proxy.ServeHTTP(out, req)
		if verb != "get" {
			end := time.Now()
			w.mu.Lock()
			for _, id := range said.IDs {
				w.writes[id] = append(w.writes[id], overwrite{w.reads[id], end})
			}
			w.mu.Unlock()
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// scribbler writes to a collection until it is stopped, some records at a time.
type scribbler struct {
	versions map[string][]version
	done     chan struct{}
	stopped  chan struct{}
}

func scribble(t *testing.T, c *chromatest.Client, id string, seed uint64, records int) *scribbler {
	s := &scribbler{versions: map[string][]version{}, done: make(chan struct{}), stopped: make(chan struct{})}
	rnd := rand.New(rand.NewPCG(seed, 2))
	go func() {
		defer close(s.stopped)
		for n := 1; ; n++ {
			select {
			case <-s.done:
				return
			default:
			}
			const together = 40
			var ids []string
			var vs, ds, ms []any
			for _, i := range rnd.Perm(records)[:together] {
				ids = append(ids, fmt.Sprintf("r%04d", i))
				vs, ds = append(vs, []float32{float32(n), 0, 0}), append(ds, fmt.Sprint("version ", n))
				ms = append(ms, map[string]any{"writer": n})
			}
			v := version{number: n, begun: time.Now()}
			verb, body := "upsert", map[string]any{"ids": ids, "embeddings": vs, "documents": ds, "metadatas": ms}
			if rnd.IntN(8) == 0 {
				v.number, verb, body = 0, "delete", map[string]any{"ids": ids}
			}
			status, answer, err := c.Server.Try("POST", c.Path(id, verb), body)
			if err != nil || status > 299 {
				t.Errorf("%s: %v %d %s", verb, err, status, answer)
				return
			}
			v.ack = time.Now()
			for _, rid := range ids {
				s.versions[rid] = append(s.versions[rid], v)
			}
		}
	}()
	return s
}

func (s *scribbler) stop() {
	close(s.done)
	<-s.stopped
}

func numberOf(r chunk.Record) int {
	v, _ := r.Metadata.Get("writer")
	return int(v.Int)
}

// TestWriter lets a writer update, add and delete throughout a rollback. Each
// version that it got acknowledged before the reading that comes right before
// one of our writes, and that is not the writer's own past, is in the state
// before, in a supplement or still in the database.
func TestWriter(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		w := newWatched(t, c.Server.URL())
		db, r := opened(t, c, w.URL)
		id := c.CreateCollection("docs", nil)
		const records = 6000
		c.Add(id, numbered(0, records-500))
		good := taken(t, r, db)
		rest := numbered(records-500, records)
		c.Add(id, rest)
		all := numbered(0, records)["ids"].([]string)
		c.Update(id, map[string]any{"ids": all[:5000], "metadatas": each(5000, map[string]any{"n": nil, "bad": true}), "documents": each(5000, "bad")})
		c.Delete(id, map[string]any{"ids": all[5000:5200]})

		s := scribble(t, c, id, seed, records)
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{})
		s.stop()
		if err != nil {
			t.Fatal(err)
		}
		kept := []map[string]chunk.Record{recordsIn(t, r, *rep.PreRollback, "docs")}
		for _, k := range rep.Late.Kept {
			kept = append(kept, recordsIn(t, r, k, "docs"))
		}
		inAny := func(rid string, number int) bool {
			for _, k := range kept {
				if g, ok := k[rid]; ok && numberOf(g) == number && *g.Document == fmt.Sprint("version ", number) && g.Embedding[0] == float32(number) {
					return true
				}
			}
			return false
		}
		checked, between := 0, 0
		for rid, writes := range w.writes {
			for _, o := range writes {
				var last version
				racing := false
				for _, v := range s.versions[rid] {
					if v.ack.Before(o.read) {
						last = v
					} else if v.begun.Before(o.end) {
						racing = true
					}
				}
				switch {
				case last.number == 0: // the state before has it, or the writer deleted it
				case racing:
					between++
				case !inAny(rid, last.number):
					t.Errorf("%s: version %d, acknowledged %v before it was overwritten, is nowhere", rid, last.number, o.end.Sub(last.ack))
				default:
					checked++
				}
			}
		}
		live := map[string]chromatest.RawRecord{}
		for _, g := range c.Dump("docs") {
			live[g.ID] = g
		}
		addedAgain := map[string]bool{} // perhaps: the writer deleted them, and the snapshot has them
		for rid := range recordsIn(t, r, good, "docs") {
			addedAgain[rid] = true
		}
		stayed := 0
		for rid, vs := range s.versions {
			last := vs[len(vs)-1]
			overwritten := false
			for _, o := range w.writes[rid] {
				overwritten = overwritten || o.end.After(last.begun)
			}
			g, there := live[rid]
			if overwritten || last.number == 0 && addedAgain[rid] && last.begun.Before(rep.Written) {
				continue
			}
			if there != (last.number != 0) || there && fmt.Sprint(g.Metadata["writer"]) != fmt.Sprint(last.number) {
				t.Errorf("%s: version %d is not there any more: %v", rid, last.number, g)
			}
			stayed++
		}
		writes := 0
		for _, vs := range s.versions {
			writes += len(vs)
		}
		t.Logf("%d writes, %d found late in %d supplements, %d unsettled; of those overwritten %d are kept, %d were within a request; %d stayed",
			writes, rep.Late.Records, len(rep.Late.Kept), rep.Late.Unsettled, checked, between, stayed)
		if checked == 0 || rep.Late.Records == 0 {
			t.Error("the writer met nothing")
		}
	})
}
