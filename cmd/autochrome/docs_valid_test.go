package main

import (
	"context"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestDocsAreValid: every command line of the manual, also within sentences and
// in YAML, has commands, flags and values that exist.
func TestDocsAreValid(t *testing.T) {
	n := 0
	for _, file := range manual(t) {
		lines := docLines(t, file)
		if file != "docs/reference.md" { // which is made of what it would be compared with
			lines = append(lines, spans(t, file)...)
		}
		blocks, _ := parts(t, file)
		for _, b := range blocks {
			for i, text := range b.lines {
				if m := yamlCommand.FindStringSubmatch(text); m != nil {
					lines = append(lines, docLine{file, b.first + i, strings.ReplaceAll(m[1], ",", " ")})
				}
			}
		}
		for _, l := range lines {
			if slices.ContainsFunc(noCommands, func(begin string) bool { return strings.HasPrefix(l.text, begin) }) {
				continue
			}
			for _, command := range simpleCommands(l.text) {
				if i := slices.Index(command, "autochrome"); i > 0 && strings.HasPrefix(l.text, "docker run ") {
					command = command[i:]
				}
				if command[0] != "autochrome" && command[0] != "make" {
					continue
				}
				if n++; command[0] == "make" {
					if out, err := exec.Command("make", append([]string{"-C", root, "-n"}, command[1:]...)...).CombinedOutput(); err != nil {
						t.Errorf("%s:%d: %s: %s", l.file, l.line, l.text, out)
					}
				} else if err := understood(command); err != nil {
					t.Errorf("%s:%d: %s: %v", l.file, l.line, l.text, err)
				}
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d command lines were found", n)
	}
}

// noCommands are how spans begin that look like command lines: hash contexts of
// the format, messages, and the pattern of all commands.
var noCommands = []string{"autochrome 2026-", "autochrome … has no ", "autochrome copy needs ", "autochrome COMMAND "}

// yamlCommand is a command as a list: [autochrome, status].
var yamlCommand = regexp.MustCompile(`\[("?autochrome"?,[^\]]*)\]`)

// understood says whether a command line can be carried out as far as its words
// go. What stands for something else (ID, FILE, N) is an argument or a value.
func understood(args []string) error {
	out := silent()
	app := newApp(out, args)
	line, err := arrange(app, args)
	if err != nil {
		return err
	}
	disarm(app.Commands)
	app.Action = func(*cli.Context) error { return nil }
	return app.RunContext(context.WithValue(context.Background(), dashesKey{}, line.dashes), line.args())
}

// disarm makes commands that do nothing.
func disarm(commands []*cli.Command) {
	for _, c := range commands {
		c.Action = func(*cli.Context) error { return nil }
		disarm(c.Subcommands)
	}
}

// simpleCommands takes a line of a shell apart into the words of its commands.
// Brackets around what may be left out go, a|b stands for a, and a number is
// what N stands for.
func simpleCommands(line string) (commands [][]string) {
	var words []string
	var word strings.Builder
	var quote rune
	some := false
	endWord := func() {
		if some {
			words = append(words, word.String())
		}
		word.Reset()
		some = false
	}
	endCommand := func() {
		if endWord(); len(words) > 0 {
			commands = append(commands, words)
		}
		words = nil
	}
	for i, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, some = r, true
		case r == '[' || r == ']':
		case r == '|' && some && i+1 < len(line) && line[i+1] != ' ':
			// The other choices are commands of their own, beside this one.
			before := append([]string(nil), words...)
			endCommand()
			words = before
		case strings.ContainsRune("|;&()<>", r):
			endCommand()
		case r == ' ' || r == '\t':
			endWord()
		default:
			word.WriteRune(r)
			some = true
		}
	}
	endCommand()
	for _, c := range commands {
		for i, w := range c {
			if w == "N" {
				c[i] = "1"
			}
		}
	}
	return commands
}
