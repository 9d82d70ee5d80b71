package chunk

import (
	"errors"
	"fmt"

	"autochrome/internal/wire"
)

// ErrCorrupt is wrapped by every error about bytes that the encoder would not
// have written.
var ErrCorrupt = errors.New("corrupt chunk")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// DecodeRows reads canonical bytes of any kind that has rows. It refuses what
// AppendCanonical would not write. The result shares memory with b, which is not to
// be changed any more.
func DecodeRows(b []byte) (*Rows, error) {
	d := wire.Reader{Rest: b}
	kind := Kind(d.Byte())
	if !kind.HasRows() {
		return nil, corrupt("%v has no rows", kind)
	}
	if form := d.Byte(); form != formVersion {
		return nil, corrupt("canonical form %d of %v is not known", form, kind)
	}
	n := d.Int(MaxRows)
	r := NewRows(kind, 0)
	if kind == Embeddings {
		r.dim = d.Int(MaxDimension)
	}
	if d.Err != nil || n == 0 || kind == Embeddings && r.dim == 0 {
		return nil, corrupt("%v: bad header", kind)
	}
	flags := d.Byte()
	if flags&^(flagPresence|flagHoles) != 0 || flags&flagHoles != 0 && kind != Embeddings {
		return nil, corrupt("%v: unknown flags %#x", kind, flags)
	}
	present, holed := n, 0
	var presence, holes []byte
	if flags&flagPresence != 0 {
		if presence, present = d.Bits(n); present == n {
			return nil, corrupt("%v: presence set of %d of %d rows", kind, present, n)
		}
	}
	if flags&flagHoles != 0 {
		if holes, holed = d.Bits(n); holed == 0 {
			return nil, corrupt("%v: empty set of damaged rows", kind)
		}
	}
	if d.Err != nil {
		return nil, corrupt("%v: truncated", kind)
	}
	var err error
	if kind == Embeddings {
		err = r.decodeVectors(&d, n, present, presence, holes)
	} else {
		err = r.decodeTexts(&d, n, present, presence)
	}
	if err != nil {
		return nil, err
	}
	if len(d.Rest) != 0 {
		return nil, corrupt("%v: %d bytes too many", kind, len(d.Rest))
	}
	return r, r.validRows()
}

func (r *Rows) decodeTexts(d *wire.Reader, n, present int, presence []byte) error {
	if present > len(d.Rest) {
		return corrupt("%v: %d rows in %d bytes", r.kind, present, len(d.Rest))
	}
	r.ends = make([]int, 0, n)
	end := 0
	for i := range n {
		if presence != nil && presence[i/8]>>(i%8)&1 == 0 {
			r.AppendAbsent()
		} else {
			end += d.Int(MaxRow)
			if end > MaxRow+MaxSize {
				return corrupt("%v: rows of more than %d bytes", r.kind, MaxRow)
			}
			r.closeRow()
		}
		r.ends[i] = end
	}
	data := d.Take(end)
	if d.Err != nil {
		return corrupt("%v: truncated", r.kind)
	}
	r.data = data[:end:end]
	return nil
}

func (r *Rows) decodeVectors(d *wire.Reader, n, present int, presence, holes []byte) error {
	width := 4 * r.dim
	if present > len(d.Rest)/width {
		return corrupt("%v: %d rows of %d dimensions in %d bytes", r.kind, present, r.dim, len(d.Rest))
	}
	values := d.Take(present * width)
	if holes == nil {
		r.shareVectors(values, n, presence)
		return nil
	}
	r.data = make([]byte, 0, len(values)+len(d.Rest))
	for i := range n {
		has := func(set []byte) bool { return set[i/8]>>(i%8)&1 != 0 }
		hole := has(holes)
		if presence != nil && !has(presence) {
			if hole {
				return corrupt("%v: an absent row with null components", r.kind)
			}
			r.AppendAbsent()
			continue
		}
		r.data = append(r.data, values[:width]...)
		values = values[width:]
		if hole {
			r.data = append(r.data, d.Take((r.dim+7)/8)...)
		}
		r.closeRow()
	}
	if d.Err != nil {
		return corrupt("%v: truncated", r.kind)
	}
	return nil
}

// shareVectors makes rows of values that lie one behind the other.
func (r *Rows) shareVectors(values []byte, n int, presence []byte) {
	r.data = values[:len(values):len(values)]
	r.ends = make([]int, n)
	if presence != nil {
		r.absent = make([]bool, n)
	}
	end := 0
	for i := range n {
		if presence != nil && presence[i/8]>>(i%8)&1 == 0 {
			r.absent[i] = true
		} else {
			end += 4 * r.dim
		}
		r.ends[i] = end
	}
}

// validRows checks each present row, and that ids are there and distinct.
func (r *Rows) validRows() error {
	if r.kind == IDs {
		if r.absent != nil {
			return corrupt("%v: absent row", r.kind)
		}
		if id, ok := r.Twice(); ok {
			return corrupt("%v: %q stands twice", r.kind, id)
		}
	}
	for i := range r.ends {
		row, present := r.Row(i)
		if !present {
			continue
		}
		if err := r.validRow(row); err != nil {
			return corrupt("%v: row %d: %v", r.kind, i, err)
		}
	}
	return nil
}
