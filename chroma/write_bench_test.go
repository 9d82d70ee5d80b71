package chroma

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// BenchmarkWrite holds Write against a loop that sends the same batches, made
// beforehand. Every vector needs the search.
func BenchmarkWrite(b *testing.B) {
	const n, dim = 3000, 384
	r := rand.New(rand.NewPCG(1, 1))
	records := make([]chunk.Record, n)
	for i := range records {
		records[i] = chunk.Record{ID: fmt.Sprint(i), Embedding: searched(r, dim), Document: text(strings.Repeat("some words ", 80)),
			Metadata: metadata(map[string]any{"source": "bench", "score": r.Float64(), "n": i})}
	}
	changes := additions(records)
	c := chromatest.NewClient(b, chromatest.Shared(b, chromatest.Newest))
	db, err := Open(context.Background(), Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		b.Fatal(err)
	}
	fresh := func() chunk.Collection {
		name := "bench"
		if _, ok := c.Server.Do(b, "DELETE", c.Path(name), nil); ok == nil {
			b.Fatal("no answer")
		}
		id := c.CreateCollection(name, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": SpaceCosine}}})
		return chunk.Collection{ServerID: id, Name: name, Description: chunk.CollectionDescription{Configuration: []byte(`{"hnsw":{"space":"cosine"}}`)}}
	}
	b.Run("plain", func(b *testing.B) {
		e := &encoder{base64: true, cosine: true}
		var bodies [][]byte
		for i := 0; i < n; i += defaultBatch {
			var batch []*step
			for j := i; j < i+defaultBatch; j++ {
				batch = append(batch, addition(&changes[j], records[j].Embedding))
			}
			bodies = append(bodies, e.body(nil, verbAdd, batch))
		}
		for b.Loop() {
			b.StopTimer()
			c := fresh()
			b.StartTimer()
			for _, body := range bodies {
				var answer bytes.Buffer
				if err := db.post(context.Background(), "add records", writePath(c.ServerID, verbAdd), body, &answer); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("writer", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			c := fresh()
			b.StartTimer()
			if _, err := db.Write(context.Background(), c, changes, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEncode is the client's own part of a write, a batch of records at a
// time.
func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var batch []*step
	for i := range defaultBatch {
		batch = append(batch, addition(&chunk.Change{Want: &chunk.Record{ID: fmt.Sprint(i), Document: text(strings.Repeat("some words ", 80)),
			Metadata: metadata(map[string]any{"source": "bench", "score": r.Float64(), "n": i})}}, searched(r, 384)))
	}
	e := &encoder{base64: true, cosine: true}
	var body []byte
	b.ReportAllocs()
	for b.Loop() {
		body = e.body(body[:0], verbAdd, batch)
	}
	b.SetBytes(int64(len(body)))
}
