package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/urfave/cli/v2"
)

// manPage is a manual page as troff.
type manPage struct {
	name string // autochrome-snapshot-create
	text []byte
}

// manPages makes the page about the program, which is the first, and one for
// each command, of what --help is made of.
func manPages(app *cli.App) []manPage {
	top := manText{}
	top.title(app.Name, app.Usage)
	top.section("synopsis")
	top.line("**%s** [*OPTIONS*] *COMMAND* [*ARGUMENTS*]", app.Name)
	top.description(app.Description)
	top.commands(app.Name, app.Commands)
	top.flags("options", app.VisibleFlags())
	top.section("exit status")
	for _, x := range exitMeanings {
		top.item(fmt.Sprintf("**%d**", x.code), x.meaning)
	}
	pages := []manPage{top.page(app.Name)}
	return append(pages, commandPages(app.Name, app.Commands)...)
}

func commandPages(parent string, commands []*cli.Command) (pages []manPage) {
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		full := parent + " " + c.Name
		t := manText{}
		t.title(dashed(full), c.Usage)
		t.section("synopsis")
		usage := "**" + escape(full) + "** [*OPTIONS*]"
		if len(c.Subcommands) > 0 {
			usage += " *COMMAND*"
		}
		if c.ArgsUsage != "" {
			usage += " " + escape(c.ArgsUsage)
		}
		t.line("%s", usage)
		t.description(c.Description)
		t.commands(full, c.Subcommands)
		t.flags("options", c.VisibleFlags())
		t.section("see also")
		if strings.Contains(parent, " ") {
			t.line("**%s**(1)", escape(dashed(parent)))
		}
		t.line("**autochrome**(1) for the options of all commands and the exit codes")
		pages = append(pages, t.page(dashed(full)))
		pages = append(pages, commandPages(full, c.Subcommands)...)
	}
	return pages
}

func dashed(full string) string { return strings.ReplaceAll(full, " ", "-") }

// manText is a manual page as the Markdown that md2man reads.
type manText struct{ b strings.Builder }

func (t *manText) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n\n", args...) }

func (t *manText) section(name string) { t.line("# %s", strings.ToUpper(name)) }

func (t *manText) item(what, about string) { fmt.Fprintf(&t.b, "%s\n: %s\n\n", what, escape(about)) }

func (t *manText) title(name, usage string) {
	t.line("%% %q 1 \"\" %q", strings.ToUpper(name), "autochrome "+build().Version)
	t.section("name")
	t.line(`%s \- %s`, escape(name), escape(usage))
}

// description keeps the lines of help.
func (t *manText) description(text string) {
	if text != "" {
		t.section("description")
		t.line("%s", strings.ReplaceAll(escape(text), "\n", "  \n"))
	}
}

func (t *manText) commands(parent string, commands []*cli.Command) {
	commands = slices.DeleteFunc(slices.Clone(commands), func(c *cli.Command) bool { return c.Hidden })
	if len(commands) == 0 {
		return
	}
	t.section("commands")
	for _, c := range commands {
		t.item(fmt.Sprintf("**%s**(1)", escape(dashed(parent+" "+c.Name))), c.Usage)
	}
}

func (t *manText) flags(section string, flags []cli.Flag) {
	if len(flags) == 0 {
		return
	}
	t.section(section)
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		o := optionOf(d, f.Names())
		for i, n := range o.names {
			o.names[i] = "**" + escape(n) + "**"
		}
		what, about := strings.Join(o.names, ", "), o.about
		if o.value != "" {
			what += " *" + escape(o.value) + "*"
		}
		if len(o.env) > 0 {
			about += " [$" + strings.Join(o.env, ", $") + "]"
		}
		t.item(what, about)
	}
}

// option is a flag as manuals tell of it.
type option struct {
	names []string // with dashes
	value string   // what stands for its value; "": it takes none
	about string
	env   []string
}

func optionOf(d cli.DocGenerationFlag, names []string) (o option) {
	for _, n := range names {
		dashes := "--"
		if len(n) == 1 {
			dashes = "-"
		}
		o.names = append(o.names, dashes+n)
	}
	o.about, o.value = unquoted(d.GetUsage())
	if !d.TakesValue() {
		o.value = ""
	} else if def := d.GetDefaultText(); def != "" && def != `""` {
		o.about += " (default: " + strings.Trim(def, `"`) + ")"
	}
	o.env = d.GetEnvVars()
	return o
}

// unquoted gives a flag's usage, and the word in it that stands in backquotes
// for the value, as --help does.
func unquoted(usage string) (text, value string) {
	before, rest, ok := strings.Cut(usage, "`")
	value, after, closed := strings.Cut(rest, "`")
	if !ok || !closed {
		return usage, "VALUE"
	}
	return before + value + after, value
}

func (t *manText) page(name string) manPage {
	return manPage{name, md2man.Render([]byte(t.b.String()))}
}

// escape makes text mean itself in Markdown.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()#+-.!:|&<>~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
