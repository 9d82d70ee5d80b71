package chunk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of a description; Chroma's own schemas are a
// handful deep.
const maxJSONDepth = 100

// CanonicalJSON writes one JSON value with the keys of objects sorted by their
// bytes, no white space, strings with the fewest escapes, and numbers as the
// tokens they came as (so 1 and 1.0 stay apart). A key that stands twice in an
// object is an error.
func CanonicalJSON(text []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	out, err := canonicalValue(nil, d, 0)
	if err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("json: more than one value")
	}
	return out, nil
}

func canonicalValue(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '{' {
			return canonicalObject(dst, d, depth)
		}
		dst = append(dst, '[')
		for i := 0; d.More(); i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = canonicalValue(dst, d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return append(dst, ']'), err
	case json.Number:
		return append(dst, t...), nil
	case string:
		return AppendJSONString(dst, t), nil
	case bool:
		return strconv.AppendBool(dst, t), nil
	default:
		return append(dst, "null"...), nil
	}
}

func canonicalObject(dst []byte, d *json.Decoder, depth int) ([]byte, error) {
	type member struct {
		key   string
		value []byte
	}
	var members []member
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := canonicalValue(nil, d, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{tok.(string), value})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			if m.key == members[i-1].key {
				return nil, fmt.Errorf("key %q stands twice", m.key)
			}
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, m.key)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}'), nil
}

// AppendJSONString appends s as a JSON string with the fewest escapes: only
// quote, backslash and the control characters. Invalid UTF-8 becomes U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
