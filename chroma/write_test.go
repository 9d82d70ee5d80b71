package chroma

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// place is a collection on a real server, seen by both this package and the
// independent witness.
type place struct {
	*chromatest.Client
	db *Database
	c  chunk.Collection
}

// newPlace makes a collection. The dimension stays unknown to the writer, as
// it is for a collection that a restore has just created.
func newPlace(t *testing.T, c *chromatest.Client, name, space string) place {
	t.Helper()
	id := c.CreateCollection(name, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": space}}})
	return place{c, openDatabase(t, c, c.Server.URL()), chunk.Collection{ServerID: id, Name: name,
		Description: chunk.CollectionDescription{Configuration: []byte(`{"hnsw":{"space":"` + space + `"}}`)}}}
}

func openDatabase(t *testing.T, c *chromatest.Client, url string) *Database {
	t.Helper()
	db, err := Open(context.Background(), Options{URL: url, Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (p place) write(t *testing.T, changes []chunk.Change) chunk.WriteReport {
	t.Helper()
	done := 0
	report, err := p.db.Write(context.Background(), p.c, changes, func(n int) { done += n })
	if err != nil {
		t.Fatal(err)
	}
	if done != len(changes) {
		t.Errorf("progress told of %d changes, want %d", done, len(changes))
	}
	return report
}

func additions(records []chunk.Record) []chunk.Change {
	changes := make([]chunk.Change, len(records))
	for i := range records {
		changes[i].Want = &records[i]
	}
	return changes
}

// dumpedVector is nil where the record or a component has no value.
func dumpedVector(r chromatest.RawRecord) []float32 {
	v := make([]float32, len(r.Embedding))
	for i, x := range r.Embedding {
		if x == nil {
			return nil
		}
		v[i] = *x
	}
	return v
}

// differs says how a record on the server is not the one wanted, or "".
func differs(got chromatest.RawRecord, want *chunk.Record) string {
	same := func(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("id %q, want %q", got.ID, want.ID)
	case !sameVector(dumpedVector(got), want.Embedding):
		return fmt.Sprintf("embedding %v, want %v", dumpedVector(got), want.Embedding)
	case !same(got.Document, want.Document):
		return fmt.Sprintf("document %v, want %v", got.Document, want.Document)
	case !same(got.URI, want.URI):
		return fmt.Sprintf("uri %v, want %v", got.URI, want.URI)
	case len(got.Metadata) != len(want.Metadata):
		return fmt.Sprintf("metadata %v, want %v", got.Metadata, want.Metadata)
	}
	for _, f := range want.Metadata {
		if v, ok := got.Metadata[f.Key]; !ok || !sameValue(v, f.Value) {
			return fmt.Sprintf("metadata %q: %v, want %v", f.Key, v, f.Value)
		}
	}
	return ""
}

func sameValue(got any, want chunk.Value) bool {
	switch want.Type {
	case chunk.String:
		return got == want.Str
	case chunk.Bool:
		return got == want.Bool
	case chunk.Int:
		n, ok := got.(json.Number)
		return ok && n.String() == strconv.FormatInt(want.Int, 10)
	case chunk.Float:
		n, ok := got.(json.Number)
		x, err := strconv.ParseFloat(n.String(), 64)
		return ok && err == nil && strings.ContainsAny(n.String(), ".eE") && math.Float64bits(x) == math.Float64bits(want.Float)
	case chunk.Array:
		a, ok := got.([]any)
		return ok && slices.EqualFunc(a, want.Array, sameValue)
	}
	return false
}

func (p place) compare(t *testing.T, want []chunk.Record) {
	t.Helper()
	got := p.Dump(p.c.Name)
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if d := differs(got[i], &want[i]); d != "" {
			t.Errorf("record %d, %q: %s", i, want[i].ID, d)
		}
	}
}

// TestWriteCosine: what a server answered for vectors of any kind is written to
// another collection, over other vectors too, and must be answered again.
func TestWriteCosine(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		r := newRand(t)
		for _, x := range []struct{ dim, n int }{{3, 200}, {5, 200}, {8, 200}, {17, 200}, {384, 240}, {1536, 60}} {
			source := newPlace(t, c, fmt.Sprintf("source-%d", x.dim), SpaceCosine)
			target := newPlace(t, c, fmt.Sprintf("target-%d", x.dim), SpaceCosine)
			ids, sent := make([]string, x.n), make([][]float32, x.n)
			for i := range ids {
				ids[i], sent[i] = strconv.Itoa(i), testVector(r, x.dim, vectorKinds[i%len(vectorKinds)])
			}
			source.Add(source.c.ServerID, map[string]any{"ids": ids, "embeddings": sent})
			want := make([]chunk.Record, x.n)
			for i, record := range source.Dump(source.c.Name) {
				want[i] = chunk.Record{ID: record.ID, Embedding: dumpedVector(record)}
				if !sameVector(want[i].Embedding, roundTrip(sent[i])) {
					t.Fatalf("%d dimensions: %v is answered as %v, not as foretold", x.dim, sent[i], want[i].Embedding)
				}
			}
			changes := additions(want)
			if report := target.write(t, changes); len(report.Inexact) > 0 || report.Added != x.n {
				t.Errorf("%d dimensions: %+v", x.dim, report)
			}
			target.compare(t, want)

			half := slices.Clone(want[:x.n/2]) // each gets the vector of another
			changes = changes[:len(half)]
			for i := range half {
				half[i].Embedding = want[x.n-1-i].Embedding
				changes[i] = chunk.Change{Have: &want[i], Want: &half[i]}
			}
			if report := target.write(t, changes); len(report.Inexact) > 0 || report.Updated != len(half) {
				t.Errorf("%d dimensions, updates: %+v", x.dim, report)
			}
			target.compare(t, append(half, want[len(half):]...))
		}
	})
}

// TestWriteCosineNames: vectors that no cosine collection ever answered.
func TestWriteCosineNames(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		r := newRand(t)
		p := newPlace(t, c, "names", SpaceCosine)
		want := []chunk.Record{
			{ID: "zero", Embedding: make([]float32, 20)},
			{ID: "overflow", Embedding: append([]float32{1e30}, make([]float32, 19)...)},
			{ID: "underflow", Embedding: append([]float32{1e-30}, make([]float32, 19)...)},
		}
		for i := range 200 {
			want = append(want, chunk.Record{ID: strconv.Itoa(i), Embedding: testVector(r, 20, "long")})
		}
		report := p.write(t, additions(want))
		named := map[string]chunk.Inexact{}
		for _, i := range report.Inexact {
			if i.Where != "embedding" || i.Distance == "" {
				t.Errorf("named as %+v", i)
			}
			named[i.ID] = i
		}
		for i, got := range p.Dump("names") {
			_, isNamed := named[got.ID]
			if exact := sameVector(dumpedVector(got), want[i].Embedding); exact == isNamed {
				t.Errorf("record %q: exact %v, named %v", got.ID, exact, isNamed)
			}
			if dumpedVector(got) == nil {
				t.Errorf("record %q cannot be read again", got.ID)
			}
		}
		t.Logf("%d of %d vectors of another space are named; %+v", len(named), len(want), named["overflow"])
	})
}

// TestWriteOtherSpaces: l2 and ip keep what they are sent.
func TestWriteOtherSpaces(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		r := newRand(t)
		for _, space := range []string{SpaceL2, SpaceIP} {
			var want []chunk.Record
			for i := range 100 {
				v := make([]float32, 7)
				for j := range v {
					for v[j] = float32(math.NaN()); math.IsNaN(float64(v[j])) || math.IsInf(float64(v[j]), 0); {
						v[j] = math.Float32frombits(r.Uint32())
					}
				}
				v[0] = []float32{negativeZero, math.SmallestNonzeroFloat32, math.MaxFloat32, 0}[i%4]
				want = append(want, chunk.Record{ID: strconv.Itoa(i), Embedding: v})
			}
			p := newPlace(t, c, "space-"+space, space)
			if report := p.write(t, additions(want)); len(report.Inexact) > 0 {
				t.Errorf("%s: %+v", space, report.Inexact)
			}
			p.compare(t, want)

			// The same as decimals, for servers that have no base64.
			decimal := newPlace(t, c, "decimal-"+space, space)
			e := &encoder{}
			var all []*step
			for i := range want {
				all = append(all, addition(&chunk.Change{Want: &want[i]}, want[i].Embedding))
			}
			decimal.Server.Do(t, "POST", decimal.Path(decimal.c.ServerID, "add"), e.body(nil, verbAdd, all))
			decimal.compare(t, want)
		}
	})
}
