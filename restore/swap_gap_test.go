package restore_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// proxied is a server before Chroma that does something after the requests of
// some kind, before their answer goes out.
func proxied(t *testing.T, c *chromatest.Client, which func(*http.Request, []byte) bool, then func(*http.Request)) (address string) {
	t.Helper()
	to, err := url.Parse(c.Server.URL())
	if err != nil {
		t.Fatal(err)
	}
	front := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if !which(req, body) {
			front.ServeHTTP(w, req)
			return
		}
		rec := httptest.NewRecorder()
		front.ServeHTTP(rec, req)
		then(req)
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestSwapGap has somebody make a collection in the gap between the two
// renames, as get_or_create does, and then has the second rename fail.
func TestSwapGap(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		direct, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 20))
		good := taken(t, r, direct)
		c.Delete(id, map[string]any{"ids": idsOf(c.Dump("docs"), 2, 0)})

		to, err := url.Parse(c.Server.URL())
		if err != nil {
			t.Fatal(err)
		}
		front := httputil.NewSingleHostReverseProxy(to)
		failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body) // what is lost is the server's to see
			if req.Method == http.MethodPut && bytes.HasPrefix(body, []byte(`{"new_name":"docs"`)) && !strings.HasSuffix(req.URL.Path, id) {
				http.Error(w, `{"error":"InternalError","message":"the disk is full"}`, http.StatusInternalServerError)
				return
			}
			req.Body = io.NopCloser(bytes.NewReader(body))
			front.ServeHTTP(w, req)
		}))
		defer failing.Close()
		db, err := chroma.Open(t.Context(), chroma.Options{URL: failing.URL, Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		description := describedAs(c, "docs")
		_, err = restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true})
		if err == nil || !strings.Contains(err.Error(), "the disk is full") || idOf(c, "docs") != id || collections(t, direct) != 1 || !reflect.DeepEqual(describedAs(c, "docs"), description) {
			t.Fatalf("the second rename failed: %v; %d collections", err, collections(t, direct))
		}

		var made atomic.Bool
		gap := proxied(t, c, func(req *http.Request, body []byte) bool {
			return req.Method == http.MethodPut && bytes.Contains(body, []byte("-autochrome-old-"))
		}, func(*http.Request) {
			if !made.Swap(true) {
				c.Add(c.CreateCollection("docs", map[string]any{"metadata": map[string]any{"made": "in the gap"}}), numbered(7, 8))
			}
		})
		db, err = chroma.Open(t.Context(), chroma.Options{URL: gap, Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true})
		if err != nil || !rep.Verified() || len(rep.Applied.Beside) != 1 {
			t.Fatalf("%v, %+v", err, rep.Applied)
		}
		if n, m := len(c.Dump("docs")), len(c.Dump(rep.Applied.Beside[0].Name)); n != 20 || m != 1 {
			t.Errorf("docs has %d records, and what was made in the gap %d", n, m)
		}
	})
}

// TestSwapWrong has a record vanish while the new collection is written, and
// demands that it never gets the name.
func TestSwapWrong(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		direct, r := opened(t, c, c.Server.URL())
		id := c.CreateCollection("docs", nil)
		c.Add(id, numbered(0, 20))
		good := taken(t, r, direct)
		c.Delete(id, map[string]any{"ids": idsOf(c.Dump("docs"), 2, 0)})
		losing := proxied(t, c, func(req *http.Request, _ []byte) bool { return strings.HasSuffix(req.URL.Path, "/add") }, func(req *http.Request) {
			c.Delete(path.Base(path.Dir(req.URL.Path)), map[string]any{"ids": []string{"r0003"}})
		})
		db, err := chroma.Open(t.Context(), chroma.Options{URL: losing, Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: true, Differing: func(d restore.Difference, x *restore.RecordDiff) error {
			named = append(named, d.Collection+" "+d.ID+" "+x.Collection)
			return nil
		}})
		if wrong := (*restore.SwapError)(nil); !errors.As(err, &wrong) || wrong.Differences != 1 || rep.Verified() || !slices.Equal(named, []string{"docs r0003 docs"}) {
			t.Errorf("%v, named %v", err, named)
		}
		if idOf(c, "docs") != id || len(c.Dump("docs")) != 10 || collections(t, direct) != 1 {
			t.Error("the collection is not as it was")
		}
	})
}
