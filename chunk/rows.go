package chunk

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

const (
	// TargetSize is where a chunk that gathers new rows is closed, in canonical
	// bytes: larger chunks compress no better (docs/benchmarks.md), smaller ones
	// cost more directory.
	TargetSize = 256 << 10
	// MaxSize is what a chunk of several rows never exceeds; a larger row is
	// alone in its chunk.
	MaxSize = 4 << 20
	// MaxRow bounds a single row, and so every chunk: Chroma refuses bodies over
	// 40 MiB by default, and a row arrives in one.
	MaxRow = 256 << 20
	// MaxDimension bounds the components of an embedding, which is a row.
	MaxDimension = MaxRow / 4
	// MaxRows bounds the rows of one chunk, which may have few bytes or none.
	MaxRows = 1 << 16
)

// Rows is a run of rows of one kind. A row is a byte string or absent:
//
//   - ids, documents, uris: UTF-8 bytes;
//   - embeddings: dimension × 4 bytes little-endian; with null components
//     (damage) these read as zero and a bit set of them follows;
//   - metadatas: see AppendMetadata;
//   - entries of the tree: see package tree.
//
// The zero Rows is not usable; see NewRows.
type Rows struct {
	kind   Kind
	dim    int
	data   []byte
	ends   []int
	absent []bool // nil while no row was absent
}

// NewRows makes an empty run. dim is the number of components of embeddings
// and ignored for other kinds.
func NewRows(kind Kind, dim int) *Rows {
	if kind != Embeddings {
		dim = 0
	}
	return &Rows{kind: kind, dim: dim}
}

// Kind of the rows.
func (r *Rows) Kind() Kind { return r.kind }

// Dim is the number of components of embeddings, 0 for other kinds.
func (r *Rows) Dim() int { return r.dim }

// Len is the number of rows.
func (r *Rows) Len() int { return len(r.ends) }

// Bytes is the length of all rows together.
func (r *Rows) Bytes() int { return len(r.data) }

// Row gives row i, valid until the next change of r, and whether it is present.
func (r *Rows) Row(i int) (row []byte, present bool) {
	if r.absent != nil && r.absent[i] {
		return nil, false
	}
	start := 0
	if i > 0 {
		start = r.ends[i-1]
	}
	return r.data[start:r.ends[i]:r.ends[i]], true
}

// Equal reports whether row i of r and row j of o say the same.
func (r *Rows) Equal(i int, o *Rows, j int) bool {
	a, pa := r.Row(i)
	b, pb := o.Row(j)
	return pa == pb && (!pa || r.dim == o.dim && bytes.Equal(a, b))
}

// AllAbsent reports whether no row is present; such a column has no chunk.
func (r *Rows) AllAbsent() bool {
	for i := range r.ends {
		if r.absent == nil || !r.absent[i] {
			return false
		}
	}
	return true
}

// Grow makes room for rows of n bytes in all.
func (r *Rows) Grow(n int) { r.data = slices.Grow(r.data, n) }

// room makes room for n more bytes of rows. Memory at least doubles: append
// alone adds a quarter at a time, and so takes five times in all what is needed
// in the end; and memory that is new costs more than what is done in it.
func (r *Rows) room(n int) {
	if cap(r.data)-len(r.data) < n {
		r.data = slices.Grow(r.data, max(n, len(r.data)))
	}
}

// Append adds a present row.
func (r *Rows) Append(row []byte) {
	r.room(len(row))
	r.data = append(r.data, row...)
	r.closeRow()
}

// AppendString adds a present row.
func (r *Rows) AppendString(row string) {
	r.room(len(row))
	r.data = append(r.data, row...)
	r.closeRow()
}

// AppendWith adds a present row that f appends to its argument, which has room
// for size bytes.
func (r *Rows) AppendWith(size int, f func(dst []byte) []byte) {
	r.room(size)
	r.data = f(r.data)
	r.closeRow()
}

// AppendVector adds a present embedding. null marks components that have no
// value, or is nil.
func (r *Rows) AppendVector(v []float32, null []bool) {
	for i, x := range v {
		bits := math.Float32bits(x)
		if null != nil && null[i] {
			bits = 0
		}
		r.data = append(r.data, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
	}
	if null != nil {
		r.data = appendBits(r.data, len(null), func(i int) bool { return null[i] })
	}
	r.closeRow()
}

// AppendAbsent adds an absent row.
func (r *Rows) AppendAbsent() {
	if r.absent == nil {
		r.absent = make([]bool, len(r.ends), cap(r.ends)+1)
	}
	r.ends = append(r.ends, len(r.data))
	r.absent = append(r.absent, true)
}

// AppendRows adds count rows of o from first on. Embeddings that are present
// have the dimension of r.
func (r *Rows) AppendRows(o *Rows, first, count int) {
	if count == 0 {
		return
	}
	start := 0
	if first > 0 {
		start = o.ends[first-1]
	}
	shift := len(r.data) - start
	r.room(o.ends[first+count-1] - start)
	r.data = append(r.data, o.data[start:o.ends[first+count-1]]...)
	if r.absent == nil && o.absent != nil {
		r.absent = make([]bool, len(r.ends), len(r.ends)+count)
	}
	for i := first; i < first+count; i++ {
		r.ends = append(r.ends, o.ends[i]+shift)
		if r.absent != nil {
			r.absent = append(r.absent, o.absent != nil && o.absent[i])
		}
	}
}

func (r *Rows) closeRow() {
	r.ends = append(r.ends, len(r.data))
	if r.absent != nil {
		r.absent = append(r.absent, false)
	}
}

// Reset empties r, keeps its memory, and sets the dimension of what comes.
func (r *Rows) Reset(dim int) {
	if r.kind != Embeddings {
		dim = 0
	}
	r.dim, r.data, r.ends, r.absent = dim, r.data[:0], r.ends[:0], nil
}

// validRow says what is wrong with a present row of r.
func (r *Rows) validRow(row []byte) error {
	switch r.kind {
	case IDs:
		if len(row) == 0 {
			return fmt.Errorf("empty id")
		}
	case Embeddings:
		holes := len(row) - 4*r.dim
		if holes == 0 {
			return nil
		}
		if holes != (r.dim+7)/8 {
			return fmt.Errorf("embedding of %d bytes in %d dimensions", len(row), r.dim)
		}
		return validHoles(row, r.dim)
	case Metadatas:
		return validMetadata(row)
	}
	if r.kind <= URIs && !utf8.Valid(row) {
		return fmt.Errorf("invalid UTF-8")
	}
	return nil
}

// validHoles checks the bit set behind an embedding with null components: at
// least one, none beyond the dimension, and zero where there is no value.
func validHoles(row []byte, dim int) error {
	set := row[4*dim:]
	any := false
	for i := 0; i < len(set)*8; i++ {
		if set[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i >= dim {
			return fmt.Errorf("null component beyond the dimension")
		}
		any = true
		if [4]byte(row[4*i:4*i+4]) != [4]byte{} {
			return fmt.Errorf("null component with a value")
		}
	}
	if !any {
		return fmt.Errorf("null components announced, none marked")
	}
	return nil
}

func appendBits(dst []byte, n int, bit func(i int) bool) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, (n+7)/8)...)
	for i := range n {
		if bit(i) {
			dst[at+i/8] |= 1 << (i % 8)
		}
	}
	return dst
}
