package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestManPages: every command has a page, and groff reads from it what --help
// says.
func TestManPages(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no groff here")
	}
	app := newApp(newConsole(nil, nil, nil), []string{"autochrome"})
	pages := map[string]string{}
	for _, p := range manPages(app) {
		cmd := exec.Command(groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-rLL=300n", "-P-cbou")
		var out, warnings bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(p.text), &out, &warnings
		if err := cmd.Run(); err != nil || warnings.Len() > 0 {
			t.Fatalf("%s: %v: %s\n%s", p.name, err, warnings.String(), p.text)
		}
		pages[p.name] = plain(out.String())
	}
	check := func(name, usage, description string, flags []cli.Flag) {
		page, ok := pages[name]
		if !ok {
			t.Errorf("no page %s", name)
			return
		}
		texts := append(strings.Split(description, "\n"), name+" - "+usage)
		for _, f := range flags {
			texts = append(texts, "--"+f.Names()[0], strings.ReplaceAll(f.(cli.DocGenerationFlag).GetUsage(), "`", ""))
		}
		for _, text := range texts {
			if !strings.Contains(page, plain(text)) {
				t.Errorf("%s does not say %q:\n%s", name, text, page)
			}
		}
	}
	check("autochrome", app.Usage, app.Description, app.VisibleFlags())
	n := 1
	var walk func(parent string, commands []*cli.Command)
	walk = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			n++
			check(parent+"-"+c.Name, c.Usage, c.Description, c.VisibleFlags())
			walk(parent+"-"+c.Name, c.Subcommands)
		}
	}
	walk("autochrome", app.Commands)
	if n != len(pages) {
		t.Errorf("%d pages of %d commands", len(pages), n)
	}
}

// plain is text with single spaces and plain quotes, hyphens and minuses.
func plain(s string) string {
	s = strings.NewReplacer("‐", "-", "−", "-", "’", "'", "‘", "`", "\u00a0", " ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}
