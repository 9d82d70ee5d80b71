package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestManPages: every command has a page, from which whoever reads manual pages
// reads what --help says: a reader of our own everywhere, and groff where it is.
func TestManPages(t *testing.T) {
	t.Run("structure", func(t *testing.T) { checkManPages(t, readRoff) })
	if groff, err := exec.LookPath("groff"); err == nil {
		t.Run("groff", func(t *testing.T) {
			checkManPages(t, func(page []byte) (string, error) { return readWith(groff, page) })
		})
	}
}

// readWith has groff read a page.
func readWith(groff string, page []byte) (string, error) {
	cmd := exec.Command(groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-rLL=300n", "-P-cbou")
	var out, warnings bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(page), &out, &warnings
	if err := cmd.Run(); err != nil || warnings.Len() > 0 {
		return "", fmt.Errorf("%w: %s", err, warnings.String())
	}
	return out.String(), nil
}

// checkManPages holds what read finds in the pages against the commands.
func checkManPages(t *testing.T, read func(page []byte) (string, error)) {
	app := newApp(newConsole(nil, nil, nil), []string{"autochrome"})
	pages := map[string]string{}
	for _, p := range manPages(app) {
		text, err := read(p.text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", p.name, err, p.text)
		}
		pages[p.name] = plain(text)
	}
	n := 0
	var check func(name, usage, description string, flags []cli.Flag, commands []*cli.Command)
	check = func(name, usage, description string, flags []cli.Flag, commands []*cli.Command) {
		n++
		texts := append(strings.Split(description, "\n"), name+" - "+usage)
		for _, f := range flags {
			texts = append(texts, "--"+f.Names()[0], strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", ""))
		}
		for _, c := range commands {
			texts = append(texts, name+"-"+c.Name+"(1) "+c.Usage)
			check(name+"-"+c.Name, c.Usage, c.Description, c.VisibleFlags(), c.Subcommands)
		}
		page, ok := pages[name]
		if !ok {
			t.Errorf("no page %s", name)
			return
		}
		for _, text := range texts {
			if !strings.Contains(page, plain(text)) {
				t.Errorf("%s does not say %q:\n%s", name, text, page)
			}
		}
	}
	check("autochrome", app.Usage, app.Description, app.VisibleFlags(), app.Commands)
	if n != len(pages) {
		t.Errorf("%d pages of %d commands", len(pages), n)
	}
}

// readRoff reads the little of roff that pages are made of: a title, sections that
// begin with the name and the synopsis, paragraphs, items with a tag, and fonts that
// end in the line in which they begin. All else is an error.
func readRoff(page []byte) (string, error) {
	var out strings.Builder
	var titles int
	var sections []string
	tag := false // the next line is one
	for i, line := range strings.Split(string(page), "\n") {
		request, rest, _ := strings.Cut(line, " ")
		isText := !strings.HasPrefix(line, ".")
		switch {
		case tag && (!isText || line == ""):
			return "", fmt.Errorf("line %d: an item without a tag: %q", i+1, line)
		case isText:
			text, err := readFonts(line)
			if err != nil {
				return "", fmt.Errorf("line %d: %w: %q", i+1, err, line)
			}
			fmt.Fprintln(&out, text)
		case request == ".TH" && strings.HasPrefix(rest, `"AUTOCHROME`) && strings.Contains(rest, `" 1 "" "autochrome `):
			titles++
		case request == ".SH" && rest != "" && titles == 1:
			sections = append(sections, rest)
		case !slices.Contains([]string{".nh", ".PP", ".TP", ".br"}, line):
			return "", fmt.Errorf("line %d: what is %q?", i+1, line)
		}
		tag = line == ".TP"
	}
	if titles != 1 || len(sections) < 2 || sections[0] != "NAME" || sections[1] != "SYNOPSIS" {
		return "", fmt.Errorf("%d titles, sections %q", titles, sections)
	}
	return out.String(), nil
}

// readFonts gives a line of text without its escapes.
func readFonts(line string) (string, error) {
	if strings.HasPrefix(line, "'") {
		return "", errors.New("it is a request")
	}
	text, escapes, _ := strings.Cut(line, `\`)
	open := false
	for escape := range strings.SplitSeq(escapes, `\`) {
		begins := strings.HasPrefix(escape, "fB") || strings.HasPrefix(escape, "fI")
		switch {
		case escapes == "":
		case strings.HasPrefix(escape, "&"):
			text += escape[1:]
		case begins && !open, strings.HasPrefix(escape, "fP") && open:
			open = !open
			text += escape[2:]
		default:
			return "", fmt.Errorf(`what is \%s?`, escape)
		}
	}
	if open {
		return "", errors.New("a font does not end")
	}
	return text, nil
}

// plain is text with single spaces and plain quotes, hyphens and minuses.
func plain(s string) string {
	s = strings.NewReplacer("‐", "-", "−", "-", "’", "'", "‘", "`", "\u00a0", " ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}
