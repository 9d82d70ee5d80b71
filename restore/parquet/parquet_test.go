package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"autochrome/chunk"
)

func text(s string) *string              { return &s }
func str(s string) chunk.Value           { return chunk.Value{Type: chunk.String, Str: s} }
func whole(n int64) chunk.Value          { return chunk.Value{Type: chunk.Int, Int: n} }
func float(f float64) chunk.Value        { return chunk.Value{Type: chunk.Float, Float: f} }
func truth(b bool) chunk.Value           { return chunk.Value{Type: chunk.Bool, Bool: b} }
func array(v ...chunk.Value) chunk.Value { return chunk.Value{Type: chunk.Array, Array: v} }

func metadata(t testing.TB, fields ...any) chunk.Metadata {
	t.Helper()
	var out []chunk.Field
	for i := 0; i < len(fields); i += 2 {
		out = append(out, chunk.Field{Key: fields[i].(string), Value: fields[i+1].(chunk.Value)})
	}
	m, err := chunk.NewMetadata(out)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// written writes records as they are exported: surveyed first.
func written(t testing.TB, dim int, records []chunk.Record) []byte {
	t.Helper()
	return writtenIn(t, dim, records, groupBytes)
}

// writtenIn makes row groups of a size.
func writtenIn(t testing.TB, dim int, records []chunk.Record, limit int) []byte {
	t.Helper()
	var s Survey
	for _, r := range records {
		s.Add(r.Metadata)
	}
	l := Layout{Dimension: dim, Notes: map[string]string{"note": "text"}}
	l.Columns, l.Rest = s.Columns()
	var b bytes.Buffer
	w, err := NewWriter(&b, l)
	if err != nil {
		t.Fatal(err)
	}
	w.limit = limit
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) (out []chunk.Record, f *File) {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)), Names{})
	if err != nil {
		t.Fatal(err)
	}
	rounded, err := f.Read(t.Context(), func(r chunk.Record) error {
		out = append(out, r)
		return nil
	})
	if err != nil || rounded > 0 || f.Rows() != int64(len(out)) {
		t.Fatalf("%d rounded, %d of %d rows, %v", rounded, len(out), f.Rows(), err)
	}
	return out, f
}

// canonical is what records say, to the last bit.
func canonical(dim int, records []chunk.Record) []string {
	all := chunk.NewRecords(dim)
	for _, r := range records {
		all.Append(r)
	}
	var out []string
	for i := range all.Len() {
		s := ""
		for _, k := range chunk.Columns {
			row, ok := all.Column(k).Row(i)
			s += fmt.Sprintf("%v %q ", ok, row)
		}
		out = append(out, s)
	}
	return out
}

func equal(t testing.TB, dim int, got, want []chunk.Record) {
	t.Helper()
	g, w := canonical(dim, got), canonical(dim, want)
	if len(g) != len(w) {
		t.Fatalf("%d records, want %d", len(g), len(w))
	}
	for i := range g {
		if g[i] != w[i] {
			t.Fatalf("record %d:\n got %s\nwant %s", i, g[i], w[i])
		}
	}
}

// nasty are records in which everything is hard.
func nasty(t testing.TB) []chunk.Record {
	inf := float32(math.Copysign(0, -1))
	return []chunk.Record{
		{ID: "nasty \x00 \u2028 🦊 \"\\ ../..", Embedding: []float32{0.1, inf, 1e-45, math.MaxFloat32}, Document: text(""), URI: text("file:///x")},
		{ID: "nulls", Embedding: []float32{0, 1, 2, 0}, Null: []bool{true, false, false, true}, Document: text("a\nb\u0001"), URI: text("")},
		{ID: "nothing"},
		{ID: "types", Embedding: []float32{1, 2, 3, 4}, Metadata: metadata(t, "big", whole(math.MinInt64), "f", float(1.0/3), "s", str(""), "b", truth(false),
			"strings", array(str("a"), str("")), "ints", array(whole(1), whole(1)), "floats", array(float(1), float(2.5)), "bools", array(truth(true)), "none", array())},
		{ID: "other types", Embedding: []float32{1, 2, 3, 4}, Metadata: metadata(t, "big", str("9"), "f", whole(3), "s", whole(1<<53+1), "b", float(1),
			"strings", array(whole(1)), "ints", array(), "floats", array(whole(1)), "bools", str("x"), "none", array(str("x")), "mixed", array(whole(1), float(1)))},
		{ID: "zeros", Embedding: []float32{1, 2, 3, 4}, Metadata: metadata(t, "f", float(math.Copysign(0, -1)), "object", chunk.Value{Type: chunk.JSON, Str: `{"a":[null,1]}`})},
		{ID: "names", Embedding: []float32{1, 2, 3, 4}, Metadata: metadata(t, "id", str("x"), "Embedding", whole(1), "document", float(1), "uri", truth(true),
			"metadata_rest", str("{}"), "", str("empty"), "a.b", str("dot"), "A.b", str("case"), "tab\there", whole(1), "__index_level_0__", whole(7),
			strings.Repeat("long", 50), str("x"), "list", str("x"), "\"quoted\" 'key'", str("x"))},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, records := range [][]chunk.Record{nil, nasty(t), {{ID: "a"}}} {
		b := written(t, 4, records)
		got, f := read(t, b)
		equal(t, 4, got, records)
		if note, ok := f.Note("note"); !ok || note != "text" {
			t.Errorf("the note is %q", note)
		}
		if !bytes.Equal(b, written(t, 4, records)) {
			t.Error("other bytes the second time")
		}
	}
	_, f := read(t, written(t, 0, []chunk.Record{{ID: "a"}}))
	if len(f.columns) != placeMetadata {
		t.Errorf("%d columns without metadata", len(f.columns))
	}
}

// TestRandomRoundTrip: any metadata comes back, over several row groups.
func TestRandomRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var value func(arrays bool) chunk.Value
	value = func(arrays bool) chunk.Value {
		switch n := rng.IntN(6); {
		case n == 0:
			return str(strings.Repeat("x", rng.IntN(5)))
		case n == 1:
			return whole(rng.Int64() - rng.Int64())
		case n == 2:
			return float(rng.NormFloat64())
		case n == 3:
			return truth(rng.IntN(2) == 0)
		case arrays:
			v := chunk.Value{Type: chunk.Array}
			first := value(false)
			for range rng.IntN(4) {
				v.Array = append(v.Array, first)
				if rng.IntN(9) == 0 {
					v.Array = append(v.Array, value(false))
				}
			}
			return v
		}
		return whole(int64(rng.IntN(3)))
	}
	for _, n := range []int{1, 50, 700} {
		var records []chunk.Record
		for i := range n {
			r := chunk.Record{ID: fmt.Sprint(i)}
			for range 300 {
				r.Embedding = append(r.Embedding, rng.Float32())
			}
			keys := map[string]bool{}
			for range rng.IntN(6) {
				key := fmt.Sprint("key ", rng.IntN(1+n/5))
				if keys[key] {
					continue
				}
				keys[key] = true
				r.Metadata = append(r.Metadata, chunk.Field{Key: key, Value: value(true)})
			}
			r.Metadata, _ = chunk.NewMetadata(r.Metadata)
			if rng.IntN(3) == 0 {
				r.Document = text(strings.Repeat("d", rng.IntN(9_000)))
			}
			records = append(records, r)
		}
		b := writtenIn(t, 300, records, 1<<20)
		got, f := read(t, b)
		equal(t, 300, got, records)
		if n == 700 && len(f.f.RowGroups()) < 2 {
			t.Errorf("%d row groups", len(f.f.RowGroups()))
		}
	}
}

// TestColumns: the types of keys, and that not all keys get a column.
func TestColumns(t *testing.T) {
	var s Survey
	for range 2 {
		s.Add(metadata(t, "int", whole(1), "number", whole(1), "text", str("x"), "tags", array(str("x")), "Case", whole(1)))
	}
	s.Add(metadata(t, "int", whole(2), "number", float(1), "text", whole(1), "tags", array(), "case", whole(1)))
	got, rest := s.Columns()
	want := []Column{{"Case", chunk.Int, false}, {"int", chunk.Int, false}, {"number", chunk.Float, false}, {"tags", chunk.String, true}, {"text", chunk.String, false}}
	if !slices.Equal(got, want) || !rest {
		t.Errorf("got %v, %v", got, rest)
	}
	s = Survey{}
	s.Add(metadata(t, "int", whole(1), "tags", array(), "none", array(str("x"))))
	s.Add(metadata(t, "tags", array(str("x"))))
	if got, rest := s.Columns(); len(got) != 3 || rest {
		t.Errorf("got %v, %v", got, rest)
	}
	s = Survey{}
	for i := range maxKeys + 5 {
		s.Add(metadata(t, fmt.Sprint(i), whole(1), "all", whole(1)))
	}
	got, rest = s.Columns()
	if len(got) != maxColumns || !rest || len(s.keys) != maxKeys || !slices.Contains(got, Column{"all", chunk.Int, false}) {
		t.Errorf("%d columns, %d keys, %v", len(got), len(s.keys), rest)
	}
}

// foreign writes a file as others do.
func foreign(t testing.TB, root pq.Group, options []pq.WriterOption, rows ...pq.Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pq.NewGenericWriter[any](&b, append(options, pq.NewSchema("others", root))...)
	if _, err := w.WriteRows(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestForeign: ids that are integers, doubles as vectors, all kinds of integers.
func TestForeign(t *testing.T) {
	for _, codec := range []pq.WriterOption{pq.Compression(&pq.Snappy), pq.Compression(&pq.Gzip), pq.Compression(&pq.Zstd), pq.Compression(&pq.Uncompressed)} {
		for _, version := range []int{1, 2} {
			b := foreign(t, pq.Group{
				"__index_level_0__": pq.Int(64), "id": pq.Int(32), "n8": pq.Optional(pq.Int(8)), "u32": pq.Uint(32), "u64": pq.Uint(64),
				"vector": pq.List(pq.Leaf(pq.DoubleType)), "f": pq.Leaf(pq.FloatType), "kind": pq.Encoded(pq.Enum(), &pq.RLEDictionary),
			}, []pq.WriterOption{codec, pq.DataPageVersion(version)}, pq.Row{
				pq.Int64Value(5).Level(0, 0, 0), pq.FloatValue(0.1).Level(0, 0, 1), pq.Int32Value(-7).Level(0, 0, 2), pq.ByteArrayValue([]byte("A")).Level(0, 0, 3),
				pq.Value{}.Level(0, 0, 4), pq.Int32Value(-1).Level(0, 0, 5), pq.Int64Value(1<<62).Level(0, 0, 6),
				pq.DoubleValue(0.1).Level(0, 1, 7), pq.DoubleValue(float64(float32(0.1))).Level(1, 1, 7), pq.DoubleValue(0.123456789012345).Level(1, 1, 7),
			})
			f, err := Open(bytes.NewReader(b), int64(len(b)), Names{Embedding: "vector"})
			if err != nil {
				t.Fatal(err)
			}
			var got chunk.Record
			rounded, err := f.Read(t.Context(), func(r chunk.Record) error { got = r; return nil })
			if err != nil || rounded != 1 {
				t.Errorf("%d rounded, %v", rounded, err)
			}
			equal(t, 3, []chunk.Record{got}, []chunk.Record{{ID: "-7", Embedding: []float32{0.1, 0.1, 0.123456789012345},
				Metadata: metadata(t, "f", float(float64(float32(0.1))), "kind", str("A"), "u32", whole(1<<32-1), "u64", whole(1<<62))}})
		}
	}
}

// TestUnfit: what no record can hold is refused, by the name of its column.
func TestUnfit(t *testing.T) {
	vector := pq.List(pq.Leaf(pq.FloatType))
	one := pq.FloatValue(1)
	for name, c := range map[string]struct {
		root pq.Group
		row  pq.Row
		want string
	}{
		"no id":      {pq.Group{"embedding": vector}, nil, `column "id": there is no such column`},
		"no vector":  {pq.Group{"id": pq.String()}, nil, `column "embedding": there is no such column`},
		"vector":     {pq.Group{"id": pq.String(), "embedding": pq.Leaf(pq.FloatType)}, nil, `column "embedding": it is no list of floats`},
		"bytes":      {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Leaf(pq.ByteArrayType)}, nil, `column "x": it is of type BYTE_ARRAY`},
		"date":       {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Date()}, nil, `column "x": it is of type DATE`},
		"decimal":    {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Decimal(2, 9, pq.Int32Type)}, nil, `column "x": it is of type DECIMAL`},
		"group":      {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Group{"y": pq.Int(64)}}, nil, `column "x": it is a group`},
		"map":        {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Map(pq.String(), pq.Int(64))}, nil, `column "x": it is a group`},
		"repeated":   {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Repeated(pq.Int(64))}, nil, `column "x": it is repeated`},
		"document":   {pq.Group{"id": pq.String(), "embedding": vector, "document": pq.Int(64)}, nil, `column "document": it is no text`},
		"null id":    {pq.Group{"id": pq.Optional(pq.String()), "embedding": vector}, pq.Row{one.Level(0, 1, 0), pq.Value{}.Level(0, 0, 1)}, `column "id": a record without an id`},
		"empty id":   {pq.Group{"id": pq.String(), "embedding": vector}, pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue(nil).Level(0, 0, 1)}, `column "id": an id is empty`},
		"large":      {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Uint(64)}, pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1), pq.Int64Value(-1).Level(0, 0, 2)}, `record "a": column "x": 18446744073709551615 is larger`},
		"nan":        {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.Leaf(pq.DoubleType)}, pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1), pq.DoubleValue(math.NaN()).Level(0, 0, 2)}, `column "x": NaN`},
		"nan vector": {pq.Group{"embedding": vector, "id": pq.String()}, pq.Row{pq.FloatValue(float32(math.NaN())).Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1)}, `column "embedding": component 0 is NaN`},
		"not utf-8":  {pq.Group{"id": pq.String(), "embedding": vector}, pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("\xff")).Level(0, 0, 1)}, `is no UTF-8`},
		"null in list": {pq.Group{"id": pq.String(), "embedding": vector, "x": pq.List(pq.Optional(pq.Int(64)))},
			pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1), pq.Value{}.Level(0, 1, 2)}, `column "x": an element of a list is null`},
		"rest": {pq.Group{"id": pq.String(), "embedding": vector, "metadata_rest": pq.String()},
			pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1), pq.ByteArrayValue([]byte("[1]")).Level(0, 0, 2)}, `column "metadata_rest"`},
		"packed with brotli": {pq.Group{"id": pq.Compressed(pq.String(), &pq.Brotli), "embedding": vector}, pq.Row{one.Level(0, 1, 0), pq.ByteArrayValue([]byte("a")).Level(0, 0, 1)}, `packed with BROTLI`},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []pq.Row
			if c.row != nil {
				rows = append(rows, c.row)
			}
			b := foreign(t, c.root, nil, rows...)
			f, err := Open(bytes.NewReader(b), int64(len(b)), Names{})
			if err == nil {
				_, err = f.Read(t.Context(), func(chunk.Record) error { return nil })
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestReadStops: an error of the caller is given back as it is, and a panic of the
// caller is not taken for damage.
func TestReadStops(t *testing.T) {
	b := written(t, 1, []chunk.Record{{ID: "a", Embedding: []float32{1}}, {ID: "b"}})
	_, f := read(t, b)
	mine := errors.New("mine")
	if _, err := f.Read(t.Context(), func(chunk.Record) error { return mine }); err != mine {
		t.Errorf("got %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("the panic went away")
		}
	}()
	_, _ = f.Read(t.Context(), func(chunk.Record) error { panic("mine") })
}

// TestDamage: a file that is cut short or changed is an error or says the same,
// and never a crash.
func TestDamage(t *testing.T) {
	whole := written(t, 4, nasty(t)[:4])
	look := func(b []byte) error {
		f, err := Open(bytes.NewReader(b), int64(len(b)), Names{})
		if err == nil {
			_, err = f.Read(t.Context(), func(chunk.Record) error { return nil })
		}
		return err
	}
	for n := 0; n < len(whole); n += 7 {
		if look(whole[:n]) == nil {
			t.Errorf("cut to %d bytes it is read", n)
		}
	}
	for i := 0; i < len(whole); i += 3 {
		b := slices.Clone(whole)
		b[i] ^= 1 << (i % 8)
		_ = look(b) // sums are what finds it
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, 4, nasty(f)))
	f.Add(written(f, 1, []chunk.Record{{ID: "a", Embedding: []float32{1}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)), Names{})
		if err != nil {
			return
		}
		_, _ = file.Read(t.Context(), func(r chunk.Record) error {
			if r.ID == "" {
				t.Error("a record without an id")
			}
			return nil
		})
	})
}
