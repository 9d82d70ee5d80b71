package guard_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
)

// proxied guards a database while fn speaks to it through the proxy.
func (g *guarded) proxied(fn func(proxy string), change ...func(*guard.Options)) guard.Report {
	g.Helper()
	o := g.options("")
	o.Command, o.MaxLoss = nil, 1
	for _, c := range change {
		c(&o)
	}
	ctx, end := context.WithCancel(g.Context())
	o.Started = func(proxy string, _ repo.Snapshot) {
		go func() {
			defer end()
			fn(proxy)
		}()
	}
	rep, err := guard.Run(ctx, o)
	if err != nil {
		g.Fatal(err)
	}
	return rep
}

// answerTo sends a request as bytes and gives the answer, without its date.
func answerTo(t *testing.T, address, request string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	request = strings.ReplaceAll(strings.ReplaceAll(request, "\n", "\r\n"), "HOST", u.Host)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Header.Del("Date")
	resp.Header.Del("Chroma-Trace-Id") // another one each time
	return fmt.Sprintf("%s %v %v\n%s", resp.Status, resp.Header, resp.TransferEncoding, body)
}

// sorted puts the bytes of an answer in order: the server tells the fields of an
// object in another order each time.
func sorted(answer string) string {
	b := []byte(answer)
	slices.Sort(b)
	return string(b)
}

// TestProxyIsTransparent demands the same answers with and without the proxy.
func TestProxyIsTransparent(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		post := func(path, body string, headers ...string) string {
			return fmt.Sprintf("POST %s HTTP/1.1\nHost: HOST\nContent-Type: application/json\nContent-Length: %d\n%s\n%s",
				path, len(body), strings.Join(append(headers, ""), "\n"), body)
		}
		get := func(path string, headers ...string) string {
			return "GET " + path + " HTTP/1.1\nHost: HOST\n" + strings.Join(append(headers, ""), "\n") + "\n"
		}
		requests := map[string]string{
			"version":     get("/api/v2/version"),
			"openapi":     get("/openapi.json", "Accept-Encoding: gzip, deflate"),
			"collections": get(c.Path(), "Authorization: Bearer something", "X-Chroma-Token: x"),
			"one":         get(c.Path("docs")),
			"missing":     get(c.Path("no-such")),
			"count":       get(c.Path(id, "count")),
			"get":         post(c.Path(id, "get"), `{"include":["embeddings","documents","metadatas","uris"]}`),
			"query":       post(c.Path(id, "query"), `{"query_embeddings":[[1,1,2]],"n_results":5}`),
			"chunked": "POST " + c.Path(id, "get") + " HTTP/1.1\nHost: HOST\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n" +
				"e\n{\"ids\":[\"r1\"]}\n0\n\n",
			"no JSON":         post(c.Path(id, "add"), `{"ids":`),
			"wrong shape":     post(c.Path(id, "upsert"), `{"ids":7}`),
			"wrong dimension": post(c.Path(id, "add"), `{"ids":["new"],"embeddings":[[1]]}`),
			"wrong filter":    post(c.Path(id, "delete"), `{"where":{"a":{"$what":1}}}`),
			"name taken":      post(c.Path(), `{"name":"docs"}`),
			"old API":         get("/api/v1/heartbeat"),
			"no such call":    post(c.Path(id, "frobnicate"), `{}`),
			"reset":           post("/api/v2/reset", ``),
			"expect":          post(c.Path(id, "get"), `{"ids":["r1"]}`, "Expect: 100-continue"),
		}
		direct := map[string]string{}
		for what, r := range requests {
			direct[what] = answerTo(t, c.Server.URL(), r)
		}
		rep := g.proxied(func(proxy string) {
			for what, r := range requests {
				if got := answerTo(t, proxy, r); sorted(got) != sorted(direct[what]) {
					t.Errorf("%s:\nthrough the proxy %.2000s\n           direct %.2000s", what, got, direct[what])
				}
			}
		})
		if rep.Points != 0 || rep.Outcome != guard.Succeeded {
			t.Errorf("%d points of requests that change nothing, %s %s", rep.Points, rep.Outcome, rep.Reason)
		}
	})
}

// TestProxyClients lets clients misbehave.
func TestProxyClients(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		rep := g.proxied(func(proxy string) {
			u, _ := url.Parse(proxy)
			// One goes away in the middle of its body: nothing is forwarded.
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"ids\":[\"r1\"],", c.Path(id, "delete"))
			_ = conn.Close()
			// One goes away before the answer: what it sent is written and recorded.
			conn, err = net.Dial("tcp", u.Host)
			if err != nil {
				t.Error(err)
				return
			}
			body := `{"ids":["r2"],"metadatas":[{"gone":true}]}`
			fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.Path(id, "update"), len(body), body)
			time.Sleep(20 * time.Millisecond)
			_ = conn.Close()
			// A body beyond what the server takes is refused by the server.
			big, err := json.Marshal(map[string]any{"ids": []string{"big"}, "embeddings": [][]float32{{1, 2, 3}}, "documents": []string{strings.Repeat("x", 41<<20)}})
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.Post(proxy+c.Path(id, "add"), "application/json", bytes.NewReader(big))
			if err == nil {
				if resp.StatusCode != http.StatusRequestEntityTooLarge && resp.StatusCode != http.StatusBadGateway {
					t.Errorf("a body of 41 MiB: %s", resp.Status)
				}
				_ = resp.Body.Close()
			}
			// Many at once.
			var wg sync.WaitGroup
			m := &migration{proxy + c.Path()}
			for i := range 40 {
				wg.Go(func() {
					if _, err := m.ask("POST", "/"+id+"/update", metadataOf(10+i, 1, "flood")); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
		if rep.Outcome != guard.Succeeded || rep.Unrecorded {
			t.Errorf("%s %s, unrecorded %v", rep.Outcome, rep.Reason, rep.Unrecorded)
		}
		records := g.dump()
		if len(records) != 100 {
			t.Errorf("%d records", len(records))
		}
		flood := 0
		for _, r := range records {
			if r.Metadata["state"] == "flood" {
				flood++
			}
		}
		if flood != 40 {
			t.Errorf("%d of 40 writes arrived", flood)
		}
	})
}

// TestNamedTwice has each kind of write name a record twice, far apart: what is
// recorded is what is there, in order.
func TestNamedTwice(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		rep := g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			for i, verb := range []string{"add", "upsert", "update", "delete"} {
				var ids []string
				var vs []any
				for k := range 1200 {
					ids, vs = append(ids, fmt.Sprint("new-", 300*i+k)), append(vs, []float32{float32(i), float32(k), 1})
				}
				ids[1100], ids[1101] = ids[3], "r7"
				body := map[string]any{"ids": ids}
				if verb != "delete" {
					body["embeddings"] = vs
				}
				if _, err := m.ask("POST", "/"+id+"/"+verb, body); err != nil {
					t.Error(err)
				}
			}
		})
		if rep.Outcome != guard.Succeeded || rep.Unrecorded || rep.Points != 4 {
			t.Errorf("%s %s, unrecorded %v, %d points", rep.Outcome, rep.Reason, rep.Unrecorded, rep.Points)
		}
	})
}

// TestHalfARequest has a client send half a body, and another one end its side of
// the connection while it waits for its turn: neither is told that it was done.
func TestHalfARequest(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		slow := laterServer(t, c, "/upsert", func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) })
		rep := g.proxied(func(proxy string) {
			half := `{"ids":["r1"],"documents":["` + strings.Repeat("x", 300)
			if got := halfAnswer(t, proxy, c.Path(id, "delete"), half[:300], 500); strings.HasPrefix(got, "HTTP/1.1 2") {
				t.Errorf("half a body: %s", got)
			}
			done := make(chan struct{})
			go func() { // it keeps the gate
				defer close(done)
				m := &migration{proxy + c.Path()}
				_, _ = m.ask("POST", "/"+id+"/upsert", metadataOf(0, 1, "slow"))
			}()
			time.Sleep(300 * time.Millisecond)
			whole := `{"ids":["r1"]}`
			if got := halfAnswer(t, proxy, c.Path(id, "delete"), whole, len(whole)); strings.HasPrefix(got, "HTTP/1.1 2") {
				t.Errorf("gone while it waited: %s", got)
			}
			<-done
		}, func(o *guard.Options) { o.Upstream = slow })
		if rep.Outcome != guard.Succeeded || rep.Points != 0 || len(g.dump()) != 100 {
			t.Errorf("%s, %d points, %d records", rep.Outcome, rep.Points, len(g.dump()))
		}
	})
}

// halfAnswer sends a body that shall have so many bytes, ends its side of the
// connection, and gives what comes.
func halfAnswer(t *testing.T, proxy, path, body string, length int) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(proxy, "http://"))
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, length, body)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Error(err)
	}
	got, _ := io.ReadAll(conn) // whatever came before it broke
	return string(got)
}
