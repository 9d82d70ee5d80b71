package main

import (
	"os"
	"strings"
)

// shellWord is a word that is being typed: what it means, and what of it the
// shell replaces.
type shellWord struct {
	text  string // without its quotes
	quote byte   // that is open at its end; 0: none
	begin int    // bash replaces the text from here on
}

// readWord takes the quotes out of a word that may not be at its end.
func readWord(raw string) shellWord {
	var w shellWord
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		inDouble := w.quote == '"'
		switch {
		case c == '\\' && (w.quote == 0 || inDouble && i+1 < len(raw) && strings.IndexByte(inDoubleQuotes, raw[i+1]) >= 0):
			if i++; i < len(raw) {
				b.WriteByte(raw[i])
			}
		case w.quote != 0 && c == w.quote:
			w.quote = 0
		case w.quote == 0 && (c == '\'' || c == '"'):
			w.quote = c
			w.begin = b.Len()
		default:
			b.WriteByte(c)
			if w.quote == 0 && (c == '=' || c == ':') {
				w.begin = b.Len()
			}
		}
	}
	w.text = b.String()
	return w
}

// inDoubleQuotes are the characters that mean something there.
const inDoubleQuotes = "$`\"\\"

// quoted is what takes the place of the word that is being typed, so that the
// shell carries out nothing of it. It gives false where that cannot be written
// within the quotes that are open.
func (w shellWord) quoted(text string) (string, bool) {
	text = text[w.begin:]
	special := func(c byte) bool { return strings.IndexByte(inDoubleQuotes, c) >= 0 }
	switch {
	case w.quote == '\'':
		return text, !strings.Contains(text, "'")
	case w.quote == '"' && strings.Contains(text, "!"): // of the history, which no \ hides
		return "", false
	case w.quote == 0:
		special = func(c byte) bool { return c < 0x80 && !isPlain(c) }
	}
	var b strings.Builder
	for i := range len(text) {
		if special(text[i]) {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String(), true
}

// isPlain reports whether a character means nothing to bash anywhere.
func isPlain(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_.,/:=@%+-", c) >= 0
}

// atHome puts the user's folder for ~/ and $HOME where a word, or the value of a
// flag in it, begins with that. A shell has left both as they were typed.
func atHome(word string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return word
	}
	if rest, ok := strings.CutPrefix(word, "~/"); ok {
		return home + "/" + rest
	}
	flag, value, has := strings.Cut(word, "=")
	if has = has && isFlag(word); !has {
		flag, value = "", word
	} else {
		flag += "="
	}
	for _, v := range []string{"$HOME", "${HOME}"} {
		if rest, ok := strings.CutPrefix(value, v); ok && (rest == "" || rest[0] == '/') {
			return flag + home + rest
		}
	}
	return word
}
