package chunk

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"autochrome/internal/reuse"
)

// tables are those of Twice: a map would take many times the memory of the rows, for
// each chunk of ids.
var tables reuse.Stack[*table]

// table holds the places of rows, each plus one, at their hash or behind it.
type table []uint32

var tableSeed = maphash.MakeSeed()

// Twice finds a row that stands twice, as no id may.
func (r *Rows) Twice() (row []byte, ok bool) {
	places := tables.Get()
	if places == nil {
		places = new(table)
	}
	defer tables.Put(places)
	size := 1 << bits.Len(uint(2*r.Len())) // at most half full
	if cap(*places) < size {
		*places = make(table, size)
	}
	t := (*places)[:size]
	clear(t)
	for i := range r.ends {
		row, _ := r.Row(i)
		at := int(maphash.Bytes(tableSeed, row)) & (size - 1)
		for ; t[at] != 0; at = (at + 1) & (size - 1) {
			if other, _ := r.Row(int(t[at] - 1)); bytes.Equal(row, other) {
				return row, true
			}
		}
		t[at] = uint32(i + 1)
	}
	return nil, false
}
