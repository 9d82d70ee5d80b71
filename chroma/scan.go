package chroma

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting in what is skipped or kept as JSON; package chunk has
// the same bound.
const maxDepth = 100

// The functions of this file walk over JSON text b from place i and give the
// place behind what they read, or -1 when it is not what JSON allows there.
// They are strict: no invalid UTF-8, no half of a surrogate pair, which
// encoding/json would silently replace.

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// literalAt passes over word.
func literalAt(b []byte, i int, word string) int {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// isNull reports whether null stands at i; what follows is for the caller.
func isNull(b []byte, i int) bool { return literalAt(b, i, "null") > 0 }

// stringAt passes over the string at i. raw is what stands between the quotes;
// where escaped is set it still has to go through unescape.
func stringAt(b []byte, i int) (raw []byte, escaped bool, end int) {
	if i >= len(b) || b[i] != '"' {
		return nil, false, -1
	}
	i++
	from := i
	ascii := true
	for {
		i = plainASCII(b, i)
		if i >= len(b) {
			return nil, false, -1
		}
		switch c := b[i]; {
		case c == '"':
			raw = b[from:i:i]
			if !ascii && !utf8.Valid(raw) {
				return nil, false, -1
			}
			return raw, escaped, i + 1
		case c == '\\':
			escaped = true
			i += 2
		case c >= utf8.RuneSelf:
			ascii = false
			for i < len(b) && b[i] >= utf8.RuneSelf {
				i++
			}
		default: // a control character
			return nil, false, -1
		}
	}
}

// plainASCII gives the place of the first byte from i on that is a quote, a
// backslash, a control character or not ASCII.
func plainASCII(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		word := binary.LittleEndian.Uint64(b[i:])
		quote, slash := word^(ones*'"'), word^(ones*'\\')
		// In each term the lowest byte that is marked is marked rightly.
		marks := (word | (word-ones*0x20)&^word | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// unescape appends what raw, the inside of a JSON string, means. ok is false
// for an unknown escape and for half of a surrogate pair, which no UTF-8 holds.
func unescape(dst, raw []byte) (text []byte, ok bool) {
	for {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(dst, raw...), true
		}
		dst = append(dst, raw[:n]...)
		raw = raw[n+1:]
		if len(raw) == 0 {
			return dst, false
		}
		c := raw[0]
		raw = raw[1:]
		switch c {
		case '"', '\\', '/':
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, used := escapedRune(raw)
			if used == 0 {
				return dst, false
			}
			dst = utf8.AppendRune(dst, r)
			raw = raw[used:]
			continue
		default:
			return dst, false
		}
		dst = append(dst, c)
	}
}

// escapedRune reads what follows \u, with a second escape where the first is
// half of a pair, and the number of bytes used, or 0.
func escapedRune(raw []byte) (r rune, used int) {
	first := hex4(raw)
	if first < 0 || !utf16.IsSurrogate(first) {
		return first, used4(first)
	}
	if len(raw) < 10 || raw[4] != '\\' || raw[5] != 'u' {
		return 0, 0
	}
	second := hex4(raw[6:])
	if r = utf16.DecodeRune(first, second); r == utf8.RuneError {
		return 0, 0
	}
	return r, 10
}

func used4(r rune) int {
	if r < 0 {
		return 0
	}
	return 4
}

// hex4 reads four hexadecimal digits, or gives -1.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// valueAt passes over any value, checking it; scratch is for strings.
func valueAt(b []byte, i, depth int, scratch *[]byte) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch b[i] {
	case '"':
		raw, escaped, end := stringAt(b, i)
		if escaped && end > 0 {
			var ok bool
			if *scratch, ok = unescape((*scratch)[:0], raw); !ok {
				return -1
			}
		}
		return end
	case '{', '[':
		return containerAt(b, i, depth, scratch)
	case 't':
		return literalAt(b, i, "true")
	case 'f':
		return literalAt(b, i, "false")
	case 'n':
		return literalAt(b, i, "null")
	}
	end, _ := numberAt(b, i)
	return end
}

func containerAt(b []byte, i, depth int, scratch *[]byte) int {
	object := b[i] == '{'
	closing := b[i] + 2 // '}' or ']'
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == closing {
		return i + 1
	}
	for {
		if object {
			if i >= len(b) || b[i] != '"' {
				return -1
			}
			if i = valueAt(b, i, depth+1, scratch); i < 0 {
				return -1
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return -1
			}
			i = skipSpace(b, i+1)
		}
		if i = valueAt(b, i, depth+1, scratch); i < 0 {
			return -1
		}
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != ',' && b[i] != closing {
			return -1
		}
		if b[i] == closing {
			return i + 1
		}
		i = skipSpace(b, i+1)
	}
}
