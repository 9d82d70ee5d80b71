package main

import (
	"os"
	"os/exec"
	"testing"
)

func TestReadWord(t *testing.T) {
	for _, c := range []struct {
		raw, text string
		quote     byte
		rest      string // what bash replaces
	}{
		{`my`, "my", 0, "my"},
		{`"my s`, "my s", '"', "my s"},
		{`'my s`, "my s", '\'', "my s"},
		{`my\ s`, "my s", 0, "my s"},
		{`"my s"`, "my s", 0, "my s"},
		{`"a\"\$\b`, `a"$\b`, '"', `a"$\b`},
		{`'a\`, `a\`, '\'', `a\`},
		{`a\`, "a", 0, "a"},
		{`--repo="/a b`, "--repo=/a b", '"', "/a b"},
		{`--like=a:b`, "--like=a:b", 0, "b"},
		{`"a:b`, "a:b", '"', "a:b"},
		{`a\:b`, "a:b", 0, "a:b"},
	} {
		w := readWord(c.raw)
		if w.text != c.text || w.quote != c.quote || w.text[w.begin:] != c.rest {
			t.Errorf("readWord(%s) = %q, quote %q, %q is replaced; want %q, %q, %q", c.raw, w.text, w.quote, w.text[w.begin:], c.text, c.quote, c.rest)
		}
	}
}

// Whatever a name is, bash makes of what it is completed to one word: the name.
func TestCompletedNamesAreNotCarriedOut(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err) // make itself needs it
	}
	folder := t.TempDir()
	for _, name := range []string{
		"plain-1.0_@%+,/", "two words", "a`touch x`b", "{a,b}", "[a]*?", "#a", "~", "!x", "a$(touch x)", "${HOME}", "$HOME", "a;touch x", "a|b&c", "<a>(b)", `it's`, `q"q`, `b\s`, "é ü",
	} {
		for _, open := range []string{"", "'", `"`} {
			text, ok := readWord(open).quoted(name)
			if !ok {
				continue
			}
			cmd := exec.Command(bash, "--norc", "-c", `printf '<%s>' `+open+text+open)
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "<"+name+">" {
				t.Errorf("%q behind %q is completed to %s, which is %s to bash, %v", name, open, text, out, err)
			}
		}
	}
	if left, err := os.ReadDir(folder); len(left) > 0 || err != nil {
		t.Errorf("a name was carried out: %v, %v", left, err)
	}
	for _, c := range [][2]string{{"'", "it's"}, {`"`, "wow!"}} {
		if text, ok := readWord(c[0]).quoted(c[1]); ok {
			t.Errorf("%q behind %s is completed to %s, which cannot be said there", c[1], c[0], text)
		}
	}
	if text, _ := readWord("").quoted("wow!"); text != `wow\!` {
		t.Errorf("the history is asked for %s", text)
	}
}

func TestAtHome(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for word, want := range map[string]string{
		"~/repo": "/home/me/repo", "$HOME/repo": "/home/me/repo", "${HOME}/repo": "/home/me/repo", "$HOME": "/home/me",
		"--repo=$HOME/repo": "/home/me/repo", "a/~/b": "a/~/b", "$HOMER/x": "$HOMER/x", "~you/x": "~you/x", "a=$HOME": "a=$HOME",
	} {
		if word[0] == '-' {
			want = "--repo=" + want
		}
		if got := atHome(word); got != want {
			t.Errorf("atHome(%s) = %s, want %s", word, got, want)
		}
	}
}
