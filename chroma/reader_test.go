package chroma

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// readAll reads a collection as a caller would: ids first, then pages.
func readAll(t *testing.T, d *Database, serverID string, dim, page int) *chunk.Records {
	t.Helper()
	var ids [][]byte
	if err := d.IDs(t.Context(), serverID, func(id []byte) error {
		ids = append(ids, bytes.Clone(id))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	into := chunk.NewRecords(dim)
	for len(ids) > 0 {
		n := min(page, len(ids))
		if err := d.Read(t.Context(), serverID, ids[:n], into); err != nil {
			t.Fatal(err)
		}
		ids = ids[n:]
	}
	return into
}

// asDumped turns what the independent reader saw into a record.
func asDumped(t *testing.T, raw chromatest.RawRecord) chunk.Record {
	t.Helper()
	r := chunk.Record{ID: raw.ID, Document: raw.Document, URI: raw.URI}
	for i, f := range raw.Embedding {
		if r.Embedding == nil {
			r.Embedding = make([]float32, len(raw.Embedding))
		}
		if f == nil {
			if r.Null == nil {
				r.Null = make([]bool, len(raw.Embedding))
			}
			r.Null[i] = true
			continue
		}
		r.Embedding[i] = *f
	}
	var fields []chunk.Field
	for k, v := range raw.Metadata {
		if v != nil {
			fields = append(fields, chunk.Field{Key: k, Value: dumpedValue(t, v)})
		}
	}
	var err error
	if r.Metadata, err = chunk.NewMetadata(fields); err != nil {
		t.Fatal(err)
	}
	return r
}

func dumpedValue(t *testing.T, v any) chunk.Value {
	t.Helper()
	switch v := v.(type) {
	case string:
		return chunk.Value{Type: chunk.String, Str: v}
	case bool:
		return chunk.Value{Type: chunk.Bool, Bool: v}
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return chunk.Value{Type: chunk.Int, Int: n}
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return chunk.Value{Type: chunk.Float, Float: f}
	case []any:
		a := chunk.Value{Type: chunk.Array}
		for _, e := range v {
			a.Array = append(a.Array, dumpedValue(t, e))
		}
		return a
	}
	t.Fatalf("a metadata value of type %T", v)
	return chunk.Value{}
}

// sameAsDump holds what Read gave against the independent reader.
func sameAsDump(t *testing.T, got *chunk.Records, dump []chromatest.RawRecord, dim int) {
	t.Helper()
	want := chunk.NewRecords(dim)
	for _, raw := range dump {
		want.Append(asDumped(t, raw))
	}
	equalRecords(t, got, want)
}

// vectors64 encodes embeddings as Chroma takes them bit for bit.
func vectors64(vectors [][]float32) []string {
	texts := make([]string, len(vectors))
	for i, v := range vectors {
		var b []byte
		for _, f := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
		}
		texts[i] = base64.StdEncoding.EncodeToString(b)
	}
	return texts
}

func TestReadNastyRecords(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		nasty := []string{
			"a", "A", "e\u0301", "\u00e9", "nul\x00nul", "\n\r\t\b\f\"\\/", "\x01\x1f\x7f", "😀\U0010FFFF\uFFFD\uFFFE", "\u2028\u2029", " ", "0", "null", "<&>", "../x", "%00",
			strings.Repeat("x", 10_000), strings.Repeat("é\\\"", 3000),
		}
		var ids []string
		var vectors [][]float32
		var documents, uris, metadatas []any
		add := func(id string, document, uri, metadata any) {
			ids = append(ids, id)
			vectors = append(vectors, []float32{float32(len(ids)), math.Float32frombits(1 << 31), 1e-45})
			documents, uris, metadatas = append(documents, document), append(uris, uri), append(metadatas, metadata)
		}
		number := func(s string) json.Number { return json.Number(s) }
		for i, s := range nasty {
			add(s, s, s, map[string]any{"k" + s: s, fmt.Sprint(i): i})
		}
		add("none", nil, nil, nil)
		add("empty", "", "", map[string]any{})
		add("uri only", nil, "u", nil)
		add("ints", nil, nil, map[string]any{
			"exact": number("9007199254740993"), "most": number("9223372036854775807"), "least": number("-9223372036854775808"), "beyond": number("9223372036854775808"),
			"one": 1, "zero": 0, "minus": -1,
		})
		add("floats", nil, nil, map[string]any{
			"one": number("1.0"), "minus zero": number("-0.0"), "tiny": number("5e-324"), "huge": number("1.7976931348623157e308"), "third": number("0.3333333333333333"), "e": number("1e5"), "long": number("0.1000000000000000055511151231257827"),
		})
		add("bools", nil, nil, map[string]any{"t": true, "f": false, "s": "true"})
		add("many keys", "d", "u", func() map[string]any {
			m := map[string]any{}
			for i := range 300 {
				m[fmt.Sprintf("key %d", i*7919%300)] = i
			}
			return m
		}())
		if c.Server == chromatest.Shared(t, chromatest.Newest) {
			add("arrays", nil, nil, map[string]any{
				"s": []any{"b", "a", "a", ""}, "i": []any{3, number("9007199254740993"), -1}, "f": []any{1.5, number("2.0")}, "b": []any{true, false}, "one": []any{"é\n"},
			})
		}
		add("large", strings.Repeat("0123456789abcdé\n", 5<<20/16), nil, nil)

		id := c.CreateCollection("nasty", nil)
		for i, text := range ids { // one by one: a refusal shall name the record
			c.Add(id, map[string]any{
				"ids": []string{text}, "embeddings": vectors64(vectors[i : i+1]),
				"documents": documents[i : i+1], "uris": uris[i : i+1], "metadatas": metadatas[i : i+1],
			})
		}
		c.Add(id, map[string]any{"ids": []string{"emptied"}, "embeddings": [][]float32{{1, 2, 3}}, "metadatas": []any{map[string]any{"k": 1}}})
		c.Update(id, map[string]any{"ids": []string{"emptied"}, "metadatas": []any{map[string]any{"k": nil}}})

		got := readAll(t, d, id, 3, 7)
		if got.Len() != len(ids)+1 {
			t.Fatalf("%d records, want %d", got.Len(), len(ids)+1)
		}
		sameAsDump(t, got, c.Dump("nasty"), 3)
		// And against what was sent, where the server keeps it.
		for i, text := range ids {
			r, err := got.Record(i)
			if err != nil {
				t.Fatal(err)
			}
			if r.ID != text || !sameText(r.Document, documents[i]) || !sameText(r.URI, uris[i]) {
				t.Errorf("record %d, %.40q: document or uri is not what was sent", i, text)
			}
			for k, v := range r.Embedding {
				if math.Float32bits(v) != math.Float32bits(vectors[i][k]) {
					t.Errorf("%.40q: component %d is %v, want %v", text, k, v, vectors[i][k])
				}
			}
		}
		ints, _ := got.Record(indexOf(got, "ints"))
		for key, want := range map[string]chunk.Value{
			"exact": {Type: chunk.Int, Int: 9007199254740993}, "least": {Type: chunk.Int, Int: math.MinInt64}, "beyond": {Type: chunk.Float, Float: 1 << 63}, "one": {Type: chunk.Int, Int: 1},
		} {
			if v, ok := ints.Metadata.Get(key); !ok || !v.Equal(want) {
				t.Errorf("%s: %+v, want %+v", key, v, want)
			}
		}
		floats, _ := got.Record(indexOf(got, "floats"))
		if v, ok := floats.Metadata.Get("one"); !ok || !v.Equal(chunk.Value{Type: chunk.Float, Float: 1}) {
			t.Errorf("1.0 is %+v", v)
		}
		for _, name := range []string{"none", "empty", "emptied"} {
			if r, _ := got.Record(indexOf(got, name)); r.Metadata != nil {
				t.Errorf("%s: metadata %v", name, r.Metadata)
			}
		}
	})
}

func indexOf(r *chunk.Records, id string) int {
	for i := range r.Len() {
		if string(r.ID(i)) == id {
			return i
		}
	}
	return -1
}

func sameText(s *string, sent any) bool {
	if s == nil || sent == nil {
		return s == nil && sent == nil
	}
	return *s == sent.(string)
}

// TestReadEveryKindOfFloat stores vectors of random bits in every space.
func TestReadEveryKindOfFloat(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		r := rand.New(rand.NewPCG(seed, 4))
		const n, dim = 150, 37
		for _, space := range []string{"l2", "ip", "cosine"} {
			ids, vectors := make([]string, n), make([][]float32, n)
			for i := range vectors {
				ids[i], vectors[i] = fmt.Sprint("id", i), make([]float32, dim)
				for k := range vectors[i] {
					for {
						vectors[i][k] = math.Float32frombits(r.Uint32())
						if space == "cosine" { // a length beyond float32 makes damage of the whole vector
							vectors[i][k] = math.Float32frombits(r.Uint32()&0xC7FFFFFF | 0x04000000)
						}
						if f := float64(vectors[i][k]); !math.IsNaN(f) && !math.IsInf(f, 0) {
							break
						}
					}
				}
				copy(vectors[i], []float32{math.Float32frombits(1 << 31), 0, 1e-45, -1e-40, math.SmallestNonzeroFloat32})
			}
			id := c.CreateCollection("floats-"+space, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": space}}})
			c.Add(id, map[string]any{"ids": ids, "embeddings": vectors64(vectors)})
			got := readAll(t, d, id, dim, 100)
			sameAsDump(t, got, c.Dump("floats-"+space), dim)
			if got.Len() != n {
				t.Fatalf("%d records", got.Len())
			}
			if space == "cosine" {
				continue
			}
			for i := range n {
				rec, err := got.Record(i)
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range rec.Embedding {
					if math.Float32bits(v) != math.Float32bits(vectors[i][k]) {
						t.Fatalf("%s: component %d of %d is %x, want %x", space, k, i, math.Float32bits(v), math.Float32bits(vectors[i][k]))
					}
				}
			}
		}
	})
}

// TestReadDamage: the oldest server takes what is no number and tells null.
func TestReadDamage(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Oldest))
	d := openClient(t, c)
	id := c.CreateCollection("damaged", nil)
	nan := float32(math.NaN())
	c.Add(id, map[string]any{"ids": []string{"a", "b"}, "embeddings": vectors64([][]float32{{1, nan, 2}, {1, 2, 3}})})
	got := readAll(t, d, id, 3, 10)
	sameAsDump(t, got, c.Dump("damaged"), 3)
	if got.Damage(0) == "" || got.Damage(1) != "" {
		t.Errorf("damage %q and %q", got.Damage(0), got.Damage(1))
	}
	r, err := got.Record(0)
	if err != nil || fmt.Sprint(r.Null, r.Embedding) != "[false true false] [1 0 2]" {
		t.Errorf("%v %v %v", r.Null, r.Embedding, err)
	}
}

// TestDeletedBetween: what is deleted after the ids were listed is left out,
// the rest is there once and in order.
func TestDeletedBetween(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		id := c.CreateCollection("some", nil)
		var ids []string
		var vectors [][]float32
		for i := range 40 {
			ids, vectors = append(ids, fmt.Sprint("id", i)), append(vectors, []float32{float32(i)})
		}
		c.Add(id, map[string]any{"ids": ids, "embeddings": vectors})
		var listed [][]byte
		if err := d.IDs(t.Context(), id, func(id []byte) error { listed = append(listed, bytes.Clone(id)); return nil }); err != nil {
			t.Fatal(err)
		}
		c.Delete(id, map[string]any{"ids": ids[:10]})
		c.Delete(id, map[string]any{"ids": []string{"id20"}})
		into := chunk.NewRecords(1)
		for i := 0; i < len(listed); i += 8 {
			if err := d.Read(t.Context(), id, listed[i:min(i+8, len(listed))], into); err != nil {
				t.Fatal(err)
			}
		}
		if into.Len() != 29 || string(into.ID(0)) != "id10" || string(into.ID(10)) != "id21" || string(into.ID(28)) != "id39" {
			t.Errorf("%d records: %s, %s, %s", into.Len(), into.ID(0), into.ID(10), into.ID(into.Len()-1))
		}
		if n, err := d.Count(t.Context(), id); n != 29 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		// The server's order, whatever the order asked for.
		into.Reset(1)
		if err := d.Read(t.Context(), id, [][]byte{[]byte("id30"), []byte("id12"), []byte("gone"), []byte("id30")}, into); err != nil || into.Len() != 2 || string(into.ID(0)) != "id12" {
			t.Errorf("%d records, %v", into.Len(), err)
		}
		if err := d.Read(t.Context(), id, nil, into); err != nil || into.Len() != 2 {
			t.Errorf("no ids: %d records, %v", into.Len(), err)
		}
		if err := d.Read(t.Context(), id, [][]byte{[]byte("id12")}, chunk.NewRecords(2)); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), d.URL()) {
			t.Errorf("another dimension: %v", err)
		}
		c.DeleteCollection("some")
		fail := func(id []byte) error { t.Errorf("an id %q", id); return nil }
		for _, id := range []string{id, "00000000-0000-0000-0000-000000000000", "../x", ""} {
			if err := d.IDs(t.Context(), id, fail); err == nil {
				t.Errorf("%q: ids of no collection", id)
			}
		}
		if err := d.Read(t.Context(), id, listed, into); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := d.Count(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestPageSize(t *testing.T) {
	for dim, want := range map[int]int{0: 5000, 5: 5000, 384: 1000, 768: 547, 1536: 287, 1 << 20: 1} {
		if got := PageSize(dim); got != want {
			t.Errorf("%d dimensions: %d, want %d", dim, got, want)
		}
	}
}

func TestGetBody(t *testing.T) {
	var said struct {
		IDs     []string
		Include []string
	}
	want := []string{"a", "é😀", "\"\\\n\x00", "\u2028<>&"}
	var ids [][]byte
	for _, id := range want {
		ids = append(ids, []byte(id))
	}
	if err := json.Unmarshal(getBody(ids, chunk.Columns[:]), &said); err != nil || fmt.Sprintf("%q", said.IDs) != fmt.Sprintf("%q", want) || len(said.Include) != 4 {
		t.Errorf("%q %v", said, err)
	}
}

func BenchmarkGetBody(b *testing.B) {
	ids := make([][]byte, 1000)
	for i := range ids {
		ids[i] = fmt.Appendf(nil, "doc-%016x", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		getBody(ids, chunk.Columns[:])
	}
}
