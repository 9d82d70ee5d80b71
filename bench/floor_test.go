package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"
)

// plain is the least that reading everything can be: a client that makes the
// requests of a snapshot one after the other on one connection, with bodies
// made beforehand, and throws the answers away.
type plain struct {
	client   *http.Client
	requests []request
}

type request struct {
	url  string
	body []byte
}

// pageSizes are tried for the floor: how many records it asks for at once.
var pageSizes = []int{500, 1000, 2000, 5000}

// newPlain gives the client with pages of so many records.
func newPlain(b *testing.B, w *world, page int) *plain {
	b.Helper()
	p := &plain{client: &http.Client{Transport: &http.Transport{ReadBufferSize: 64 << 10}}}
	c := w.client(b)
	for _, known := range workload {
		url := w.server.URL() + c.Path(w.collections[known.name], "get")
		ids := request{url, []byte(`{"include":[]}`)}
		var all struct{ IDs []string }
		if err := json.Unmarshal(p.post(b, ids), &all); err != nil {
			b.Fatal(err)
		}
		p.requests = append(p.requests, ids)
		for part := range slices.Chunk(all.IDs, page) {
			body, err := json.Marshal(map[string]any{
				"include": []string{"embeddings", "documents", "metadatas", "uris"}, "ids": part,
			})
			if err != nil {
				b.Fatal(err)
			}
			p.requests = append(p.requests, request{url, body})
		}
		p.requests = append(p.requests, ids)
	}
	return p
}

// post keeps the answer.
func (p *plain) post(b *testing.B, r request) []byte {
	b.Helper()
	var answer bytes.Buffer
	p.do(b, r, &answer)
	return answer.Bytes()
}

func (p *plain) do(b *testing.B, r request, to io.Writer) {
	resp, err := p.client.Post(r.url, "application/json", bytes.NewReader(r.body))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(to, resp.Body); err != nil || resp.StatusCode/100 != 2 {
		b.Fatalf("%s: %s: %v", r.url, resp.Status, err)
	}
}

// run makes all requests.
func (p *plain) run(b *testing.B) {
	for _, r := range p.requests {
		p.do(b, r, io.Discard)
	}
}

// theFloor is the client with the best pages, found once.
var theFloor struct {
	client *plain
	page   int
}

// floor finds the page size with which reading takes the least time.
func floor(b *testing.B, w *world) *plain {
	b.Helper()
	if theFloor.client != nil {
		return theFloor.client
	}
	clients := make([]*plain, len(pageSizes))
	runs := make([]func() cost, len(pageSizes))
	for i, page := range pageSizes {
		clients[i] = newPlain(b, w, page)
		runs[i] = w.here(b, func() { clients[i].run(b) })
	}
	costs := inTurns(rounds(b, 5), runs...)
	best := 0
	for i, c := range costs {
		b.Logf("plain client with pages of %d: %v", pageSizes[i], c.wall.Round(time.Millisecond))
		if c.wall < costs[best].wall {
			best = i
		}
	}
	theFloor.client, theFloor.page = clients[best], pageSizes[best]
	return theFloor.client
}
