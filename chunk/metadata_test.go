package chunk

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

func TestMetadataComesBack(t *testing.T) {
	r := random(t)
	for range 3000 {
		m := randomMetadata(t, r, 8)
		if len(m) == 0 {
			continue
		}
		row := AppendMetadata(nil, m)
		back, err := DecodeMetadata(row)
		if err != nil {
			t.Fatalf("%x: %v", row, err)
		}
		if !back.Equal(m) || !bytes.Equal(AppendMetadata(nil, back), row) {
			t.Fatalf("have %+v, want %+v", back, m)
		}
		if err := validMetadata(row); err != nil {
			t.Fatalf("%x: %v", row, err)
		}
		for _, f := range m {
			if v, ok := back.Get(f.Key); !ok || !v.Equal(f.Value) {
				t.Fatalf("key %q: %v", f.Key, v)
			}
		}
		if _, ok := back.Get("no such key"); ok {
			t.Fatal("a key that is not there was found")
		}
	}
}

// A writer that gets the fields in any order writes the same row.
func TestMetadataWriter(t *testing.T) {
	r := random(t)
	var w MetadataWriter
	for range 2000 {
		m := randomMetadata(t, r, 8)
		w.Reset()
		for _, i := range r.Perm(len(m)) {
			w.Key([]byte(m[i].Key))
			write(&w, m[i].Value)
			if r.IntN(8) == 0 {
				w.Key([]byte(m[i].Key + "\x00null"))
				w.Null()
			}
			if r.IntN(8) == 0 {
				w.Key([]byte(m[i].Key + "\x00cancelled"))
				w.BeginArray()
				w.Int(1)
				w.CancelArray()
				w.JSON([]byte(`{}`))
				m = append(slices.Clone(m), Field{m[i].Key + "\x00cancelled", Value{Type: JSON, Str: "{}"}})
			}
		}
		m, err := NewMetadata(slices.Clone(m))
		if err != nil {
			t.Fatal(err)
		}
		row, ok, err := w.AppendTo([]byte("before"))
		if err != nil || ok != (len(m) > 0) {
			t.Fatal(ok, err)
		}
		want := []byte("before")
		if ok {
			want = AppendMetadata(want, m)
		}
		if !bytes.Equal(row, want) {
			t.Fatalf("have %x, want %x", row, want)
		}
	}
	w.Reset()
	for range 2 {
		w.Key([]byte("k"))
		w.Null()
	}
	if _, _, err := w.AppendTo(nil); err == nil {
		t.Error("a key may stand twice")
	}
}

func write(w *MetadataWriter, v Value) {
	switch v.Type {
	case String:
		w.String([]byte(v.Str))
	case Int:
		w.Int(v.Int)
	case Float:
		w.Float(v.Float)
	case Bool:
		w.Bool(v.Bool)
	case JSON:
		w.JSON([]byte(v.Str))
	case Array:
		w.BeginArray()
		for _, e := range v.Array {
			write(w, e)
		}
		w.EndArray()
	}
}

func TestMetadataRefused(t *testing.T) {
	for name, row := range map[string]string{
		"nothing":                     "",
		"no keys":                     "\x00",
		"fewer keys than announced":   "\x02\x01a\x04\x01",
		"count not shortest":          "\x81\x00\x01a\x04\x01",
		"bytes behind":                "\x01\x01a\x04\x01\x00",
		"keys out of order":           "\x02\x01b\x04\x01\x01a\x04\x01",
		"a key twice":                 "\x02\x01a\x04\x01\x01a\x04\x01",
		"invalid UTF-8 in a key":      "\x01\x01\xff\x04\x01",
		"no type":                     "\x01\x01a",
		"type zero":                   "\x01\x01a\x00",
		"unknown type":                "\x01\x01a\x07\x01",
		"string cut off":              "\x01\x01a\x01\x02x",
		"invalid UTF-8 in a string":   "\x01\x01a\x01\x01\xff",
		"int not shortest":            "\x01\x01a\x02\x80\x00",
		"int beyond 64 bits":          "\x01\x01a\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"float cut off":               "\x01\x01a\x03\x00\x00\x00\x00\x00\x00\x00",
		"bool of two":                 "\x01\x01a\x04\x02",
		"array cut off":               "\x01\x01a\x05\x02\x04\x01",
		"array in an array":           "\x01\x01a\x05\x01\x05\x00",
		"JSON in an array":            "\x01\x01a\x05\x01\x06\x02{}",
		"JSON with space":             "\x01\x01a\x06\x03{ }",
		"JSON with keys in reverse":   "\x01\x01a\x06\x0d{\"b\":1,\"a\":2}",
		"JSON with a needless escape": "\x01\x01a\x06\x08\"\\u0041\"",
		"no JSON":                     "\x01\x01a\x06\x00",
	} {
		if m, err := DecodeMetadata([]byte(row)); err == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
		if validMetadata([]byte(row)) == nil {
			t.Errorf("%s: valid", name)
		}
	}
}

func TestMetadataKeyTwice(t *testing.T) {
	if m, err := NewMetadata([]Field{{Key: "a"}, {Key: "b"}, {Key: "a"}}); err == nil {
		t.Errorf("made %+v", m)
	}
}

func TestValueEqual(t *testing.T) {
	nan := math.Float64frombits(0x7ff8000000000001)
	values := []Value{
		{Type: String, Str: "1"}, {Type: JSON, Str: "1"}, {Type: Int, Int: 1}, {Type: Float, Float: 1},
		{Type: Float}, {Type: Float, Float: math.Copysign(0, -1)}, {Type: Float, Float: nan}, {Type: Float, Float: -nan},
		{Type: Bool}, {Type: Bool, Bool: true}, {Type: Int},
		{Type: Array}, {Type: Array, Array: []Value{{Type: Int}}}, {Type: Array, Array: []Value{{Type: Float}}},
	}
	for i, a := range values {
		for j, b := range values {
			if a.Equal(b) != (i == j) {
				t.Errorf("%+v, %+v: equal %v", a, b, a.Equal(b))
			}
		}
	}
}
