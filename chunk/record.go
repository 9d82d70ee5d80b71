package chunk

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Record is one record of a collection.
type Record struct {
	ID        string
	Embedding []float32 // nil: none, which is damage in Chroma
	Null      []bool    // components without a value (damage), nil: none
	Document  *string   // nil: none; empty is a document too
	URI       *string
	Metadata  Metadata
}

// Records is a run of records as five columns of the same length.
type Records struct {
	Columns [NumColumns]*Rows // by Kind.Column
}

// NewRecords makes an empty run for embeddings of dim components.
func NewRecords(dim int) *Records {
	r := &Records{}
	for i, k := range Columns {
		r.Columns[i] = NewRows(k, dim)
	}
	return r
}

// Column gives one column.
func (r *Records) Column(k Kind) *Rows { return r.Columns[k.Column()] }

// Len is the number of records.
func (r *Records) Len() int { return r.Columns[0].Len() }

// Bytes is the length of all rows together.
func (r *Records) Bytes() int {
	n := 0
	for _, c := range r.Columns {
		n += c.Bytes()
	}
	return n
}

// ID gives the id of record i, valid until the next change of r.
func (r *Records) ID(i int) []byte {
	id, _ := r.Columns[0].Row(i)
	return id
}

// Reset empties r, keeps its memory, and sets the dimension of what comes.
func (r *Records) Reset(dim int) {
	for _, c := range r.Columns {
		c.Reset(dim)
	}
}

// AppendRecords adds count records of o from first on.
func (r *Records) AppendRecords(o *Records, first, count int) {
	for i, c := range r.Columns {
		c.AppendRows(o.Columns[i], first, count)
	}
}

// View makes r count records of o from first on, at least one, in the memory of
// o: it is valid until o changes, and not to be changed itself.
func (r *Records) View(o *Records, first, count int) {
	for i, c := range r.Columns {
		c.View(o.Columns[i], first, count)
	}
}

// Append adds one record. Its embedding has the dimension of r.
func (r *Records) Append(rec Record) {
	r.Column(IDs).AppendString(rec.ID)
	if rec.Embedding == nil {
		r.Column(Embeddings).AppendAbsent()
	} else {
		r.Column(Embeddings).AppendVector(rec.Embedding, rec.Null)
	}
	appendText := func(c *Rows, s *string) {
		if s == nil {
			c.AppendAbsent()
		} else {
			c.AppendString(*s)
		}
	}
	appendText(r.Column(Documents), rec.Document)
	if len(rec.Metadata) == 0 {
		r.Column(Metadatas).AppendAbsent()
	} else {
		r.Column(Metadatas).AppendWith(0, func(dst []byte) []byte { return AppendMetadata(dst, rec.Metadata) })
	}
	appendText(r.Column(URIs), rec.URI)
}

// Record gives record i with memory of its own.
func (r *Records) Record(i int) (Record, error) {
	rec := Record{ID: string(r.ID(i)), Document: r.text(Documents, i), URI: r.text(URIs, i)}
	if row, ok := r.Column(Embeddings).Row(i); ok {
		rec.Embedding, rec.Null = DecodeVector(row, r.Column(Embeddings).Dim())
	}
	if row, ok := r.Column(Metadatas).Row(i); ok {
		m, err := DecodeMetadata(row)
		if err != nil {
			return rec, fmt.Errorf("record %q: %w", rec.ID, err)
		}
		rec.Metadata = m
	}
	return rec, nil
}

func (r *Records) text(k Kind, i int) *string {
	row, ok := r.Column(k).Row(i)
	if !ok {
		return nil
	}
	s := string(row)
	return &s
}

// Equal reports whether record i of r and record j of o are the same in every
// column.
func (r *Records) Equal(i int, o *Records, j int) bool {
	for c := range r.Columns {
		if !r.Columns[c].Equal(i, o.Columns[c], j) {
			return false
		}
	}
	return true
}

// Damage says what record i lacks that every Chroma record has, or "".
func (r *Records) Damage(i int) string {
	c := r.Column(Embeddings)
	row, present := c.Row(i)
	switch {
	case !present:
		return "no embedding"
	case c.holed(row):
		return "embedding with null components"
	}
	return ""
}

// DecodeVector reads an embedding's row of dim components; null is nil where
// every component has a value.
func DecodeVector(row []byte, dim int) (v []float32, null []bool) {
	v = make([]float32, dim)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:]))
	}
	if set := row[4*dim:]; len(set) > 0 {
		null = make([]bool, dim)
		for i := range null {
			null[i] = set[i/8]>>(i%8)&1 != 0
		}
	}
	return v, null
}
