package main

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func configCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "look at the settings",
		Description: "A file autochrome.yaml has the names of flags as keys, also below those of commands, for all\n" +
			"or in profiles. It is --config, else AUTOCHROME_CONFIG, else ./autochrome.yaml, else\n" +
			"autochrome/autochrome.yaml in XDG_CONFIG_HOME or ~/.config. Flags go before variables, these\n" +
			"before the profile, that before what the file says to all.",
		Subcommands: []*cli.Command{{
			Name: "show", Usage: "print every setting, and where it comes from",
			Action: p.action(configShow),
		}},
	}
}

// configJSON is what config show --json prints.
type configJSON struct {
	File     string            `json:"file,omitempty"`
	Profile  string            `json:"profile,omitempty"`
	Settings []configEntryJSON `json:"settings"`
}

// configEntryJSON is a setting, or a flag that the file gives to a command.
type configEntryJSON struct {
	Command string `json:"command,omitempty"` // "": all
	Key     string `json:"key"`
	Value   string `json:"value"`
	From    string `json:"from"` // --flag, $VARIABLE, the file and its line, or default
}

// hidden stands for what is or may hold a secret.
const hidden = "(hidden)"

func configShow(_ context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	p := profileOf(s.flags.App)
	out := configJSON{Settings: []configEntryJSON{}}
	if p != nil {
		out.File, out.Profile = p.file, p.name
	}
	for _, x := range allSettings() {
		if e, ok := s.settingShown(x, p); ok {
			out.Settings = append(out.Settings, e)
		}
	}
	if p != nil {
		for _, path := range slices.Sorted(maps.Keys(p.flags)) {
			for _, key := range slices.Sorted(maps.Keys(p.flags[path])) {
				v := p.flags[path][key]
				out.Settings = append(out.Settings, configEntryJSON{path, key, strings.Join(v.texts, ", "), p.from(v)})
			}
		}
	}
	if s.json {
		return s.printJSON(out)
	}
	t := heading("COMMAND", "KEY", "VALUE", "FROM")
	for _, e := range out.Settings {
		t.add(cmp.Or(e.Command, "all"), e.Key, e.Value, e.From)
	}
	if p != nil {
		s.say("%s, %s", p.file, cmp.Or(withName("profile", p.name), "no profile"))
	} else {
		s.say("no config file")
	}
	return t.write(s.out)
}

func withName(what, name string) string {
	if name == "" {
		return ""
	}
	return what + " " + name
}

// settingShown says what a setting is and where from; ok is false where it has
// no value at all.
func (s *session) settingShown(x setting, p *profile) (e configEntryJSON, ok bool) {
	e.Key = x.name
	switch {
	case s.flags.String(x.name) != "" && !slices.ContainsFunc(x.env, func(env string) bool { return os.Getenv(env) == s.flags.String(x.name) }):
		e.Value, e.From = s.flags.String(x.name), "--"+x.name
	case envOf(x.name) != "":
		e.Value, e.From = os.Getenv(envOf(x.name)), "$"+envOf(x.name)
		if !slices.Contains(x.env, envOf(x.name)) {
			e.Value = hidden
		}
	case p != nil && p.settings[x.name].texts != nil:
		e.Value, e.From = strings.Join(p.settings[x.name].texts, ", "), p.from(p.settings[x.name])
	case x.def != "":
		e.Value, e.From = x.def, "default"
	default:
		return e, false
	}
	if x.name == "chromadb-url" {
		e.Value = withoutUser(e.Value)
	}
	if strings.HasSuffix(x.name, "-command") {
		e.Value = hidden
	}
	return e, true
}

// envOf is the variable that says what a setting is; "": none does.
func envOf(name string) string {
	i := slices.IndexFunc(overruling(name), func(env string) bool { return os.Getenv(env) != "" })
	if i < 0 {
		return ""
	}
	return overruling(name)[i]
}
