package chunk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"autochrome/internal/wire"
)

// Type is the type of a metadata value. The numbers are the format's.
type Type uint8

const (
	String Type = 1
	Int    Type = 2 // 64 bits, signed
	Float  Type = 3 // 64 bits, kept by its bits
	Bool   Type = 4
	Array  Type = 5 // of the four above, in order
	JSON   Type = 6 // anything else a server may answer, as canonical JSON
)

// Value is one metadata value. Only the field that Type names is meaningful.
type Value struct {
	Type  Type
	Str   string // String, JSON
	Int   int64
	Float float64
	Bool  bool
	Array []Value
}

// Field is one key of a record's or a collection's metadata.
type Field struct {
	Key   string
	Value Value
}

// Metadata is sorted by the bytes of its keys, each of which stands once. Nil
// and empty are the same: no metadata.
type Metadata []Field

// NewMetadata sorts the fields and refuses a key that stands twice.
func NewMetadata(fields []Field) (Metadata, error) {
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(fields); i++ {
		if fields[i].Key == fields[i-1].Key {
			return nil, fmt.Errorf("metadata key %q stands twice", fields[i].Key)
		}
	}
	return fields, nil
}

// Get finds a key.
func (m Metadata) Get(key string) (Value, bool) {
	i, ok := slices.BinarySearchFunc(m, key, func(f Field, k string) int { return strings.Compare(f.Key, k) })
	if !ok {
		return Value{}, false
	}
	return m[i].Value, true
}

// Equal reports whether two values are the same to the last bit: an int is
// never equal to a float, and 0.0 is not -0.0.
func (v Value) Equal(o Value) bool {
	if v.Type != o.Type {
		return false
	}
	switch v.Type {
	case Int:
		return v.Int == o.Int
	case Float:
		return math.Float64bits(v.Float) == math.Float64bits(o.Float)
	case Bool:
		return v.Bool == o.Bool
	case Array:
		return slices.EqualFunc(v.Array, o.Array, Value.Equal)
	default:
		return v.Str == o.Str
	}
}

// Equal reports whether two metadata say the same.
func (m Metadata) Equal(o Metadata) bool {
	return slices.EqualFunc(m, o, func(a, b Field) bool { return a.Key == b.Key && a.Value.Equal(b.Value) })
}

// AppendMetadata appends the canonical row of m, which is not empty.
func AppendMetadata(dst []byte, m Metadata) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	for _, f := range m {
		dst = appendText(dst, f.Key)
		dst = appendValue(dst, f.Value)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.Type))
	switch v.Type {
	case String, JSON:
		return appendText(dst, v.Str)
	case Int:
		return binary.AppendVarint(dst, v.Int)
	case Float:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float))
	case Bool:
		if v.Bool {
			return append(dst, 1)
		}
		return append(dst, 0)
	case Array:
		dst = binary.AppendUvarint(dst, uint64(len(v.Array)))
		for _, e := range v.Array {
			dst = appendValue(dst, e)
		}
		return dst
	}
	panic(fmt.Sprintf("metadata value of type %d", v.Type))
}

// DecodeMetadata reads a canonical row and refuses what AppendMetadata would
// not write.
func DecodeMetadata(row []byte) (Metadata, error) {
	d := wire.Reader{Rest: row}
	n := d.Int(len(row))
	m := make(Metadata, 0, min(n, 64))
	for i := 0; i < n && d.Err == nil; i++ {
		key := string(d.Text())
		if i > 0 && key <= m[i-1].Key {
			d.Fail(fmt.Errorf("key %q is out of order", key))
		}
		m = append(m, Field{key, decodeValue(&d, false)})
	}
	if err := metadataEnd(&d, n); err != nil {
		return nil, err
	}
	return m, nil
}

func metadataEnd(d *wire.Reader, n int) error {
	switch {
	case d.Err != nil:
		return fmt.Errorf("metadata: %w", d.Err)
	case n == 0:
		return errors.New("metadata: empty, should be absent")
	case len(d.Rest) != 0:
		return errors.New("metadata: bytes behind the last key")
	}
	return nil
}

// decodeValue reads one value; inArray restricts it to the scalar types.
func decodeValue(d *wire.Reader, inArray bool) (v Value) {
	v.Type = Type(d.Byte())
	switch {
	case v.Type == String || v.Type == JSON && !inArray:
		v.Str = string(d.Text())
		if v.Type == JSON {
			if c, err := CanonicalJSON([]byte(v.Str)); err != nil || string(c) != v.Str {
				d.Fail(errors.New("JSON value is not canonical"))
			}
		}
	case v.Type == Int:
		u := d.Uvarint()
		v.Int = int64(u>>1) ^ -int64(u&1)
	case v.Type == Float:
		if b := d.Take(8); b != nil {
			v.Float = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case v.Type == Bool:
		b := d.Byte()
		if b > 1 {
			d.Fail(fmt.Errorf("bool of value %d", b))
		}
		v.Bool = b == 1
	case v.Type == Array && !inArray:
		n := d.Int(len(d.Rest))
		for i := 0; i < n && d.Err == nil; i++ {
			v.Array = append(v.Array, decodeValue(d, true))
		}
	default:
		d.Fail(fmt.Errorf("unknown value type %d", v.Type))
	}
	return v
}

// validMetadata checks a row like DecodeMetadata without keeping what it says.
func validMetadata(row []byte) error {
	d := wire.Reader{Rest: row}
	n := d.Int(len(row))
	var last []byte
	for i := 0; i < n && d.Err == nil; i++ {
		key := d.Text()
		if i > 0 && bytes.Compare(key, last) <= 0 {
			d.Fail(fmt.Errorf("key %q is out of order", key))
		}
		last = key
		skipValue(&d, false)
	}
	return metadataEnd(&d, n)
}

// skipValue checks a value like decodeValue, without copying the common ones.
func skipValue(d *wire.Reader, inArray bool) {
	var t Type
	if len(d.Rest) > 0 {
		t = Type(d.Rest[0])
	}
	switch {
	case t == String:
		d.Byte()
		d.Text()
	case t == Int:
		d.Byte()
		d.Uvarint()
	case t == Array && !inArray:
		d.Byte()
		for n := d.Int(len(d.Rest)); n > 0 && d.Err == nil; n-- {
			skipValue(d, true)
		}
	default:
		decodeValue(d, inArray)
	}
}
