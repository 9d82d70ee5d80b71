package chunk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Truncate drops all rows from n on.
func (r *Rows) Truncate(n int) {
	if n >= len(r.ends) {
		return
	}
	r.ends = r.ends[:n]
	if n == 0 {
		r.data = r.data[:0]
	} else {
		r.data = r.data[:r.ends[n-1]]
	}
	if r.absent != nil {
		if r.absent = r.absent[:n]; !slices.Contains(r.absent, true) {
			r.absent = nil
		}
	}
}

// View makes r count rows of o from first on, at least one, in the memory of o:
// it is valid until o changes, and not to be changed itself.
func (r *Rows) View(o *Rows, first, count int) {
	start := 0
	if first > 0 {
		start = o.ends[first-1]
	}
	r.kind, r.dim, r.absent = o.kind, o.dim, nil
	r.ends = slices.Grow(r.ends[:0], count)
	for _, end := range o.ends[first : first+count] {
		r.ends = append(r.ends, end-start)
	}
	r.data = o.data[start : start+r.ends[count-1]]
	if o.absent != nil {
		r.absent = o.absent[first : first+count]
	}
}

// MetadataWriter makes canonical rows of metadata from fields in any order,
// without memory of its own for each of them: the way in for a decoder. A field
// is Key and then one value; a row is its fields, then AppendTo. The zero value
// is ready.
type MetadataWriter struct {
	buf      []byte // keys and values one after the other, as they came
	fields   []metadataField
	inArray  bool
	array    int // where the elements of the array in hand begin
	elements int // how many there are
}

type metadataField struct {
	key, value, end int // places in buf
	null            bool
}

// Reset forgets the row in hand.
func (w *MetadataWriter) Reset() {
	w.buf, w.fields, w.inArray = w.buf[:0], w.fields[:0], false
}

// Key begins a field.
func (w *MetadataWriter) Key(key []byte) {
	at := len(w.buf)
	w.buf = append(w.buf, key...)
	w.fields = append(w.fields, metadataField{at, len(w.buf), len(w.buf), false})
}

// Null gives the field no value: it will not be in the row. Its key still may
// not stand twice.
func (w *MetadataWriter) Null() { w.fields[len(w.fields)-1].null = true }

// String is a value or an element of an array; s is UTF-8.
func (w *MetadataWriter) String(s []byte) {
	w.buf = binary.AppendUvarint(append(w.buf, byte(String)), uint64(len(s)))
	w.buf = append(w.buf, s...)
	w.done()
}

// Int is a value or an element of an array.
func (w *MetadataWriter) Int(v int64) {
	w.buf = binary.AppendVarint(append(w.buf, byte(Int)), v)
	w.done()
}

// Float is a value or an element of an array.
func (w *MetadataWriter) Float(v float64) {
	w.buf = binary.LittleEndian.AppendUint64(append(w.buf, byte(Float)), math.Float64bits(v))
	w.done()
}

// Bool is a value or an element of an array.
func (w *MetadataWriter) Bool(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	w.buf = append(w.buf, byte(Bool), b)
	w.done()
}

// JSON is a value of no other type; text is what CanonicalJSON gives.
func (w *MetadataWriter) JSON(text []byte) {
	w.buf = binary.AppendUvarint(append(w.buf, byte(JSON)), uint64(len(text)))
	w.buf = append(w.buf, text...)
	w.done()
}

// BeginArray makes the scalars up to EndArray the elements of one value.
func (w *MetadataWriter) BeginArray() {
	w.inArray, w.array, w.elements = true, len(w.buf), 0
}

// EndArray ends the value that BeginArray began.
func (w *MetadataWriter) EndArray() {
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = byte(Array)
	n := 1 + binary.PutUvarint(head[1:], uint64(w.elements))
	w.buf = slices.Insert(w.buf, w.array, head[:n]...)
	w.inArray = false
	w.done()
}

// CancelArray takes back BeginArray and the elements since.
func (w *MetadataWriter) CancelArray() {
	w.buf, w.inArray = w.buf[:w.array], false
}

func (w *MetadataWriter) done() {
	if w.inArray {
		w.elements++
		return
	}
	w.fields[len(w.fields)-1].end = len(w.buf)
}

func (w *MetadataWriter) key(f metadataField) []byte { return w.buf[f.key:f.value] }

// AppendTo appends the canonical row. ok is false, and dst as it was, when no
// field has a value: such a row is absent. A key that stands twice is an error.
func (w *MetadataWriter) AppendTo(dst []byte) (row []byte, ok bool, err error) {
	slices.SortFunc(w.fields, func(a, b metadataField) int { return bytes.Compare(w.key(a), w.key(b)) })
	n := 0
	for i, f := range w.fields {
		if i > 0 && bytes.Equal(w.key(f), w.key(w.fields[i-1])) {
			return dst, false, fmt.Errorf("metadata key %q stands twice", w.key(f))
		}
		if !f.null {
			n++
		}
	}
	if n == 0 {
		return dst, false, nil
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for _, f := range w.fields {
		if f.null {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(f.value-f.key))
		dst = append(dst, w.buf[f.key:f.end]...)
	}
	return dst, true, nil
}
