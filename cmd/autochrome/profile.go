package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// profile is what a config file says: for settings that also have a variable,
// which count where neither flag nor variable is given, and for other flags of
// commands, which are given as if they had been typed where they were not.
type profile struct {
	file string
	name string // "": the file names none
	// stray says that the file lies where the program was started and nobody
	// named it: somebody else may have put it there.
	stray    bool
	settings map[string]configValue
	flags    map[string]map[string]configValue // by command ("snapshot create", "" for all) and flag
}

// configValue is a value, or of a list several.
type configValue struct {
	texts []string
	line  int // in the file
}

// profileKey finds the profile among an app's metadata.
const profileKey = "profile"

func profileOf(app *cli.App) *profile {
	p, _ := app.Metadata[profileKey].(*profile)
	return p
}

// fromProfile gives the values of a setting that the profile has; nil: none, or
// the environment says something that goes first.
func fromProfile(c *cli.Context, name string) []string {
	p := profileOf(c.App)
	if p == nil || slices.ContainsFunc(overruling(name), func(env string) bool { return os.Getenv(env) != "" }) {
		return nil
	}
	return p.settings[name].texts
}

// firstOf is fromProfile where there is one value; "": there is none.
func firstOf(c *cli.Context, name string) string {
	if v := fromProfile(c, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// overruling lists the variables that go before what the profile says of a
// setting.
func overruling(name string) []string {
	env := settingOf(name).env
	switch {
	case name == "token-file":
		return append([]string{"CHROMADB_TOKEN"}, env...)
	case name == "notify-url-file", name == "notify-url-command":
		return []string{notifyEnv, notifyEnv + "_FILE", notifyEnv + "_COMMAND"}
	case name == "chromadb-password-file":
		return append([]string{"CHROMADB_PASSWORD"}, env...)
	case strings.HasSuffix(name, "password-file"), strings.HasSuffix(name, "password-command"):
		k := keySettings{prefix: strings.TrimSuffix(strings.TrimSuffix(name, "password-file"), "password-command")}
		return []string{k.env(), k.env() + "_FILE", k.env() + "_COMMAND"}
	}
	return env
}

// add gives the profile's flags to a command line where they were not typed.
func (p *profile) add(l *line) {
	path := ""
	for i, level := range l.levels {
		if i > 0 {
			path = strings.TrimSpace(path + " " + level.name)
		}
		for name, v := range p.flags[path] {
			f := find(level.flags, name)
			if f == nil || slices.ContainsFunc(l.flags, func(g given) bool { return slices.Contains(f.Names(), g.name) }) {
				continue
			}
			for _, text := range v.texts {
				l.flags = append(l.flags, given{name: name, value: text, hasValue: true, level: i})
			}
		}
	}
}

// configure reads the config file that a command line means, if there is one.
func configure(app *cli.App, l *line) error {
	if len(l.levels) > 1 && slices.Contains([]string{"version", "completion", "man"}, l.levels[1].name) {
		return nil
	}
	named := map[string]string{"config": os.Getenv("AUTOCHROME_CONFIG"), "profile": os.Getenv("AUTOCHROME_PROFILE")}
	for _, g := range l.flags {
		if _, ok := named[g.name]; ok {
			named[g.name] = g.value
		}
		if isHelp(g.name) || g.name == "version" {
			return nil
		}
	}
	file, found := named["config"], false
	if file == "" {
		file, found = lookUpConfig()
	}
	if file == "" || file == "none" {
		if named["profile"] != "" {
			return usage("see: autochrome config --help", "--profile %s: there is no config file", named["profile"])
		}
		return nil
	}
	p, err := readConfig(app, file, named["profile"], found && file == configName)
	if err != nil {
		return err
	}
	app.Metadata = map[string]any{profileKey: p}
	p.add(l)
	return nil
}

// from says where a value stands.
func (p *profile) from(v configValue) string { return p.file + ":" + strconv.Itoa(v.line) }
