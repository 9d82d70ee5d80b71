package chunk

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// nastyRecords has one of everything that JSON could lose.
func nastyRecords() []Record {
	text := func(s string) *string { return &s }
	return []Record{
		{ID: "nasty \x00 \u2028 🦊 \"\\", Embedding: []float32{0.1, float32(math.Copysign(0, -1)), 1e-40, 16777216, math.MaxFloat32, math.SmallestNonzeroFloat32}, Document: text(""), URI: text("file:///x")},
		{ID: "b", Embedding: []float32{0, 1, 0}, Null: []bool{true, false, true}, Document: text("a\nb\u0001")},
		{ID: "no embedding", Metadata: Metadata{
			{"", Value{Type: String}},
			{"array", Value{Type: Array, Array: []Value{{Type: Int, Int: 1}, {Type: Float, Float: 1}, {Type: String, Str: "x"}, {Type: Bool}}}},
			{"big", Value{Type: Int, Int: math.MaxInt64}},
			{"empty", Value{Type: Array}},
			{"float", Value{Type: Float, Float: 1}},
			{"huge", Value{Type: Float, Float: 1 << 63}},
			{"object", Value{Type: JSON, Str: `{"a":[1,1.0,null]}`}},
			{"small", Value{Type: Int, Int: math.MinInt64}},
			{"third", Value{Type: Float, Float: 1.0 / 3}},
			{"zero", Value{Type: Float, Float: math.Copysign(0, -1)}},
		}},
	}
}

func TestRecordsJSONAreExact(t *testing.T) {
	var b []byte
	records := nastyRecords()
	for i, r := range records {
		b = AppendRecordJSON(append(b, "[,"[min(i, 1)]), r, i%2 == 0)
	}
	b = append(b, ']')
	n := 0
	err := DecodeRecordsJSON(b, func(r Record) error {
		got, want := NewRecords(max(1, len(r.Embedding))), NewRecords(max(1, len(r.Embedding)))
		got.Append(r)
		want.Append(records[n])
		if !got.Equal(0, want, 0) {
			t.Errorf("record %d: got %+v, want %+v", n, r, records[n])
		}
		n++
		return nil
	})
	if err != nil || n != len(records) {
		t.Fatalf("%d records, %v", n, err)
	}
}

func TestRecordsJSONRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                                       "EOF",
		`{}`:                                     "where [ is expected",
		`[{"id":"a"}`:                            "EOF",
		`[{"id":"a"}] x`:                         "behind the end",
		`[{"id":""}]`:                            "without an id",
		`[{"document":"x"}]`:                     "without an id",
		`[{"id":"a","id":"b"}]`:                  `record "a": field "id" stands twice`,
		`[{"id":"a","ID":"b"}]`:                  `field "ID": it is not known`,
		`[{"id":"a","metadata":{"k":1,"k":2}}]`:  `metadata key "k" stands twice`,
		`[{"id":"a","metadata":[]}]`:             "no object",
		`[{"id":"a","embedding":[]}]`:            "no components",
		`[{"id":"a","embedding":[1,[2]]}]`:       "component 1 is no number",
		`[{"id":"a","embedding":["1"]}]`:         "component 0 is no number",
		`[{"id":"a","embedding":[1e39]}]`:        "beyond the range",
		`[{"id":"a","embedding":"x"}]`:           "no array",
		`[{"id":"a","document":5}]`:              `record "a": field "document"`,
		`[{"id":"a","document":"\ud83e"}]`:       "surrogate",
		`[{"id":"a","document":"\udd8a\ud83e"}]`: "surrogate",
		"[{\"id\":\"a\xff\"}]":                   "UTF-8",
		`[{"id":"a","metadata":{"k":1e999}}]`:    "beyond the range",
	} {
		err := DecodeRecordsJSON([]byte(text), func(Record) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	err := DecodeRecordsJSON([]byte(`[{"id":"\ud83e\udd8a \\ud83e","metadata":{"n":null}}]`), func(r Record) error {
		if r.ID != `🦊 \ud83e` || r.Metadata != nil {
			t.Errorf("got %+v", r)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzRecordsJSON: what is read is written so that it reads the same again.
func FuzzRecordsJSON(f *testing.F) {
	for _, r := range nastyRecords() {
		f.Add(AppendRecordJSON(nil, r, false))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := DecodeRecordJSON(text, nil)
		if err != nil {
			return
		}
		once := AppendRecordJSON(nil, r, false)
		again, err := DecodeRecordJSON(once, nil)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice := AppendRecordJSON(nil, again, true); !bytes.Equal(once, AppendRecordJSON(nil, again, false)) || len(twice) == 0 {
			t.Fatalf("%s\n%s", once, twice)
		}
	})
}
