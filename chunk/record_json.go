package chunk

import (
	"math"
	"strconv"
)

// AppendRecordJSON appends a record as JSON, exactly: 64-bit integers in full,
// floats with the fewest digits that say them and never as integers, null where
// there is nothing. It is on one line, or has a line for each field.
func AppendRecordJSON(dst []byte, r Record, lines bool) []byte {
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
			dst = AppendJSONString(dst, *s)
		}
	}
	text("id", &r.ID)
	field("embedding")
	dst = AppendEmbeddingJSON(dst, r)
	text("document", r.Document)
	text("uri", r.URI)
	field("metadata")
	dst = AppendMetadataJSON(dst, r.Metadata)
	return append(dst, last...)
}

// AppendEmbeddingJSON appends a record's embedding; a component without a value
// is null.
func AppendEmbeddingJSON(dst []byte, r Record) []byte {
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
			dst = appendJSONFloat(dst, float64(x), 32)
		}
	}
	return append(dst, ']')
}

// AppendMetadataJSON appends metadata as an object, or null where there is none.
func AppendMetadataJSON(dst []byte, m Metadata) []byte {
	if len(m) == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, f := range m {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, f.Key), ':')
		dst = AppendValueJSON(dst, f.Value)
	}
	return append(dst, '}')
}

// AppendValueJSON appends one value.
func AppendValueJSON(dst []byte, v Value) []byte {
	switch v.Type {
	case String:
		return AppendJSONString(dst, v.Str)
	case Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case Float:
		return appendJSONFloat(dst, v.Float, 64)
	case Bool:
		return strconv.AppendBool(dst, v.Bool)
	case Array:
		dst = append(dst, '[')
		for i, e := range v.Array {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendValueJSON(dst, e)
		}
		return append(dst, ']')
	}
	return append(dst, v.Str...) // JSON
}

// appendJSONFloat writes a float so that nobody takes it for an int. JSON has
// neither NaN nor infinity, and Chroma holds neither.
func appendJSONFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, bits)
	for _, c := range dst[at:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...)
}
