package chroma

import (
	"math"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
)

func text(s string) *string { return &s }

// metadata makes values of Go's own types; nil is an empty array.
func metadata(fields map[string]any) chunk.Metadata {
	var m []chunk.Field
	for k, v := range fields {
		m = append(m, chunk.Field{Key: k, Value: value(v)})
	}
	out, err := chunk.NewMetadata(m)
	if err != nil {
		panic(err)
	}
	return out
}

func value(v any) chunk.Value {
	switch v := v.(type) {
	case string:
		return chunk.Value{Type: chunk.String, Str: v}
	case int:
		return chunk.Value{Type: chunk.Int, Int: int64(v)}
	case int64:
		return chunk.Value{Type: chunk.Int, Int: v}
	case float64:
		return chunk.Value{Type: chunk.Float, Float: v}
	case bool:
		return chunk.Value{Type: chunk.Bool, Bool: v}
	case []any:
		a := chunk.Value{Type: chunk.Array}
		for _, e := range v {
			a.Array = append(a.Array, value(e))
		}
		return a
	}
	panic(v)
}

// sketch is what steps send, in one line per step.
func sketch(s steps) string {
	var out []string
	if s.remove != nil {
		out = append(out, "delete")
	}
	describe := func(verb string, s *step) {
		if s == nil {
			return
		}
		parts := []string{verb}
		if s.embedding != nil {
			parts = append(parts, "embedding")
		}
		if s.document != nil {
			parts = append(parts, "document")
		}
		if s.uri != nil {
			parts = append(parts, "uri")
		}
		for _, f := range s.set {
			parts = append(parts, "+"+f.Key)
		}
		for _, k := range s.clear {
			parts = append(parts, "-"+k)
		}
		out = append(out, strings.Join(parts, " "))
	}
	describe("update", s.update)
	describe("add", s.add)
	for _, i := range s.left {
		out = append(out, "left: "+i.Where)
	}
	return strings.Join(out, "; ")
}

func TestSteps(t *testing.T) {
	v, w := []float32{1, 2}, []float32{1, 3}
	hole := []bool{false, true}
	full := chunk.Record{ID: "a", Embedding: v, Document: text("d"), URI: text("u"), Metadata: metadata(map[string]any{"k": 1, "l": "x"})}
	with := func(f func(r *chunk.Record)) *chunk.Record {
		r := full
		f(&r)
		return &r
	}
	for _, c := range []struct {
		name       string
		have, want *chunk.Record
		sent       string
	}{
		{"nothing at all", nil, nil, ""},
		{"equal", &full, with(func(r *chunk.Record) {}), ""},
		{"gone", &full, nil, "delete"},
		{"new", nil, &full, "add embedding document uri +k +l"},
		{"new, vector alone", nil, &chunk.Record{ID: "a", Embedding: v}, "add embedding"},
		{"vector", &full, with(func(r *chunk.Record) { r.Embedding = w }), "update embedding"},
		{"sign of zero", with(func(r *chunk.Record) { r.Embedding = []float32{0, 1} }), with(func(r *chunk.Record) { r.Embedding = []float32{negativeZero, 1} }), "update embedding"},
		{"document", &full, with(func(r *chunk.Record) { r.Document = text("") }), "update document"},
		{"uri", &full, with(func(r *chunk.Record) { r.URI = text("v") }), "update uri"},
		{"one key", &full, with(func(r *chunk.Record) { r.Metadata = metadata(map[string]any{"k": 1.0, "l": "x"}) }), "update +k"},
		{"keys come and go", &full, with(func(r *chunk.Record) { r.Metadata = metadata(map[string]any{"a": true, "l": "y"}) }), "update +a +l -k"},
		{"no metadata", &full, with(func(r *chunk.Record) { r.Metadata = nil }), "update -k -l"},
		{"no document", &full, with(func(r *chunk.Record) { r.Document = nil }), "delete; add embedding uri +k +l"},
		{"no uri", &full, with(func(r *chunk.Record) { r.URI = nil; r.Embedding = w }), "delete; add embedding document +k +l"},
		{"reserved key there", with(func(r *chunk.Record) { r.Metadata = metadata(map[string]any{"chroma:x": 1}) }), &full, "delete; add embedding document uri +k +l"},

		{"new, without embedding", nil, with(func(r *chunk.Record) { r.Embedding = nil }), "left: embedding"},
		{"new, with holes", nil, with(func(r *chunk.Record) { r.Null = hole }), "left: embedding"},
		{"damage wanted", &full, with(func(r *chunk.Record) { r.Embedding = nil; r.URI = text("v") }), "update uri; left: embedding"},
		{"damage wanted, no document", &full, with(func(r *chunk.Record) { r.Null = hole; r.Document = nil }), "delete; add embedding uri +k +l; left: embedding"},
		{"damage there", with(func(r *chunk.Record) { r.Null = hole }), &full, "update embedding"},
		{"no embedding there", with(func(r *chunk.Record) { r.Embedding = nil }), &full, "delete; add embedding document uri +k +l"},
		{"no embedding there, damage wanted", with(func(r *chunk.Record) { r.Embedding = nil }), with(func(r *chunk.Record) { r.Null = hole; r.URI = text("v") }), "update uri; left: embedding"},
		{"damage there, no document", with(func(r *chunk.Record) { r.Embedding = nil }), with(func(r *chunk.Record) { r.Document = nil }), "delete; add embedding uri +k +l"},
		{"the same damage", with(func(r *chunk.Record) { r.Null = hole }), with(func(r *chunk.Record) { r.Null = hole; r.Document = text("e") }), "update document"},
		{"the same damage, no document", with(func(r *chunk.Record) { r.Embedding = nil }), with(func(r *chunk.Record) { r.Embedding = nil; r.Document = nil; r.URI = text("v") }), "update uri; left: document"},
		{"other damage, no uri", with(func(r *chunk.Record) { r.Embedding = nil }), with(func(r *chunk.Record) { r.Null = hole; r.URI = nil }), "left: embedding; left: uri"},
	} {
		if got := sketch(stepsFor(&chunk.Change{Have: c.have, Want: c.want})); got != c.sent {
			t.Errorf("%s: %q, want %q", c.name, got, c.sent)
		}
	}
}

func TestSpace(t *testing.T) {
	schema := `{"defaults":{"float_list":{"vector_index":{"config":{"space":"l2"}}}},"keys":{"#embedding":{"float_list":{"vector_index":{"config":{"space":"cosine"}}}}}}`
	for _, c := range []struct {
		d    chunk.CollectionDescription
		want string
	}{
		{chunk.CollectionDescription{}, "l2"},
		{chunk.CollectionDescription{Configuration: []byte(`{"hnsw":{"space":"cosine"},"spann":null}`)}, "cosine"},
		{chunk.CollectionDescription{Configuration: []byte(`{"hnsw":null,"spann":{"space":"ip"}}`)}, "ip"},
		{chunk.CollectionDescription{Configuration: []byte(`{"hnsw":{"space":"cosine"}}`), Metadata: metadata(map[string]any{"hnsw:space": "ip"})}, "cosine"},
		{chunk.CollectionDescription{Schema: []byte(schema)}, "cosine"},
		{chunk.CollectionDescription{Metadata: metadata(map[string]any{"hnsw:space": "cosine"})}, "cosine"},
		{chunk.CollectionDescription{Metadata: metadata(map[string]any{"hnsw:space": 5}), Configuration: []byte(`nonsense`)}, "l2"},
	} {
		if got := Space(c.d); got != c.want {
			t.Errorf("%s %s %v: %s, want %s", c.d.Configuration, c.d.Schema, c.d.Metadata, got, c.want)
		}
	}
}

func TestUnstorable(t *testing.T) {
	old, latest := Features{AnyKey: true}, Features{Arrays: true}
	record := func(key string, v any) *chunk.Record {
		return &chunk.Record{ID: "a", Embedding: []float32{1}, Metadata: metadata(map[string]any{key: v})}
	}
	for _, c := range []struct {
		r         *chunk.Record
		old, late string // a part of the reason
	}{
		{record("k", 1), "", ""},
		{record("k", []any{1, 2}), "no arrays", ""},
		{record("k", []any{}), "", ""},
		{record("k", []any{1, 2.5}), "no arrays", ""},
		{record("k", []any{1, "x"}), "different types", "different types"},
		{record("", 1), "", "empty"},
		{record("#k", 1), "", `"#k"`},
		{record("$k", 1), "", `"$k"`},
		{&chunk.Record{Embedding: []float32{1}}, "id is empty", "id is empty"},
	} {
		for f, want := range map[Features]string{old: c.old, latest: c.late} {
			got := Unstorable(c.r, f)
			if (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%v with %+v: %q, want %q", c.r, f, got, want)
			}
		}
	}
}

func TestBodies(t *testing.T) {
	e := &encoder{base64: true}
	c := &chunk.Change{}
	all := []*step{
		{id: "a\"\u2028\x00", embedding: []float32{1, -2}, document: text("é\n"), set: metadata(map[string]any{"f": 1.0, "i": 1, "e": []any{}}), change: c},
		{id: "b", uri: text(""), clear: []string{"x", "y"}, change: c},
		{id: "c", change: c},
	}
	for _, x := range []struct {
		verb   verb
		base64 bool
		want   string
	}{
		{verbDelete, true, `{"ids":["a\"` + "\u2028" + `\u0000","b","c"]}`},
		{verbUpdate, true, `{"ids":["a\"` + "\u2028" + `\u0000","b","c"],"embeddings":["AACAPwAAAMA=",null,null],` +
			`"documents":["é\n",null,null],"uris":[null,"",null],"metadatas":[{"e":null,"f":1.0,"i":1},{"x":null,"y":null},null]}`},
		{verbAdd, false, `{"ids":["a\"` + "\u2028" + `\u0000","b","c"],"embeddings":[[1e+00,-2e+00],null,null],` +
			`"documents":["é\n",null,null],"uris":[null,"",null],"metadatas":[{"f":1.0,"i":1},{"x":null,"y":null},null]}`},
	} {
		e.base64 = x.base64
		if got := string(e.body(nil, x.verb, all)); got != x.want {
			t.Errorf("%s: %s\nwant %s", x.verb, got, x.want)
		}
	}
	if len(e.inexact) != 1 || e.inexact[0].ID != all[0].id || e.inexact[0].Where != "e" {
		t.Errorf("noted: %+v", e.inexact)
	}
	if got := string(e.body(nil, verbUpdate, all[2:])); got != `{"ids":["c"]}` {
		t.Error(got)
	}
}

func TestCollectionMetadata(t *testing.T) {
	var noted []string
	m := metadata(map[string]any{"a": []any{1}, "f": 0.1, "i": 7, "s": "x", "z": math.Copysign(0, -1), "b": true})
	got := string(appendCollectionMetadataJSON(nil, m, func(i chunk.Inexact) { noted = append(noted, i.Where) }))
	if got != `{"b":true,"f":1e-1,"i":7,"s":"x","z":0.0}` || !slices.Equal(noted, []string{"a", "z"}) {
		t.Error(got, noted)
	}
}
