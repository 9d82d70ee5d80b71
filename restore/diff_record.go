package restore

import (
	"context"
	"math"

	"autochrome/chunk"
	"autochrome/tree"
)

// RecordDiff is how one record differs. Of a changed one it has the values that
// differ, of one that only one side has all but the embedding, of one that was
// only moved none.
type RecordDiff struct {
	Collection string
	ID         string
	Op         tree.Op
	Moved      bool           // changed, and also at another place in the order
	Columns    tree.ColumnSet // that differ, where it is changed
	Metadata   []ValueDiff    // by key
	Document   *ValueDiff     // nil: none on either side, or the same
	URI        *ValueDiff     // likewise
	Embedding  *EmbeddingDiff // nil: the same, or not read
}

// ValueDiff is a value on both sides; nil where a side does not have it.
type ValueDiff struct {
	Name   string
	Before *chunk.Value
	After  *chunk.Value
}

// EmbeddingDiff is how far two embeddings are apart.
type EmbeddingDiff struct {
	Before, After         int // components; 0: there is no embedding, which is damage
	NullBefore, NullAfter int // components without a value, which are damage

	// Comparable says whether the rest means anything: both sides have as many
	// components, and each has a value.
	Comparable bool
	Cosine     float64 // distance, 0 to 2; NaN where one is the zero vector
	Largest    float64 // change of one component; 0 where only the sign of a zero differs
	At         int     // which component that is
}

func diffRecord(ctx context.Context, x tree.Difference) (d RecordDiff, err error) {
	d = RecordDiff{ID: x.ID, Op: x.Op, Moved: x.Moved, Columns: x.Columns}
	var a, b chunk.Record
	kinds := []chunk.Kind{chunk.Documents, chunk.Metadatas, chunk.URIs}
	switch x.Op {
	case tree.Moved:
		return d, nil
	case tree.Removed:
		a, err = x.Before(ctx, kinds...)
	case tree.Added:
		b, err = x.After(ctx, kinds...)
	default:
		kinds = kinds[:0]
		for _, k := range chunk.Columns {
			if x.Columns.Has(k) {
				kinds = append(kinds, k)
			}
		}
		if len(kinds) == 0 {
			return d, nil
		}
		if a, err = x.Before(ctx, kinds...); err == nil {
			b, err = x.After(ctx, kinds...)
		}
		if x.Columns.Has(chunk.Embeddings) {
			d.Embedding = diffEmbeddings(a, b)
		}
	}
	d.Metadata = diffMetadata(a.Metadata, b.Metadata)
	d.Document = diffText("document", a.Document, b.Document)
	d.URI = diffText("uri", a.URI, b.URI)
	return d, err
}

// diffMetadata gives the keys that differ, in order.
func diffMetadata(a, b chunk.Metadata) []ValueDiff {
	var out []ValueDiff
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Key < b[0].Key:
			out = append(out, ValueDiff{Name: a[0].Key, Before: &a[0].Value})
			a = a[1:]
		case len(a) == 0 || b[0].Key < a[0].Key:
			out = append(out, ValueDiff{Name: b[0].Key, After: &b[0].Value})
			b = b[1:]
		default:
			if !a[0].Value.Equal(b[0].Value) {
				out = append(out, ValueDiff{a[0].Key, &a[0].Value, &b[0].Value})
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}

func diffText(name string, a, b *string) *ValueDiff {
	if a == nil && b == nil || a != nil && b != nil && *a == *b {
		return nil
	}
	value := func(s *string) *chunk.Value {
		if s == nil {
			return nil
		}
		return &chunk.Value{Type: chunk.String, Str: *s}
	}
	return &ValueDiff{name, value(a), value(b)}
}

func diffEmbeddings(a, b chunk.Record) *EmbeddingDiff {
	nulls := func(r chunk.Record) (n int) {
		for _, null := range r.Null {
			if null {
				n++
			}
		}
		return n
	}
	d := &EmbeddingDiff{Before: len(a.Embedding), After: len(b.Embedding), NullBefore: nulls(a), NullAfter: nulls(b)}
	d.Comparable = d.Before > 0 && d.Before == d.After && d.NullBefore+d.NullAfter == 0
	if !d.Comparable {
		return d
	}
	var normA, normB float64
	for i := range a.Embedding {
		x, y := float64(a.Embedding[i]), float64(b.Embedding[i])
		normA, normB = normA+x*x, normB+y*y
		if change := math.Abs(x - y); change > d.Largest {
			d.Largest, d.At = change, i
		}
	}
	normA, normB = math.Sqrt(normA), math.Sqrt(normB)
	if normA == 0 || normB == 0 {
		d.Cosine = math.NaN()
		return d
	}
	for i := range a.Embedding { // half the square between the unit vectors: exact also where they are close
		between := float64(a.Embedding[i])/normA - float64(b.Embedding[i])/normB
		d.Cosine += between * between / 2
	}
	return d
}
