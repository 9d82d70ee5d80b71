package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestReference: docs/reference.md says what --help says. Where it does not,
// "make reference" writes it anew.
func TestReference(t *testing.T) {
	file := filepath.Join(root, "docs", "reference.md")
	want := referencePage(newApp(silent(), nil))
	if os.Getenv("AUTOCHROME_WRITE_REFERENCE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("docs/reference.md is not up to date (%v): make reference", err)
	}
}

// referencePage is a page about all commands and their flags, of what --help and
// the manual pages are made of.
func referencePage(app *cli.App) string {
	var b strings.Builder
	b.WriteString("# Reference\n\nEvery command and every option, as `--help` and the manual pages have them; `make reference` writes this page. " +
		"By task: [commands.md](commands.md). Exit codes: [errors.md](errors.md). " +
		"Each option is also a key of the [config file](operating.md#config-file); what stands in brackets is its variable.\n")
	section(&b, app.Name, "*OPTIONS* *COMMAND* *ARGUMENTS*", app.Usage, app.Description, app.VisibleFlags())
	commandSections(&b, app.Name, app.Commands)
	return b.String()
}

func commandSections(b *strings.Builder, parent string, commands []*cli.Command) {
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		full := parent + " " + c.Name
		args := c.ArgsUsage
		if len(c.Subcommands) > 0 {
			args = "COMMAND"
		}
		section(b, full, args, c.Usage, c.Description, c.VisibleFlags())
		commandSections(b, full, c.Subcommands)
	}
}

func section(b *strings.Builder, full, args, usage, description string, flags []cli.Flag) {
	fmt.Fprintf(b, "\n## %s\n\n", full)
	if args = strings.ReplaceAll(args, "*", ""); args != "" {
		fmt.Fprintf(b, "`%s %s`: ", full, args)
	}
	fmt.Fprintf(b, "%s.\n", cell(usage))
	if description != "" {
		fmt.Fprintf(b, "\n%s\n", strings.ReplaceAll(cell(description), "\n", "  \n"))
	}
	if len(flags) == 0 {
		return
	}
	b.WriteString("\n| option | |\n| --- | --- |\n")
	for _, f := range flags {
		o := optionOf(f.(cli.DocGenerationFlag), f.Names())
		text := cell(o.about)
		if o.value != "" {
			o.names[len(o.names)-1] += " " + o.value
		}
		if len(o.env) > 0 {
			text += " [`" + strings.Join(o.env, "`, `") + "`]"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.Join(o.names, "`, `"), text)
	}
}

// cell is text that may stand in a table's cell and means itself.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`).Replace(s)
}
