// Package wire reads the small binary encodings that chunks, tree entries,
// packs and indexes are made of. Reading is strict: a number that is not in its
// shortest form, invalid UTF-8 or a stray bit is a failure. Writing is done with
// encoding/binary's Append functions.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Reader takes values from the front of Rest. The first failure stays in Err
// and every later read gives zero.
type Reader struct {
	Rest []byte
	Err  error
}

var errShort = errors.New("truncated")

// Fail records the first failure.
func (d *Reader) Fail(err error) {
	if d.Err == nil {
		d.Err = err
	}
	d.Rest = nil
}

// Byte reads one byte.
func (d *Reader) Byte() byte {
	if len(d.Rest) == 0 {
		d.Fail(errShort)
		return 0
	}
	c := d.Rest[0]
	d.Rest = d.Rest[1:]
	return c
}

// Take reads n bytes, which share memory with Rest.
func (d *Reader) Take(n int) []byte {
	if n < 0 || n > len(d.Rest) {
		d.Fail(errShort)
		return nil
	}
	p := d.Rest[:n:n]
	d.Rest = d.Rest[n:]
	return p
}

// Uvarint reads a number and refuses all but the shortest form.
func (d *Reader) Uvarint() uint64 {
	v, n := binary.Uvarint(d.Rest)
	if n <= 0 {
		d.Fail(errShort)
		return 0
	}
	if n > 1 && d.Rest[n-1] == 0 {
		d.Fail(errors.New("a number is not in its shortest form"))
		return 0
	}
	d.Rest = d.Rest[n:]
	return v
}

// Int reads a number of at most limit.
func (d *Reader) Int(limit int) int {
	v := d.Uvarint()
	if v > uint64(limit) {
		d.Fail(fmt.Errorf("number %d is beyond the limit of %d", v, limit))
		return 0
	}
	return int(v)
}

// Text reads a length and that many bytes of UTF-8.
func (d *Reader) Text() []byte {
	b := d.Take(d.Int(len(d.Rest)))
	if !utf8.Valid(b) {
		d.Fail(errors.New("invalid UTF-8"))
	}
	return b
}

// Bits reads a bit set over n rows and counts it; bits beyond n must be zero.
func (d *Reader) Bits(n int) (set []byte, count int) {
	set = d.Take((n + 7) / 8)
	if set == nil {
		return nil, 0
	}
	for i := range len(set) * 8 {
		if set[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i >= n {
			d.Fail(errors.New("bits beyond the last row"))
			return nil, 0
		}
		count++
	}
	return set, count
}

// End fails when anything is left, and gives the first failure.
func (d *Reader) End() error {
	if d.Err == nil && len(d.Rest) != 0 {
		d.Fail(fmt.Errorf("%d bytes too many", len(d.Rest)))
	}
	return d.Err
}
