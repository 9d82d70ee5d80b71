package chroma

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// nastyRecords differ in everything that a write has to know about.
func nastyRecords(arrays bool) []chunk.Record {
	v := func(x float32) []float32 { return []float32{x, -x, 0.5} }
	var records []chunk.Record
	add := func(r chunk.Record) { records = append(records, r) }
	add(chunk.Record{Embedding: v(1)})
	add(chunk.Record{Embedding: v(1), Document: text("")})
	add(chunk.Record{Embedding: v(1), Document: text("a\x00b\u2028 é e\u0301 \U0001f600 \"\\\r\n\t\u007f")})
	add(chunk.Record{Embedding: v(2), URI: text("")})
	add(chunk.Record{Embedding: v(3), URI: text("file:///x y"), Document: text("d")})
	for _, m := range []map[string]any{
		{"k": "text", "l": "x"},
		{"k": 1, "m": math.MaxInt64},
		{"k": 1.0, "l": math.MinInt64},
		{"k": true},
		{"k": 1e16, "nul\x00\nkey é \U0001f600\"": "a\x00b", " ": "", "chroma": 1, "Chroma:x": 2, strings.Repeat("long", 100): 3.5},
		{"k": "", "null": "null"},
	} {
		add(chunk.Record{Embedding: v(1), Metadata: metadata(m)})
		add(chunk.Record{Embedding: v(1), Metadata: metadata(m), Document: text("d"), URI: text("u")})
	}
	if arrays {
		for _, m := range []map[string]any{
			{"k": []any{1, 2, 2, 1}},
			{"k": []any{"b", "a", "b", ""}, "l": []any{true, false}},
			{"k": []any{1.0, 0.1, 1e300}, "l": 5},
		} {
			add(chunk.Record{Embedding: v(1), Metadata: metadata(m), Document: text("d")})
		}
	} else {
		for _, key := range []string{"", "#k", "$k", "#"} {
			add(chunk.Record{Embedding: v(1), Metadata: metadata(map[string]any{key: 1, "k": key})})
		}
	}
	return records
}

// TestWriteEveryPair brings every kind of record about from every other.
func TestWriteEveryPair(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, space := range []string{SpaceL2, SpaceCosine} {
			p := newPlace(t, c, "pairs-"+space, space)
			kinds := nastyRecords(c.Server.Version == chromatest.Newest)
			if space == SpaceCosine { // other vectors, the rest needs no second look
				kinds = kinds[:5]
			}
			for i := range kinds {
				if space == SpaceCosine {
					kinds[i].Embedding = roundTrip(kinds[i].Embedding)
				}
			}
			named := func(i int, id string) *chunk.Record {
				if i == len(kinds) {
					return nil
				}
				r := kinds[i]
				r.ID = id
				return &r
			}
			var changes []chunk.Change
			var before, kept, added, replaced []chunk.Record
			for i := range len(kinds) + 1 {
				for j := range len(kinds) + 1 {
					id := fmt.Sprintf("%d to %d", i, j)
					change := chunk.Change{Have: named(i, id), Want: named(j, id)}
					changes = append(changes, change)
					if change.Have != nil {
						before = append(before, *change.Have)
					}
					switch s := stepsFor(&change); {
					case s.add != nil:
						added = append(added, *change.Want)
						if s.remove != nil {
							replaced = append(replaced, *change.Want)
						}
					case change.Want != nil:
						kept = append(kept, *change.Want)
					}
				}
			}
			if report := p.write(t, additions(before)); report.Added != len(before) || len(report.Refused)+len(report.Inexact) > 0 {
				t.Errorf("%+v", report)
			}
			p.compare(t, before)
			report := p.write(t, changes)
			if len(report.Refused)+len(report.Inexact) > 0 || report.Added != len(kinds) || report.Deleted != len(kinds) || report.Replaced != len(replaced) {
				t.Errorf("%+v, %d kinds", report, len(kinds))
			}
			p.compare(t, slices.Concat(kept, added))
		}
	})
}

// TestWriteRefuses: what one server does not take is named, the rest is
// written.
func TestWriteRefuses(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		p := newPlace(t, c, "refuses", SpaceL2)
		v := []float32{1, 2}
		var want []chunk.Record
		for i := range 40 {
			want = append(want, chunk.Record{ID: fmt.Sprint("good ", i), Embedding: v})
		}
		bad := []chunk.Record{
			{ID: "dimension", Embedding: []float32{1}},
			{ID: "nested", Embedding: v, Metadata: chunk.Metadata{{Key: "k", Value: chunk.Value{Type: chunk.JSON, Str: `{"a":1}`}}}},
			{ID: "mixed", Embedding: v, Metadata: metadata(map[string]any{"k": []any{1, "x"}})},
			{ID: "key", Embedding: v, Metadata: metadata(map[string]any{"#k": 1})},
			{ID: "array", Embedding: v, Metadata: metadata(map[string]any{"k": []any{1}})},
			{ID: "", Embedding: v},
			{ID: "damage", Embedding: v, Null: []bool{false, true}},
			{ID: "none"},
		}
		all := slices.Concat(want[:20], bad, want[20:])
		report := p.write(t, additions(all))
		refused := map[string]string{}
		for _, r := range report.Refused {
			refused[r.ID] = r.Reason
		}
		newest := c.Server.Version == chromatest.Newest
		for id, expected := range map[string]bool{"dimension": true, "nested": true, "mixed": true, "": true, "key": newest, "array": !newest, "damage": false, "none": false} {
			if (refused[id] != "") != expected {
				t.Errorf("%q: refused as %q", id, refused[id])
			}
		}
		if len(report.Inexact) != 2 || report.Inexact[0].ID != "damage" || report.Inexact[1].ID != "none" {
			t.Errorf("named: %+v", report.Inexact)
		}
		got := p.Dump("refuses")
		if dim := p.Collection("refuses")["dimension"]; dim != json.Number("2") {
			t.Errorf("the collection got %v dimensions", dim)
		}
		if len(got) != 41 || report.Added != 41 { // one of key and array is taken
			t.Errorf("%d records, report %+v", len(got), report)
		}
		t.Logf("%d requests; %v", report.Requests, refused)
	})
}

// TestWriteEdgesOfMetadata: what is taken, but not as it is.
func TestWriteEdgesOfMetadata(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		p := newPlace(t, c, "edges", SpaceL2)
		v := []float32{1, 2}
		have := chunk.Record{ID: "a", Embedding: v, Metadata: metadata(map[string]any{"e": 1, "n": 1, "z": 1, "m": 1})}
		m := map[string]any{"e": []any{}, "n": math.NaN(), "z": math.Copysign(0, -1), "m": 2}
		holds := map[string]any{"z": 0.0, "m": 2}
		named := []string{"e", "n", "z"}
		if c.Server.Version == chromatest.Newest {
			m["x"], holds["x"] = []any{1, 2.5}, []any{1.0, 2.5}
			m["y"], holds["y"] = []any{0.5, math.Copysign(0, -1)}, []any{0.5, 0.0}
			named = append(named, "x", "y[1]")
		}
		want, added := chunk.Record{ID: "a", Embedding: v, Metadata: metadata(m)}, chunk.Record{ID: "b", Embedding: v, Metadata: metadata(m)}
		p.write(t, additions([]chunk.Record{have}))
		report := p.write(t, []chunk.Change{{Have: &have, Want: &want}, {Want: &added}})
		count := map[string]int{}
		for _, i := range report.Inexact {
			count[i.Where]++
		}
		for _, where := range named {
			if count[where] != 2 {
				t.Errorf("%q is named %d times, want twice", where, count[where])
			}
		}
		if len(report.Inexact) != 2*len(named) {
			t.Errorf("%+v", report.Inexact)
		}
		want.Metadata, added.Metadata = metadata(holds), metadata(holds)
		p.compare(t, []chunk.Record{want, added})
	})
}

// TestWriteOverDamage: server 1.0.0 takes NaN and answers null.
func TestWriteOverDamage(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Oldest))
	p := newPlace(t, c, "damage", SpaceL2)
	damagedNow := chunk.Record{ID: "a", Embedding: []float32{1, 0}, Null: []bool{false, true}, Document: text("d")}
	c.Add(p.c.ServerID, map[string]any{"ids": []string{"a"}, "embeddings": []string{"AACAPwAAwH8="}, "documents": []string{"d"}})
	if got := c.Dump("damage"); got[0].Embedding[1] != nil {
		t.Fatalf("%+v", got)
	}
	other := damagedNow
	other.Document = text("e")
	if report := p.write(t, []chunk.Change{{Have: &damagedNow, Want: &other}}); report.Updated != 1 || len(report.Inexact) > 0 {
		t.Errorf("%+v", report)
	}
	whole := chunk.Record{ID: "a", Embedding: []float32{1, 2}}
	if report := p.write(t, []chunk.Change{{Have: &other, Want: &whole}}); report.Replaced != 1 || len(report.Inexact) > 0 {
		t.Errorf("%+v", report)
	}
	p.compare(t, []chunk.Record{whole})
}
