package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// line is a command line that was understood.
type line struct {
	program string
	levels  []level // the program itself, its command, its subcommand
	flags   []given
	rest    []string // arguments that are no flags
	dashes  int      // how many of rest stand before a bare --; -1: there is none
}

// level is one command with what may stand behind its name.
type level struct {
	name     string
	full     string
	flags    []cli.Flag
	commands []*cli.Command
}

// byDefault is the subcommand that a bare -- stands for: guard -- COMMAND.
const byDefault = "run"

// given is a flag as it was typed.
type given struct {
	name     string // without dashes
	value    string
	hasValue bool
	level    int // to which it belongs
}

func (g given) String() string {
	if g.hasValue {
		return "--" + g.name + "=" + g.value
	}
	return "--" + g.name
}

// args is the line as urfave/cli reads it: flags only directly behind the
// command that they belong to, and before the arguments.
func (l line) args() []string {
	args := []string{l.program}
	for i, level := range l.levels {
		if i > 0 {
			args = append(args, level.name)
		}
		for _, g := range l.flags {
			if g.level == i {
				args = append(args, g.String())
			}
		}
	}
	if len(l.rest) > 0 {
		args = append(append(args, "--"), l.rest...)
	}
	return args
}

// arrange reads a command line as people type it: flags before and behind
// commands and arguments, of whatever level. "--" ends the flags. What no
// command knows is refused with the nearest that one does.
func arrange(app *cli.App, args []string) (line, error) {
	l := line{program: args[0], dashes: -1, levels: []level{{app.Name, app.Name, app.Flags, app.Commands}}}
	args = args[1:]
	for i := 0; i < len(args); i++ {
		word := args[i]
		here := l.levels[len(l.levels)-1]
		switch {
		case word == "--":
			if i := slices.IndexFunc(here.commands, func(c *cli.Command) bool { return c.Name == byDefault }); i >= 0 {
				if err := l.descend(byDefault); err != nil {
					return l, err
				}
			}
			l.dashes = len(l.rest)
			l.rest = append(l.rest, args[i+1:]...)
			i = len(args)
		case isFlag(word):
			g, used, err := l.flag(word, args[i+1:])
			if err != nil {
				return l, err
			}
			l.flags = append(l.flags, g)
			i += used
		case len(here.commands) == 0:
			l.rest = append(l.rest, word)
		case word == "help":
			l.flags = append(l.flags, given{name: "help"})
		default:
			if err := l.descend(word); err != nil {
				return l, err
			}
		}
	}
	if deepest := l.levels[len(l.levels)-1]; len(l.rest) > 0 && len(deepest.commands) > 0 {
		return l, unknownCommand(deepest, l.rest[0])
	}
	for i := range l.flags {
		if err := l.place(&l.flags[i]); err != nil {
			return l, err
		}
		if isHelp(l.flags[i].name) {
			l.rest = nil // urfave/cli would look for help about it
		}
	}
	return l, nil
}

func isHelp(name string) bool { return name == "help" || name == "h" }

func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

// flag reads one flag; used is how many of the following words are its value.
func (l *line) flag(word string, following []string) (g given, used int, err error) {
	name, value, has := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
	g = given{name: name, value: value, hasValue: has}
	f := l.known(name)
	if f == nil {
		return g, 0, l.unknownFlag(name)
	}
	if has || !takesValue(f) {
		return g, 0, nil
	}
	if len(following) == 0 || following[0] == "--" || isFlag(following[0]) && l.known(flagName(following[0])) != nil {
		return g, 0, usage(helpHint(l.levels[len(l.levels)-1].full), "--%s needs a value", name)
	}
	g.value, g.hasValue = following[0], true
	return g, 1, nil
}

func flagName(word string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	return name
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// known finds a flag: of the commands named so far, the last one first, or of
// any, since its command may follow.
func (l *line) known(name string) cli.Flag {
	if isHelp(name) {
		return cli.HelpFlag
	}
	for _, level := range slices.Backward(l.levels) {
		if f := find(level.flags, name); f != nil {
			return f
		}
	}
	return findBelow(l.levels[0].commands, name)
}

func find(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func findBelow(commands []*cli.Command, name string) cli.Flag {
	for _, c := range commands {
		if f := find(c.Flags, name); f != nil {
			return f
		}
		if f := findBelow(c.Subcommands, name); f != nil {
			return f
		}
	}
	return nil
}

// descend takes a word as a command.
func (l *line) descend(word string) error {
	here := l.levels[len(l.levels)-1]
	for _, c := range here.commands {
		if c.HasName(word) {
			l.levels = append(l.levels, level{c.Name, here.full + " " + c.Name, c.Flags, c.Subcommands})
			return nil
		}
	}
	return unknownCommand(here, word)
}

func unknownCommand(here level, word string) error {
	var names []string
	for _, c := range here.commands {
		names = append(names, c.Names()...)
	}
	return usage(meant(nearest(word, names), here.full+" --help"), "%s has no command %q", here.full, word)
}

// place says to which level a flag belongs: the deepest that knows it.
func (l *line) place(g *given) error {
	g.level = len(l.levels) - 1
	if isHelp(g.name) {
		return nil
	}
	for ; g.level >= 0; g.level-- {
		if find(l.levels[g.level].flags, g.name) != nil {
			return nil
		}
	}
	return l.unknownFlag(g.name)
}

func (l *line) unknownFlag(name string) error {
	var names []string
	for _, level := range l.levels {
		for _, f := range level.flags {
			names = append(names, f.Names()...)
		}
	}
	full := l.levels[len(l.levels)-1].full
	best := nearest(name, names)
	if best != "" {
		best = "--" + best
	}
	dashes := "--"
	if len(name) == 1 {
		dashes = "-"
	}
	return usage(meant(best, full+" --help"), "%s has no flag %s%s", full, dashes, name)
}

func meant(best, help string) string {
	if best == "" {
		return "see: " + help
	}
	return fmt.Sprintf("did you mean %s? See: %s", best, help)
}
