package chroma

import (
	"fmt"
	"math"
	"strconv"

	"autochrome/chunk"
)

// appendMetadataJSON appends a metadata as the JSON object that makes a server
// hold it, after it parses floats the given number of times. merge says that
// the object is merged into one that is there: then the keys in clear, and
// those whose value cannot be held at all, are sent as null. note hears of
// every value that will not be held as it is wanted.
func appendMetadataJSON(dst []byte, m chunk.Metadata, clear []string, merge bool, parses int, note func(chunk.Inexact)) []byte {
	dst = append(dst, '{')
	first := true
	key := func(k string) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = chunk.AppendJSONString(dst, k)
		dst = append(dst, ':')
	}
	for _, f := range m {
		switch {
		case holdable(f.Value):
			key(f.Key)
			dst = appendValueJSON(dst, f.Key, f.Value, parses, note)
		default:
			note(chunk.Inexact{Where: f.Key, Want: valueText(f.Value), Stored: "nothing"})
			if merge {
				key(f.Key)
				dst = append(dst, "null"...)
			}
		}
	}
	for _, k := range clear {
		key(k)
		dst = append(dst, "null"...)
	}
	return append(dst, '}')
}

// appendCollectionMetadataJSON appends the metadata of a collection, for
// creating it (metadata) or changing it (new_metadata). A collection's floats
// are parsed once. It has no arrays: they are left out and named, since server
// 1.4.4 panics on them.
func appendCollectionMetadataJSON(dst []byte, m chunk.Metadata, note func(chunk.Inexact)) []byte {
	plain := make(chunk.Metadata, 0, len(m))
	for _, f := range m {
		if f.Value.Type == chunk.Array {
			note(chunk.Inexact{Where: f.Key, Want: valueText(f.Value), Stored: "nothing"})
			continue
		}
		plain = append(plain, f)
	}
	return appendMetadataJSON(dst, plain, nil, false, collectionParses, note)
}

// holdable reports whether a server keeps anything of v: an empty array is no
// value to it, and JSON has neither NaN nor infinity.
func holdable(v chunk.Value) bool {
	switch v.Type {
	case chunk.Array:
		for _, e := range v.Array {
			if !holdable(e) {
				return false
			}
		}
		return len(v.Array) > 0
	case chunk.Float:
		return !math.IsNaN(v.Float) && !math.IsInf(v.Float, 0)
	}
	return true
}

func appendValueJSON(dst []byte, where string, v chunk.Value, parses int, note func(chunk.Inexact)) []byte {
	switch v.Type {
	case chunk.String:
		return chunk.AppendJSONString(dst, v.Str)
	case chunk.Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case chunk.Float:
		dst, held := appendFloat(dst, v.Float, parses)
		if math.Float64bits(held) != math.Float64bits(v.Float) {
			note(chunk.Inexact{Where: where, Want: valueText(v), Stored: valueText(chunk.Value{Type: chunk.Float, Float: held}),
				Distance: floatDistance(v.Float, held)})
		}
		return dst
	case chunk.Bool:
		return strconv.AppendBool(dst, v.Bool)
	case chunk.Array:
		elements := v.Array
		if floats := asFloats(elements); floats != nil {
			held := chunk.Value{Type: chunk.Array, Array: floats}
			note(chunk.Inexact{Where: where, Want: valueText(v), Stored: valueText(held), Distance: "ints among floats become floats"})
			elements = floats
		}
		dst = append(dst, '[')
		for i, e := range elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValueJSON(dst, where, e, parses, func(x chunk.Inexact) {
				x.Where = fmt.Sprintf("%s[%d]", where, i)
				note(x)
			})
		}
		return append(dst, ']')
	default:
		return append(dst, v.Str...)
	}
}

// asFloats turns the ints of an array that has floats too into floats, as the
// server would; nil: there is nothing to turn.
func asFloats(a []chunk.Value) []chunk.Value {
	ints, floats := 0, 0
	for _, v := range a {
		switch v.Type {
		case chunk.Int:
			ints++
		case chunk.Float:
			floats++
		}
	}
	if ints == 0 || floats == 0 || ints+floats != len(a) {
		return nil
	}
	out := make([]chunk.Value, len(a))
	for i, v := range a {
		if out[i] = v; v.Type == chunk.Int {
			out[i] = chunk.Value{Type: chunk.Float, Float: float64(v.Int)}
		}
	}
	return out
}

// heldValue is what a record's metadata will hold for v; present is false for
// nothing.
func heldValue(v chunk.Value) (held chunk.Value, present bool) {
	if !holdable(v) {
		return chunk.Value{}, false
	}
	switch v.Type {
	case chunk.Float:
		_, v.Float = appendFloat(nil, v.Float, recordParses)
	case chunk.Array:
		elements := v.Array
		if floats := asFloats(elements); floats != nil {
			elements = floats
		}
		v.Array = make([]chunk.Value, len(elements))
		for i, e := range elements {
			v.Array[i], _ = heldValue(e)
		}
	}
	return v, true
}

func floatDistance(a, b float64) string {
	if a == 0 && b == 0 {
		return "the sign of zero"
	}
	return fmt.Sprintf("%d ulp", ulps64(a, b))
}

// valueText is v for a message, shortened.
func valueText(v chunk.Value) string {
	var s string
	switch v.Type {
	case chunk.Int:
		s = strconv.FormatInt(v.Int, 10)
	case chunk.Float:
		s = strconv.FormatFloat(v.Float, 'g', -1, 64)
	case chunk.Bool:
		s = strconv.FormatBool(v.Bool)
	case chunk.Array:
		s = "["
		for i, e := range v.Array {
			if i > 0 {
				s += ", "
			}
			if len(s) > 100 {
				s += "…"
				break
			}
			s += valueText(e)
		}
		s += "]"
	case chunk.String:
		s = strconv.Quote(v.Str)
	default:
		s = v.Str
	}
	return oneLine(s)
}
