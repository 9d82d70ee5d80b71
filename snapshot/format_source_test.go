package snapshot_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/rand/v2"

	"autochrome/chunk"
)

// formatSource is the database whose states are in testdata/format1, in the
// state that it is in after so many changes. It is part of what is frozen.
func formatSource(changes int) *fake {
	rnd := rand.New(rand.NewChaCha8([32]byte{1}))
	f := newFake()
	docs, notes := f.create("docs"), f.create("notes")
	f.create("empty")
	f.collections[0].Description = chunk.CollectionDescription{
		Metadata:      chunk.Metadata{{Key: "owner", Value: chunk.Value{Type: chunk.String, Str: "search"}}},
		Configuration: []byte(`{"hnsw":{"ef_construction":100,"space":"cosine"}}`),
		Schema:        []byte(`{"defaults":{},"keys":{}}`),
	}
	for i := range 300 {
		f.put(docs, formatRecord(rnd, fmt.Sprintf("doc-%04d", i), 8))
	}
	for _, r := range formatNasty() {
		f.put(notes, r)
	}
	for i := range changes {
		at := rnd.IntN(300)
		id := fmt.Sprintf("doc-%04d", at)
		switch i % 4 {
		case 0:
			f.put(docs, formatRecord(rnd, id, 8))
		case 1:
			f.remove(docs, id)
		case 2:
			f.put(docs, formatRecord(rnd, fmt.Sprintf("new-%04d", i), 8))
		case 3: // to the end
			f.remove(docs, id)
			f.put(docs, formatRecord(rnd, id, 8))
		}
	}
	return f
}

func formatRecord(rnd *rand.Rand, id string, dim int) chunk.Record {
	r := chunk.Record{ID: id}
	for range dim {
		r.Embedding = append(r.Embedding, float32(rnd.Float64()*2-1)) // not NormFloat64, which may change
	}
	words := make([]byte, 9+rnd.IntN(60))
	for i := range words {
		words[i] = byte(rnd.Uint32())
	}
	text := "Document " + base64.StdEncoding.EncodeToString(words)
	r.Document = &text
	uri := "https://example.com/" + id
	r.URI = &uri
	r.Metadata = chunk.Metadata{
		{Key: "lang", Value: chunk.Value{Type: chunk.String, Str: []string{"en", "de", "fr"}[rnd.IntN(3)]}},
		{Key: "page", Value: chunk.Value{Type: chunk.Int, Int: int64(rnd.IntN(1000))}},
		{Key: "score", Value: chunk.Value{Type: chunk.Float, Float: rnd.Float64()}},
	}
	return r
}

// formatNasty has what is easily lost.
func formatNasty() []chunk.Record {
	empty, text, nul := "", "naïve \U0001F40D\nline", "a\x00b"
	value := func(v chunk.Value) chunk.Metadata { return chunk.Metadata{{Key: "k\x00\u00e9", Value: v}} }
	return []chunk.Record{
		{ID: "zero", Embedding: []float32{0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32}},
		{ID: "max", Embedding: []float32{math.MaxFloat32, -math.MaxFloat32, 1e-30}, Document: &empty, URI: &empty},
		{ID: nul, Embedding: []float32{1, 2, 3}, Document: &nul, URI: &nul},
		{ID: "e\u0301", Embedding: []float32{1, 2, 3}, Document: &text},
		{ID: "\u00e9", Embedding: []float32{1, 2, 3}, URI: &text},
		{ID: "no vector", Document: &text},
		{ID: "a null", Embedding: []float32{1, 0, 3}, Null: []bool{false, true, false}},
		{ID: "int", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.Int, Int: math.MinInt64})},
		{ID: "float", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.Float, Float: 1})},
		{ID: "tiny", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.Float, Float: 5e-324})},
		{ID: "bool", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.Bool, Bool: true})},
		{ID: "string", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.String})},
		{ID: "array", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.Array, Array: []chunk.Value{
			{Type: chunk.String, Str: "b"}, {Type: chunk.String, Str: "a"}, {Type: chunk.String, Str: "b"}}})},
		{ID: "json", Embedding: []float32{1, 2, 3}, Metadata: value(chunk.Value{Type: chunk.JSON, Str: `{"a":null}`})},
	}
}
