package chroma

import (
	"fmt"
	"sync"

	"autochrome/chunk"
)

// Decode reads the answer to a get request that included everything and
// appends its records to into, in the answer's order. It goes by hand over the
// text and straight into the columns: see docs/benchmarks.md for what that is
// worth. What it cannot read exactly it refuses with ErrAnswer, and leaves into
// as it was.
//
// Embeddings must have the dimension of into. A null component and a null
// embedding are kept as such: package chunk calls them damage. Documents, uris
// and metadatas may be missing or null as a whole; embeddings may not.
func Decode(body []byte, into *chunk.Records) error { return decode(body, into, false) }

// decode is Decode; some: columns that were not asked for may be missing, the
// embeddings too.
func decode(body []byte, into *chunk.Records, some bool) error {
	d := decoders.Get().(*decoder)
	defer func() {
		d.b, d.err = nil, nil
		decoders.Put(d)
	}()
	before := into.Len()
	d.b, d.some, d.dim = body, some, into.Column(chunk.Embeddings).Dim()
	if err := d.page(into); err != nil {
		for _, c := range into.Columns {
			c.Truncate(before)
		}
		return &Error{Op: "decode records", Kind: ErrAnswer, Message: err.Error(), Err: err}
	}
	return nil
}

// decoder goes over one answer. Methods that walk take a place in b and give
// the place behind what they read, or -1 with err set.
type decoder struct {
	b    []byte
	some bool // columns may be missing
	dim  int
	err  error

	at           int // where appendVector and appendMetadata begin, and end
	scratch      []byte
	metadata     chunk.MetadataWriter
	appendVector func(dst []byte) []byte // method values, made once
	null         []int                   // components of the vector in hand
}

var decoders = sync.Pool{New: func() any {
	d := &decoder{}
	d.appendVector = d.vector
	return d
}}

// fail notes what is wrong at place i.
func (d *decoder) fail(i int, format string, args ...any) int {
	if d.err == nil {
		what := fmt.Sprintf(format, args...)
		if i >= len(d.b) {
			what += ", and the answer ends there"
		}
		d.err = fmt.Errorf("%s (at byte %d of %d)", what, i, len(d.b))
	}
	return -1
}

// next skips white space and then one byte that is either of two.
func (d *decoder) next(i int, a, b byte, where string) (got byte, end int) {
	i = skipSpace(d.b, i)
	if i >= len(d.b) || d.b[i] != a && d.b[i] != b {
		return 0, d.fail(i, "%s: %q or %q expected", where, a, b)
	}
	return d.b[i], i + 1
}

// members are the fields of an answer, in the order of chunk.Columns.
var members = [chunk.NumColumns]string{"ids", "embeddings", "documents", "metadatas", "uris"}

// page reads the whole answer.
func (d *decoder) page(into *chunk.Records) error {
	var seen, filled [chunk.NumColumns]bool
	before := into.Len()
	i := d.object(0, "the answer", func(key []byte, i int) int {
		for c, name := range members {
			if string(key) != name {
				continue
			}
			if seen[c] {
				return d.fail(i, "%s: stands twice", name)
			}
			seen[c] = true
			if isNull(d.b, i) {
				return i + len("null")
			}
			filled[c] = true
			if rows := into.Columns[c]; rows.Kind() == chunk.Embeddings {
				// The ids come first, so it is known how many; no more than may still come.
				n := min((into.Len()-before)*4*d.dim, 2*(len(d.b)-i))
				rows.Grow(n + n/8)
			}
			return d.column(i, into.Columns[c])
		}
		return d.skip(i, "the answer")
	})
	if i >= 0 {
		if i = skipSpace(d.b, i); i != len(d.b) {
			d.fail(i, "text behind the answer")
		}
	}
	if d.err != nil {
		return d.err
	}
	n := into.Len() - before
	for c, rows := range into.Columns {
		have := rows.Len() - before
		switch {
		case filled[c] && have != n:
			return fmt.Errorf("%d ids but %d %s", n, have, members[c])
		case filled[c]:
		case c == chunk.IDs.Column(), c == chunk.Embeddings.Column() && n > 0 && !d.some:
			return fmt.Errorf("no %s", members[c])
		default:
			for range n {
				rows.AppendAbsent()
			}
		}
	}
	return nil
}

// object walks over an object; field reads the value at i that belongs to key.
// key is valid until field returns.
func (d *decoder) object(i int, where string, field func(key []byte, i int) int) int {
	i = skipSpace(d.b, i)
	if i >= len(d.b) || d.b[i] != '{' {
		return d.fail(i, "%s: '{' expected", where)
	}
	i = skipSpace(d.b, i+1)
	if i < len(d.b) && d.b[i] == '}' {
		return i + 1
	}
	for {
		key, end := d.text(i, where)
		if end < 0 {
			return -1
		}
		i = skipSpace(d.b, end)
		if i >= len(d.b) || d.b[i] != ':' {
			return d.fail(i, "%s: ':' expected", where)
		}
		if i = field(key, skipSpace(d.b, i+1)); i < 0 {
			return -1
		}
		var got byte
		if got, i = d.next(i, ',', '}', where); i < 0 || got == '}' {
			return i
		}
		i = skipSpace(d.b, i)
	}
}

// text reads a string; it is valid until the next.
func (d *decoder) text(i int, where string) (text []byte, end int) {
	raw, escaped, end := stringAt(d.b, i)
	if end < 0 {
		return nil, d.fail(i, "%s: not a string of valid UTF-8", where)
	}
	if !escaped {
		return raw, end
	}
	var ok bool
	if d.scratch, ok = unescape(d.scratch[:0], raw); !ok {
		return nil, d.fail(i, "%s: a string with an escape that is no text", where)
	}
	return d.scratch, end
}

// skip passes over a value.
func (d *decoder) skip(i int, where string) int {
	end := valueAt(d.b, i, 0, &d.scratch)
	if end < 0 {
		return d.fail(i, "%s: not a JSON value", where)
	}
	return end
}

// column reads an array of rows.
func (d *decoder) column(i int, rows *chunk.Rows) int {
	where := members[rows.Kind().Column()]
	if i >= len(d.b) || d.b[i] != '[' {
		return d.fail(i, "%s: '[' expected", where)
	}
	i = skipSpace(d.b, i+1)
	if i < len(d.b) && d.b[i] == ']' {
		return i + 1
	}
	for {
		switch kind := rows.Kind(); {
		case kind != chunk.IDs && isNull(d.b, i):
			rows.AppendAbsent()
			i += len("null")
		case kind == chunk.Embeddings:
			i = d.embedding(i, rows)
		case kind == chunk.Metadatas:
			i = d.row(i, rows)
		default:
			text, end := d.text(i, where)
			if i = end; i < 0 {
				return -1
			}
			if kind == chunk.IDs && len(text) == 0 {
				return d.fail(i, "ids: an empty id")
			}
			rows.Append(text)
		}
		if i < 0 {
			return -1
		}
		var got byte
		if got, i = d.next(i, ',', ']', where); i < 0 || got == ']' {
			return i
		}
		i = skipSpace(d.b, i)
	}
}

// embedding reads one vector.
func (d *decoder) embedding(i int, rows *chunk.Rows) int {
	if i >= len(d.b) || d.b[i] != '[' {
		return d.fail(i, "embeddings: '[' expected")
	}
	i = skipSpace(d.b, i+1)
	if i < len(d.b) && d.b[i] == ']' { // a vector without components is none
		rows.AppendAbsent()
		return i + 1
	}
	if d.dim == 0 {
		return d.fail(i, "embeddings: a vector in a collection without a dimension")
	}
	if d.dim > (len(d.b)-i)/2 { // each has a byte behind it: memory is only for what can be there
		return d.fail(len(d.b), "embeddings: a vector of fewer than the collection's %d components", d.dim)
	}
	d.at = i
	rows.AppendWith(4*d.dim, d.appendVector)
	return d.at
}

// vector appends the row of the embedding whose first component is at d.at.
func (d *decoder) vector(dst []byte) []byte {
	i := d.at
	d.at = -1
	d.null = d.null[:0]
	start := len(dst)
	dst = dst[:start+4*d.dim]
	row := dst[start:]
	for k := 0; ; k++ {
		done, end := componentsAt(d.b, i, row[4*k:])
		if done > 0 {
			k += done / 4
			if i = end; i < len(d.b) && d.b[i] <= ' ' {
				i = skipSpace(d.b, i)
			}
		}
		if k == d.dim {
			d.fail(i, "embeddings: a vector of more than the collection's %d components", d.dim)
			return dst
		}
		var bits uint32
		bits, end = float32At(d.b, i)
		if end < 0 {
			if !isNull(d.b, i) {
				d.fail(i, "embeddings: not a float32")
				return dst
			}
			bits, end = 0, i+len("null")
			d.null = append(d.null, k)
		}
		row[4*k], row[4*k+1], row[4*k+2], row[4*k+3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
		i = end
		got, end := d.next(i, ',', ']', "embeddings")
		if end < 0 {
			return dst
		}
		if got == ',' {
			i = skipSpace(d.b, end)
			continue
		}
		if k+1 < d.dim {
			d.fail(i, "embeddings: a vector of %d components in a collection of %d", k+1, d.dim)
			return dst
		}
		d.at = end
		return d.appendNull(dst)
	}
}

// appendNull appends the bit set of components without a value, if any.
func (d *decoder) appendNull(dst []byte) []byte {
	if len(d.null) == 0 {
		return dst
	}
	start := len(dst)
	dst = append(dst, make([]byte, (d.dim+7)/8)...)
	for _, k := range d.null {
		dst[start+k/8] |= 1 << (k % 8)
	}
	return dst
}
