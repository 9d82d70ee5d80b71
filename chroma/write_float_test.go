package chroma

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// floatRecords puts doubles into metadata, 50 to a record.
func floatRecords(values []float64) []chunk.Record {
	var records []chunk.Record
	for i := 0; i < len(values); i += 50 {
		var fields []chunk.Field
		for j, x := range values[i:min(i+50, len(values))] {
			fields = append(fields, chunk.Field{Key: fmt.Sprintf("k%02d", j), Value: chunk.Value{Type: chunk.Float, Float: x}})
		}
		records = append(records, chunk.Record{ID: strconv.Itoa(i), Embedding: []float32{1}, Metadata: fields})
	}
	return records
}

func drawFloats(r *rand.Rand, each int) []float64 {
	var values []float64
	for _, kind := range floatKinds {
		for range each {
			x := kind.draw(r)
			if r.IntN(2) == 0 && x != 0 {
				x = -x
			}
			values = append(values, x)
		}
	}
	return append(values, edgeFloats...)
}

// TestWriteFloats: what a server answered for doubles of any kind is written to
// another collection and must be answered again.
func TestWriteFloats(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		r := newRand(t)
		source, target := newPlace(t, c, "floats-a", SpaceL2), newPlace(t, c, "floats-b", SpaceL2)
		// Sent as any client sends them, not by this package.
		values := drawFloats(r, 600)
		var bodies []map[string]any
		for _, record := range floatRecords(values) {
			m := map[string]any{}
			for _, f := range record.Metadata {
				if held, ok := storeAsServer(t, printAsServer(f.Value.Float), recordParses); ok && !math.IsInf(held, 0) {
					m[f.Key] = json.RawMessage(printAsServer(f.Value.Float))
				}
			}
			bodies = append(bodies, m)
		}
		ids, embeddings := make([]string, len(bodies)), make([][]float32, len(bodies))
		for i := range ids {
			ids[i], embeddings[i] = strconv.Itoa(i), []float32{1}
		}
		source.Add(source.c.ServerID, map[string]any{"ids": ids, "embeddings": embeddings, "metadatas": bodies})

		n := 0
		var want []chunk.Record
		for _, got := range source.Dump("floats-a") {
			var fields []chunk.Field
			for k, v := range got.Metadata {
				x, err := v.(json.Number).Float64()
				if err != nil {
					t.Fatal(err)
				}
				fields = append(fields, chunk.Field{Key: k, Value: chunk.Value{Type: chunk.Float, Float: x}})
				n++
			}
			m, err := chunk.NewMetadata(fields)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, chunk.Record{ID: got.ID, Embedding: []float32{1}, Metadata: m})
		}
		report := target.write(t, additions(want))
		t.Logf("%d doubles, not solved: %v", n, report.Inexact)
		if len(report.Inexact)*2000 > n {
			t.Errorf("%d of %d doubles are not solved", len(report.Inexact), n)
		}
		checkNamed(t, target, want, report)
	})
}

// TestWriteFloatsOfAnyBits: doubles that may have no text at all.
func TestWriteFloatsOfAnyBits(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		p := newPlace(t, c, "floats-any", SpaceL2)
		values := append(drawFloats(newRand(t), 200), math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1))
		want := floatRecords(values)
		report := p.write(t, additions(want))
		if len(report.Inexact) < 4 {
			t.Errorf("named: %v", report.Inexact)
		}
		t.Logf("%d of %d doubles are named", len(report.Inexact), len(values))
		checkNamed(t, p, want, report)
	})
}

// checkNamed holds the server's doubles against those wanted, and those that
// are named against what was said of them.
func checkNamed(t *testing.T, p place, want []chunk.Record, report chunk.WriteReport) {
	t.Helper()
	named := map[[2]string]chunk.Inexact{}
	for _, i := range report.Inexact {
		named[[2]string{i.ID, i.Where}] = i
	}
	for i, got := range p.Dump(p.c.Name) {
		for _, f := range want[i].Metadata {
			n, isNamed := named[[2]string{got.ID, f.Key}]
			v, present := got.Metadata[f.Key]
			switch {
			case !isNamed && !sameValue(v, f.Value):
				t.Errorf("%q of record %q: %v, want %v, and nothing was said", f.Key, got.ID, v, f.Value.Float)
			case isNamed && n.Stored == "nothing":
				if present {
					t.Errorf("%+v, but %v is stored", n, v)
				}
			case isNamed:
				x, _ := strconv.ParseFloat(n.Stored, 64)
				if !sameValue(v, chunk.Value{Type: chunk.Float, Float: x}) || sameValue(v, f.Value) {
					t.Errorf("%+v, but %v is stored", n, v)
				}
			}
		}
	}
}

// TestCollectionFloats: a collection's doubles are parsed once.
func TestCollectionFloats(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		var m chunk.Metadata
		for i, x := range drawFloats(newRand(t), 200) {
			if held, ok := storeAsServer(t, printAsServer(x), collectionParses); ok && !math.IsInf(held, 0) {
				m = append(m, chunk.Field{Key: fmt.Sprintf("k%05d", i), Value: chunk.Value{Type: chunk.Float, Float: held}})
			}
		}
		note := func(i chunk.Inexact) { t.Errorf("not solved: %+v", i) }
		c.CreateCollection("floats", map[string]any{"metadata": json.RawMessage(appendCollectionMetadataJSON(nil, m, note))})
		compareCollection(t, c, m)

		for i := range m {
			m[i].Value.Float = -m[i].Value.Float
			if m[i].Value.Float == 0 {
				m[i].Value.Float = 0
			}
		}
		id := c.Collection("floats")["id"].(string)
		status, answer := c.Server.Do(t, "PUT", c.Path(id), map[string]any{"new_metadata": json.RawMessage(appendCollectionMetadataJSON(nil, m, note))})
		if status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		compareCollection(t, c, m)
	})
}

func compareCollection(t *testing.T, c *chromatest.Client, want chunk.Metadata) {
	t.Helper()
	got := c.Collection("floats")["metadata"].(map[string]any)
	for _, f := range want {
		if !sameValue(got[f.Key], f.Value) {
			t.Errorf("%s: %v, want %v", f.Key, got[f.Key], f.Value.Float)
		}
	}
}
