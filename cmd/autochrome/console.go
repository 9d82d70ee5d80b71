package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// console is where a command reads and prints: results on out, all else on
// err.
type console struct {
	in       *os.File
	out, err io.Writer

	inTerminal, errTerminal bool

	json, quiet, verbose, colour bool
}

func newConsole(in, out, err *os.File) *console {
	c := &console{in: in, out: out, err: err}
	c.inTerminal = term.IsTerminal(int(in.Fd()))
	c.errTerminal = term.IsTerminal(int(err.Fd()))
	c.colour = colours(c.errTerminal, false)
	return c
}

// colours reports whether to use them, as https://no-color.org says.
func colours(terminal, noColor bool) bool {
	return terminal && !noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// say tells a person what happened.
func (c *console) say(format string, args ...any) {
	if !c.quiet {
		c.note(format, args...)
	}
}

// detail is told with --verbose only.
func (c *console) detail(format string, args ...any) {
	if c.verbose && !c.quiet {
		c.note(format, args...)
	}
}

// warn tells what must not be missed, also with --quiet.
func (c *console) warn(format string, args ...any) {
	c.note(c.paint("33", "warning:")+" "+format, args...)
}

// Nobody can be told that stderr cannot be written.
func (c *console) note(format string, args ...any) {
	_, _ = io.WriteString(c.err, c.line(fmt.Sprintf(format, args...))+"\n")
}

func (c *console) paint(code, s string) string {
	if !c.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// print writes a line of the result.
func (c *console) print(format string, args ...any) error {
	_, err := io.WriteString(c.out, c.line(fmt.Sprintf(format, args...))+"\n")
	return err
}

// printJSON writes the result as one line.
func (c *console) printJSON(v any) error { return writeJSON(c.out, v) }

func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(harmlessJSON(b.Bytes()))
	return err
}

// printError tells why the command did not do all of its work: for people a
// line and a hint, with --json an object, both on stderr.
func (c *console) printError(err error, interrupted bool, code int) {
	message, hint := explain(err)
	if interrupted {
		message, hint = "interrupted", "run the command again: it does what is left"
	}
	if c.json {
		_ = writeJSON(c.err, struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"exit_code"`
		}{message, hint, code})
		return
	}
	c.note("%s %s", c.paint("31", "error:"), printable(message))
	if hint != "" {
		c.note("%s  %s", c.paint("36", "hint:"), printable(hint))
	}
}

// printable shows what could move the cursor of a terminal, or be invisible,
// as an escape.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(fmt.Sprintf("%+q", r), "'"))
		}
	}
	return b.String()
}
