package tree

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/chunk"
)

// plainStore leaves out what memStore checks.
type plainStore struct{ memStore }

func (s *plainStore) Load(_ context.Context, id chunk.ID) ([]byte, error) { return s.chunks[id], nil }

func (s *plainStore) Save(_ context.Context, id chunk.ID, b []byte) error {
	s.chunks[id] = slices.Clone(b)
	return nil
}

// benchTree is a tree of 10,000 records of 384 dimensions: 15 MB.
func benchTree(b *testing.B) (*maker, *plainStore, []chunk.Record, Collection) {
	m := &maker{Rand: rand.New(rand.NewPCG(1, 1)), dim: 384}
	s := &plainStore{*newMemStore()}
	recs := m.records(10_000)
	return m, s, recs, buildFresh(b, m.Rand, s, m.dim, recs)
}

// BenchmarkApply changes one record, or one in each of many groups.
func BenchmarkApply(b *testing.B) {
	m, s, recs, c := benchTree(b)
	for _, kind := range []chunk.Kind{chunk.Embeddings, chunk.Metadatas} {
		for name, step := range map[string]int{"one": len(recs), "many": 200} {
			var splices []modelSplice
			for at := step / 2; at < len(recs); at += step {
				rec := recs[at]
				m.change(&rec, kind)
				splices = append(splices, modelSplice{at, 1, []chunk.Record{rec}})
			}
			b.Run(name+" of "+kind.String(), func(b *testing.B) {
				in := asSplices(splices, m.dim)
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := Apply(b.Context(), s, c, m.dim, in); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(splices)), "µs/record")
			})
		}
	}
}

// BenchmarkBuild gives the cost of a whole pass: afresh, and on the same state.
func BenchmarkBuild(b *testing.B) {
	m, s, recs, c := benchTree(b)
	page := asRecords(recs, m.dim)
	b.Run("floor", func(b *testing.B) { // the hash of the same rows
		b.SetBytes(int64(page.Bytes()))
		var scratch []byte
		for b.Loop() {
			for _, rows := range page.Columns {
				_, scratch = rows.ContentID(s.h, scratch)
			}
		}
	})
	b.Run("afresh", func(b *testing.B) {
		b.SetBytes(int64(page.Bytes()))
		b.ReportAllocs()
		for b.Loop() {
			s := &plainStore{*newMemStore()}
			builder := NewBuilder(s, m.dim)
			if err := builder.Add(b.Context(), page); err != nil {
				b.Fatal(err)
			}
			if _, _, err := builder.Finish(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		b.SetBytes(int64(page.Bytes()))
		b.ReportAllocs()
		for b.Loop() {
			builder, err := NewBuilderOn(b.Context(), s, m.dim, c)
			if err != nil {
				b.Fatal(err)
			}
			if err := builder.Add(b.Context(), page); err != nil {
				b.Fatal(err)
			}
			if _, _, err := builder.Finish(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	_, s, _, c := benchTree(b)
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(s)
		if err := r.Groups(b.Context(), c, func(_ int64, g Group) error {
			_, err := r.Records(b.Context(), g)
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(15 << 20)
}
