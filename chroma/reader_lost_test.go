package chroma

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// lossy answers get requests as a server does that has lost vectors.
type lossy struct {
	lost     map[string]int // how many requests a record has no vector for; forever: for good
	gone     map[string]int // after how many requests it is gone
	requests int
}

const forever = 1 << 30

func (l *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.requests++
	var asked struct{ IDs, Include []string }
	_ = json.NewDecoder(r.Body).Decode(&asked)
	ids := slices.DeleteFunc(asked.IDs, func(id string) bool { n, goes := l.gone[id]; return goes && l.requests > n })
	vectors := slices.Contains(asked.Include, "embeddings")
	answer := map[string]any{"ids": ids, "embeddings": nil}
	var embeddings [][]float32
	var documents []string
	for _, id := range ids {
		if vectors && l.lost[id] > 0 {
			l.lost[id]--
			w.WriteHeader(500)
			fmt.Fprint(w, `{"error":"InternalError","message":"Error executing plan: Internal error: Error finding id"}`)
			return
		}
		embeddings = append(embeddings, []float32{1, 2})
		documents = append(documents, "of "+id)
	}
	if vectors {
		answer["embeddings"] = embeddings
	}
	if slices.Contains(asked.Include, "documents") {
		answer["documents"] = documents
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// TestReadLost: a record whose vector is lost has none, one that was deleted
// meanwhile is left out, and all others are there, in their order.
func TestReadLost(t *testing.T) {
	for name, test := range map[string]struct {
		records    int
		lost, gone map[string]int
		damaged    string
		missing    string
		requests   int // at most
	}{
		"nothing":               {1000, nil, nil, "", "", 1},
		"one of a thousand":     {1000, map[string]int{"id500": forever}, nil, "id500", "", 24},
		"two of a thousand":     {1000, map[string]int{"id000": forever, "id999": forever}, nil, "id000 id999", "", 48},
		"the only one":          {1, map[string]int{"id000": forever}, nil, "id000", "", 4},
		"all":                   {8, map[string]int{"id000": forever, "id001": forever, "id002": forever, "id003": forever, "id004": forever, "id005": forever, "id006": forever, "id007": forever}, nil, "id000 id001 id002 id003 id004 id005 id006 id007", "", 32},
		"for a moment":          {1000, map[string]int{"id500": 1}, nil, "", "", 2},
		"for a long moment":     {1000, map[string]int{"id500": 11}, nil, "", "", 24},
		"deleted in the search": {1000, map[string]int{"id500": forever}, map[string]int{"id500": 9}, "", "id500", 24},
		"deleted in the end":    {1, map[string]int{"id000": forever}, map[string]int{"id000": 3}, "", "id000", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids [][]byte
			for i := range test.records {
				ids = append(ids, fmt.Appendf(nil, "id%03d", i))
			}
			for way, read := range map[string]func(d *Database, into *chunk.Records) error{
				"Read": func(d *Database, into *chunk.Records) error { return d.Read(t.Context(), "x", ids, into) },
				"Fetch": func(d *Database, into *chunk.Records) error {
					buf := bytes.NewBufferString("of the page before")
					if err := d.Fetch(t.Context(), "x", ids, buf); err != nil {
						return err
					}
					return d.Decode(buf.Bytes(), into)
				},
				"ReadColumns": func(d *Database, into *chunk.Records) error {
					return d.ReadColumns(t.Context(), "x", ids, []chunk.Kind{chunk.Documents, chunk.Embeddings}, into)
				},
			} {
				h := &lossy{lost: map[string]int{}, gone: test.gone}
				for id, n := range test.lost {
					h.lost[id] = n
				}
				s := httptest.NewServer(h)
				defer s.Close()
				into := chunk.NewRecords(2)
				if err := read(client(t, s.URL, Options{}), into); err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				var damaged, missing []string
				at := 0
				for _, id := range ids {
					if at == into.Len() || !bytes.Equal(into.ID(at), id) {
						missing = append(missing, string(id))
						continue
					}
					r, err := into.Record(at)
					if err != nil || r.Document == nil || *r.Document != "of "+r.ID {
						t.Errorf("%s: %+v, %v", way, r, err)
					}
					if r.Embedding == nil {
						damaged = append(damaged, r.ID)
					}
					at++
				}
				if at != into.Len() || strings.Join(damaged, " ") != test.damaged || strings.Join(missing, " ") != test.missing {
					t.Errorf("%s: %d records; damaged %v, missing %v", way, into.Len(), damaged, missing)
				}
				if h.requests > test.requests {
					t.Errorf("%s: %d requests, want %d at most", way, h.requests, test.requests)
				}
			}
		})
	}
}

// TestDecodeAnswers: what cannot be read leaves nothing of the answers before
// it, and an answer without embeddings is only what says so.
func TestDecodeAnswers(t *testing.T) {
	with, without := `{"ids":["a"],"embeddings":[[1,2]]}`, `{"ids":["b"],"embeddings":null,"documents":["d"]}`
	for text, want := range map[string]int{
		with:    1,
		without: -1,
		part + with + part + vectorless + without:   2,
		part + vectorless + without:                 1,
		part + vectorless + `{"ids":[]}`:            0,
		part + with:                                 1,
		part + with + part + without:                -1,
		part + with + part:                          -1,
		part + with + part + vectorless:             -1,
		part + part + with:                          -1,
		part + with + vectorless + without:          -1,
		part + vectorless + vectorless + without:    -1,
		part + vectorless + without + part + `{"x"`: -1,
		with + part + vectorless + without:          -1,
		vectorless + without:                        -1,
	} {
		into := chunk.NewRecords(2)
		err := decodeAnswers([]byte(text), into, false)
		if n := max(want, 0); into.Len() != n || (err != nil) != (want < 0) {
			t.Errorf("%q: %d records, %v", text, into.Len(), err)
		}
	}
}

// TestLostVectors loses vectors of a real server and brings them back.
func TestLostVectors(t *testing.T) {
	chromatest.Each(t, func(t *testing.T, s *chromatest.Server) {
		c := chromatest.NewClient(t, s)
		d := openClient(t, c)
		id := c.CreateCollection("lost", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"sync_threshold": 50, "batch_size": 50}}})
		var records []chunk.Record
		for i := range 70 {
			records = append(records, chunk.Record{ID: fmt.Sprint("id", i), Embedding: []float32{float32(i), 1}, Document: text(fmt.Sprint("d", i))})
		}
		p := place{c, d, chunk.Collection{ServerID: id, Name: "lost"}}
		p.write(t, additions(records))
		p.compare(t, records)
		s.LoseIndexes(t)
		got := readAll(t, d, id, 2, 1000)
		var changes []chunk.Change
		for i := range got.Len() {
			have, err := got.Record(i)
			if err != nil {
				t.Fatal(err)
			}
			if want := &records[i]; have.ID != want.ID || *have.Document != *want.Document || have.Embedding != nil && !sameEmbedding(&have, want) {
				t.Errorf("%+v, want %+v", have, want)
			} else if have.Embedding == nil {
				changes = append(changes, chunk.Change{Have: &have, Want: want})
			}
		}
		if got.Len() != 70 || len(changes) < 30 || len(changes) == 70 {
			t.Fatalf("%d records, %d without a vector", got.Len(), len(changes))
		}
		if report := p.write(t, changes); report.Replaced != len(changes) {
			t.Errorf("%+v", report)
		}
		n := len(changes) // they come to stand behind
		p.compare(t, append(slices.Clone(records[n:]), records[:n]...))
	})
}
