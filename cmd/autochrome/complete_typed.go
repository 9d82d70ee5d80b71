package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// typedLine is a command line that is being typed, as far as it can be
// understood.
type typedLine struct {
	line
	current string // the word to complete
	prefix  string // of it that stays: --flag=, or a,b, of a list
	flag    string // whose value it is; "": none
	dashes  bool   // a bare -- stands before it
	command *cli.Command
}

// want is what kind of word may stand somewhere.
type want int

const (
	wantsNothing want = iota
	wantsCommand
	wantsFlag
	wantsFile
	wantsFolder
	wantsSnapshot
	wantsCollection
	wantsRun
	wantsSource
	wantsOther // a word of few, see fewWords
)

// readTyped reads words of which the last one is being typed.
func readTyped(app *cli.App, words []string) *typedLine {
	t := &typedLine{line: line{program: app.Name, dashes: -1, levels: []level{{app.Name, app.Name, app.Flags, app.Commands}}}}
	t.current = words[len(words)-1]
	defer func() { t.command = t.find(app.Commands) }()
	before := words[:len(words)-1]
	for i := 0; i < len(before); i++ {
		word := before[i]
		switch here := t.levels[len(t.levels)-1]; {
		case word == "--":
			t.rest = append(t.rest, before[i+1:]...)
			t.dashes = true
			return t
		case isFlag(word):
			name, value, has := strings.Cut(strings.TrimLeft(word, "-"), "=")
			if f := t.known(name); f != nil && takesValue(f) && !has {
				if i++; i == len(before) {
					t.flag = f.Names()[0]
					return t.list()
				}
				value, has = before[i], true
			}
			t.flags = append(t.flags, given{name: name, value: value, hasValue: has})
		case len(here.commands) == 0 || t.descend(word) != nil:
			t.rest = append(t.rest, word)
		}
	}
	if name, _, has := strings.Cut(strings.TrimLeft(t.current, "-"), "="); has && isFlag(t.current) {
		if f := t.known(name); f != nil {
			t.flag = f.Names()[0]
			t.prefix = t.current[:strings.Index(t.current, "=")+1]
		}
	}
	return t.list()
}

// lists are the flags whose value is a list with commas between.
var lists = []string{"collections", "failed-collections", "only", "action", "outcome", "user"}

// list takes what stands before the last comma as it is.
func (t *typedLine) list() *typedLine {
	if slices.Contains(lists, t.flag) {
		t.prefix = t.current[:max(len(t.prefix), strings.LastIndex(t.current, ",")+1)]
	}
	return t
}

// has reports whether a flag was typed.
func (t *typedLine) has(flag string) bool {
	return slices.ContainsFunc(t.flags, func(g given) bool { return g.name == flag })
}

// find gives the command that was typed; nil: the program itself.
func (t *typedLine) find(commands []*cli.Command) (found *cli.Command) {
	for _, l := range t.levels[1:] {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.Name == l.name })
		found = commands[i]
		commands = found.Subcommands
	}
	return found
}

// flagWants says what kind of value a flag of a command has.
func flagWants(command, name string) want {
	switch {
	case slices.Contains([]string{"repo", "like", "from", "series"}, name) || name == "to" && command != "restore":
		return wantsFolder
	case name == "source":
		return wantsSource
	case name == "collections" || name == "failed-collections":
		return wantsCollection
	case strings.HasSuffix(name, "-file") || slices.Contains([]string{"plan", "plan-out", "report", "ids-from", "output", "config", "decrypt-with"}, name):
		return wantsFile
	case fewWords[name] != nil:
		return wantsOther
	}
	return wantsNothing
}

// fewWords are the values of flags and arguments that have only few.
var fewWords = map[string][]string{
	"rollback-to": {"base", "last-good", "ask", "none"},
	"only":        {"metadatas", "documents", "uris", "embeddings"},
	"outcome":     {"success", "failed", "interrupted", "declined"},
	"durability":  {"batch", "1s"},
	"notify-on":   {"failure", "always"},
	"SHELL":       {"bash", "zsh", "fish", "powershell"},
}

// wants says what may stand where the cursor is: by the flag before it, or by
// the word that the command's help has in this place.
func (t *typedLine) wants() want {
	deepest := t.levels[len(t.levels)-1]
	switch {
	case t.flag != "":
		return flagWants(deepest.name, t.flag)
	case t.dashes:
		return wantsFile
	case strings.HasPrefix(t.current, "-"):
		return wantsFlag
	case len(deepest.commands) > 0:
		return wantsCommand
	}
	return argumentWants(t.argument())
}

func argumentWants(name string) want {
	switch name {
	case "ID", "A", "B":
		return wantsSnapshot
	case "COLLECTION":
		return wantsCollection
	case "RUN":
		return wantsRun
	case "FILE":
		return wantsFile
	case "DIR":
		return wantsFolder
	}
	if fewWords[name] != nil {
		return wantsOther
	}
	return wantsNothing
}

// argument is the word that help has in the place of the one being typed:
// "ID COLLECTION RECORD" without brackets. With an ellipsis it goes on.
func (t *typedLine) argument() string {
	usage := t.command.ArgsUsage
	first, _, _ := strings.Cut(usage, " |") // alternatives that are flags
	words := strings.Fields(strings.NewReplacer("[", "", "]", "", "...", " ...").Replace(first))
	for i, w := range words {
		switch {
		case strings.HasPrefix(w, "-"):
			return ""
		case w == "..." && i > 0:
			return words[i-1]
		case i == len(t.rest):
			return w
		}
	}
	return ""
}
