package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestNothingSteersTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain é 🦊 👩‍🔧\tand\nmore": "plain é 🦊 👩‍🔧\tand\nmore",
		"a\x1b[31mb":               `a\x1b[31mb`,
		"a\u009b2Jb\x7f\r":         `a\u009b2Jb\x7f\r`,
		"\u202eabc\u2066\u200f":    `\u202eabc\u2066\u200f`,
	} {
		var out, err bytes.Buffer
		c := &console{out: &out, err: &err}
		_ = c.print("%s", text)
		c.warn("%s", text)
		if out.String() != want+"\n" || err.String() != "warning: "+want+"\n" {
			t.Errorf("%q is printed as %q and %q", text, out.String(), err.String())
		}
	}
	var err bytes.Buffer
	c := &console{err: &err, colour: true}
	c.warn("a\x1b[2Jb")
	if want := "\x1b[33mwarning:\x1b[0m a\\x1b[2Jb\n"; err.String() != want {
		t.Errorf("with colours %q, want %q", err.String(), want)
	}
}

func TestHarmlessJSON(t *testing.T) {
	for _, text := range []string{"plain é 🦊", "\x1b[31m", "a\u009b2J", "\x7f", "\u202eabc\u2069 \\u009b", "\u061c\u200e"} {
		var out bytes.Buffer
		if err := writeJSON(&out, map[string]string{text: text}); err != nil {
			t.Fatal(err)
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back[text] != text {
			t.Errorf("%q is written as %s, which is %q, %v", text, out.Bytes(), back, err)
		}
		if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r != '\n' && steers(r) }); i >= 0 {
			t.Errorf("%q is written as %q", text, out.Bytes())
		}
	}
}
