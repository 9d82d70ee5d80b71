package main

import (
	"bytes"
	"math"
	"strconv"

	"autochrome/chunk"
)

// appendRecord appends a record as JSON: on one line, or with a line for each
// field.
func appendRecord(dst []byte, r chunk.Record, lines bool) []byte {
	between, last, colon := ",", "}", ":"
	if lines {
		between, last, colon = ",\n  ", "\n}", ": "
	}
	dst = append(dst, '{')
	if lines {
		dst = append(dst, "\n  "...)
	}
	field := func(name string) {
		if name != "id" {
			dst = append(dst, between...)
		}
		dst = append(append(append(append(dst, '"'), name...), '"'), colon...)
	}
	text := func(name string, s *string) {
		field(name)
		if s == nil {
			dst = append(dst, "null"...)
		} else {
			dst = chunk.AppendJSONString(dst, *s)
		}
	}
	text("id", &r.ID)
	field("embedding")
	dst = appendEmbedding(dst, r)
	text("document", r.Document)
	text("uri", r.URI)
	field("metadata")
	dst = appendMetadata(dst, r.Metadata)
	return append(dst, last...)
}

func appendEmbedding(dst []byte, r chunk.Record) []byte {
	if r.Embedding == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i, x := range r.Embedding {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r.Null != nil && r.Null[i] {
			dst = append(dst, "null"...)
		} else {
			dst = appendFloat(dst, float64(x), 32)
		}
	}
	return append(dst, ']')
}

func appendMetadata(dst []byte, m chunk.Metadata) []byte {
	if len(m) == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, f := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(chunk.AppendJSONString(dst, f.Key), ':')
		dst = appendValue(dst, f.Value)
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v chunk.Value) []byte {
	switch v.Type {
	case chunk.String:
		return chunk.AppendJSONString(dst, v.Str)
	case chunk.Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case chunk.Float:
		return appendFloat(dst, v.Float, 64)
	case chunk.Bool:
		return strconv.AppendBool(dst, v.Bool)
	case chunk.Array:
		dst = append(dst, '[')
		for i, e := range v.Array {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, e)
		}
		return append(dst, ']')
	}
	return append(dst, v.Str...) // JSON
}

// appendFloat writes a float so that nobody takes it for an int. JSON has
// neither NaN nor infinity, and Chroma holds neither.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, bits)
	if !bytes.ContainsAny(dst[at:], ".e") {
		dst = append(dst, ".0"...)
	}
	return dst
}
