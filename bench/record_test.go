package bench

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// recording is the requests of a full restore.
type recording struct {
	creates [][]byte // bodies
	writes  []write
}

type write struct {
	collection string // its name
	body       []byte
}

func (r *recording) bytes() (n int64) {
	for _, w := range r.writes {
		n += int64(len(w.body))
	}
	return n
}

// record restores to an empty server through a proxy that keeps what is sent.
func (w *world) record(b *testing.B) *recording {
	b.Helper()
	rec := &recording{}
	w.onEmpty(b, func(s *chromatest.Server) {
		target, err := url.Parse(s.URL())
		if err != nil {
			b.Fatal(err)
		}
		proxy := httputil.NewSingleHostReverseProxy(target)
		between := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			switch {
			case r.Method != http.MethodPost:
			case strings.HasSuffix(r.URL.Path, "/collections"):
				rec.creates = append(rec.creates, body)
			case strings.HasSuffix(r.URL.Path, "/add"):
				id := strings.Split(strings.TrimSuffix(r.URL.Path, "/add"), "/collections/")[1]
				rec.writes = append(rec.writes, write{id, body})
			}
			proxy.ServeHTTP(rw, r)
		}))
		defer between.Close()
		w.copyOf(b, w.first, func(folder string) {
			r := openRepo(b, folder)
			db, err := chroma.Open(b.Context(), chroma.Options{URL: between.URL, Tenant: w.tenant, Database: w.database})
			if err != nil {
				b.Fatal(err)
			}
			rep, err := restore.Rollback(b.Context(), r, db, w.snapshot, restore.Options{})
			if err != nil || !rep.Verified() {
				b.Fatalf("rollback: %v, verified: %v", err, rep.Verified())
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		})
		nameOf := map[string]string{}
		for _, name := range names() {
			nameOf[s.Client(b, w.tenant, w.database).Collection(name)["id"].(string)] = name
		}
		for i := range rec.writes {
			rec.writes[i].collection = nameOf[rec.writes[i].collection]
		}
	})
	return rec
}

// replay makes the same collections, and then sends the same writes in the
// same order, which is what it measures.
func (r *recording) replay(b *testing.B, c *chromatest.Client) cost {
	b.Helper()
	for _, body := range r.creates {
		if status, answer := c.Server.Do(b, http.MethodPost, c.Path(), body); status/100 != 2 {
			b.Fatalf("create: %d %s", status, answer)
		}
	}
	urls := map[string]string{}
	for _, name := range names() {
		urls[name] = c.Server.URL() + c.Path(c.Collection(name)["id"].(string), "add")
	}
	p := &plain{client: &http.Client{Transport: &http.Transport{WriteBufferSize: 64 << 10}}}
	begun := time.Now()
	for _, w := range r.writes {
		p.do(b, request{urls[w.collection], w.body}, io.Discard)
	}
	return cost{wall: time.Since(begun)}
}
