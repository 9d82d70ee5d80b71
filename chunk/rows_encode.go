package chunk

import (
	"encoding/binary"
	"slices"
)

// formVersion is the version of the canonical form, the second byte of every
// chunk's canonical bytes.
const formVersion = 0

const (
	flagPresence = 1 << 0 // a bit set says which rows are present
	flagHoles    = 1 << 1 // a bit set says which embeddings have null components
)

// AppendCanonical appends the canonical bytes of r, which has at least one row.
func (r *Rows) AppendCanonical(dst []byte) []byte {
	dst = slices.Grow(dst, len(r.data)+3*r.Len()+32)
	dst, data := r.appendParts(dst)
	return append(dst, data...)
}

// appendParts appends the canonical bytes of r but for the last ones, which it
// gives as they lie in r where they do.
func (r *Rows) appendParts(dst []byte) (head, data []byte) {
	n := r.Len()
	dst = append(dst, byte(r.kind), formVersion)
	dst = binary.AppendUvarint(dst, uint64(n))
	if r.kind == Embeddings {
		dst = binary.AppendUvarint(dst, uint64(r.dim))
	}
	anyAbsent, anyHoles := false, false
	for i := range n {
		row, present := r.Row(i)
		anyAbsent = anyAbsent || !present
		anyHoles = anyHoles || present && r.holed(row)
	}
	at := len(dst)
	dst = append(dst, 0)
	if anyAbsent {
		dst[at] |= flagPresence
		dst = appendBits(dst, n, func(i int) bool { return !r.absent[i] })
	}
	if anyHoles {
		dst[at] |= flagHoles
		dst = appendBits(dst, n, func(i int) bool {
			row, present := r.Row(i)
			return present && r.holed(row)
		})
		return r.appendHoled(dst), nil
	}
	if r.kind != Embeddings {
		for i := range n {
			if row, present := r.Row(i); present {
				dst = binary.AppendUvarint(dst, uint64(len(row)))
			}
		}
	}
	return dst, r.data
}

// appendHoled writes all values first and the bit sets of null components
// behind them, so that the values lie together for the codec.
func (r *Rows) appendHoled(dst []byte) []byte {
	for i := range r.Len() {
		if row, present := r.Row(i); present {
			dst = append(dst, row[:4*r.dim]...)
		}
	}
	for i := range r.Len() {
		if row, present := r.Row(i); present {
			dst = append(dst, row[4*r.dim:]...)
		}
	}
	return dst
}

// holed reports whether a present embedding has null components.
func (r *Rows) holed(row []byte) bool { return r.kind == Embeddings && len(row) > 4*r.dim }

// ContentID is the hash of the canonical bytes of r, or zero where every row
// is absent. scratch is reused and returned.
func (r *Rows) ContentID(h *Hasher, scratch []byte) (ID, []byte) {
	if r.AllAbsent() {
		return ID{}, scratch
	}
	var data []byte
	scratch, data = r.appendParts(scratch[:0])
	return h.chunk.sum(scratch, data), scratch
}
