package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// steers reports whether a character tells a terminal to do something, or turns
// the order of what is read.
func steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// harmless shows what steers a terminal as an escape, but for ends of lines and
// tabs. Names and ids go through printable before; this is for what was
// forgotten.
func harmless(s string) string {
	forbidden := func(r rune) bool { return steers(r) && r != '\n' && r != '\t' }
	if strings.IndexFunc(s, forbidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if forbidden(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// painted is what paint makes, which harmless keeps of lines with colours.
var painted = regexp.MustCompile("\x1b\\[(?:0|3[0-9])m")

// line is harmless but for colours of ours.
func (c *console) line(s string) string {
	if !c.colour {
		return harmless(s)
	}
	var b strings.Builder
	end := 0
	for _, at := range painted.FindAllStringIndex(s, -1) {
		b.WriteString(harmless(s[end:at[0]]) + s[at[0]:at[1]])
		end = at[1]
	}
	return b.String() + harmless(s[end:])
}

// harmlessJSON writes what steers a terminal as \u…: the same value. In JSON it
// can only stand in strings, and what is below a blank is escaped by everybody.
func harmlessJSON(b []byte) []byte {
	steering := func(r rune) bool { return r >= 0x7f && steers(r) }
	if bytes.IndexFunc(b, steering) < 0 {
		return b
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(b)+16)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if steering(r) {
			out = append(out, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}
