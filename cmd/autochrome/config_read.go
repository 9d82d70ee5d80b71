package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

// configName is the config file's name, here or in the user's folder.
const configName = "autochrome.yaml"

// lookUpConfig finds the config file that nobody named: here, else in the
// user's folder for such files.
func lookUpConfig() (file string, found bool) {
	folder := os.Getenv("XDG_CONFIG_HOME")
	if home, err := os.UserHomeDir(); folder == "" && err == nil && runtime.GOOS != "windows" {
		folder = filepath.Join(home, ".config")
	}
	if config, err := os.UserConfigDir(); folder == "" && err == nil {
		folder = config
	}
	for _, file := range []string{configName, filepath.Join(folder, "autochrome", configName)} {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, true
		}
	}
	return "", false
}

// configReader reads one file.
type configReader struct {
	*profile
	app *cli.App
}

// readConfig reads what a file says to all, and then what the profile says:
// of the name given, else the one that the file names, else "default" if there
// is one.
func readConfig(app *cli.App, file, name string, stray bool) (*profile, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("--config none reads none", "the config file: %v", err)
	}
	r := &configReader{&profile{file: file, stray: stray, settings: map[string]configValue{}, flags: map[string]map[string]configValue{}}, app}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return r.profile, r.choose(nil, name)
	} else if err != nil {
		return nil, usage("", "%s: %v", file, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, usage("one document is enough: use profiles", "%s: there is something behind the first document", file)
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return r.profile, r.choose(nil, name)
	}
	var profiles *yaml.Node
	err = r.each(top, func(key string, at, v *yaml.Node) error {
		switch {
		case key == "profiles":
			profiles = v
			return nil
		case key != "profile":
			return r.entry("", level{name: "", flags: app.Flags, commands: app.Commands}, key, at, v)
		case v.Kind != yaml.ScalarNode || v.Value == "":
			return r.wrong(v, "", "profile is not the name of one")
		case name == "":
			name = v.Value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.profile, r.choose(profiles, name)
}

// choose reads all profiles, so that a mistake in one is told at once, and
// keeps one.
func (r *configReader) choose(profiles *yaml.Node, name string) error {
	var names []string
	chosen := *r.profile
	found := false
	if profiles != nil {
		err := r.each(profiles, func(key string, at, v *yaml.Node) error {
			names = append(names, key)
			one := &configReader{&profile{file: r.file, stray: r.stray, settings: map[string]configValue{}, flags: map[string]map[string]configValue{}}, r.app}
			err := one.each(v, func(k string, at, v *yaml.Node) error {
				return one.entry("", level{flags: r.app.Flags, commands: r.app.Commands}, k, at, v)
			})
			if key == name || name == "" && key == "default" {
				found = true
				chosen.name = key
				chosen.over(one.profile)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if name != "" && !found {
		return usage(meant(nearest(name, names), "autochrome config --help"), "%s has no profile %q", r.file, name)
	}
	*r.profile = chosen
	return r.both()
}

// over puts another profile's values over those of p.
func (p *profile) over(o *profile) {
	for k, v := range o.settings {
		p.settings[k] = v
	}
	for path, flags := range o.flags {
		for k, v := range flags {
			p.set(path, k, v)
		}
	}
}

func (p *profile) set(path, flag string, v configValue) {
	if p.flags[path] == nil {
		p.flags[path] = map[string]configValue{}
	}
	p.flags[path][flag] = v
}

// both refuses settings that exclude one another.
func (r *configReader) both() error {
	for _, k := range allKeys {
		if c, ok := r.settings[k.command()]; ok && r.settings[k.file()].texts != nil {
			return r.wrongLine(c.line, "", "%s and %s exclude one another", k.file(), k.command())
		}
	}
	if c, ok := r.settings["notify-url-command"]; ok && r.settings["notify-url-file"].texts != nil {
		return r.wrongLine(c.line, "", "notify-url-file and notify-url-command exclude one another")
	}
	return nil
}

// each calls fn for each entry of a mapping.
func (r *configReader) each(node *yaml.Node, fn func(key string, at, v *yaml.Node) error) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return r.wrong(node, "for example repo: ./snapshots", "this should be keys with values")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		at, v := node.Content[i], node.Content[i+1]
		if v.Kind == yaml.AliasNode {
			v = v.Alias
		}
		if seen[at.Value] {
			return r.wrong(at, "", "%s is there twice", at.Value)
		}
		seen[at.Value] = true
		if err := fn(at.Value, at, v); err != nil {
			return err
		}
	}
	return nil
}

func (r *configReader) wrong(at *yaml.Node, hint, format string, args ...any) error {
	return r.wrongLine(at.Line, hint, format, args...)
}

func (r *configReader) wrongLine(line int, hint, format string, args ...any) error {
	return usage(hint, "%s, line %d: "+format, append([]any{r.file, line}, args...)...)
}

// notInConfig are flags that are for one command line.
var notInConfig = []string{"help", "version", "config", "profile", "yes"}

// entry reads one key: a setting, a flag of the command at path, or a command
// below it.
func (r *configReader) entry(path string, here level, key string, at, v *yaml.Node) error {
	isSetting := slices.ContainsFunc(allSettings(), func(s setting) bool { return s.name == key })
	command := slices.IndexFunc(here.commands, func(c *cli.Command) bool { return c.Name == key })
	f := find(here.flags, key)
	switch {
	case slices.Contains(notInConfig, key) && command < 0:
		return r.wrong(at, "give it on the command line", "%s is for one command", key)
	case command >= 0:
		c := here.commands[command]
		below := strings.TrimSpace(path + " " + key)
		return r.each(v, func(k string, at, v *yaml.Node) error {
			return r.entry(below, level{name: key, flags: c.Flags, commands: c.Subcommands}, k, at, v)
		})
	case isSetting && path != "":
		return r.wrong(at, "it belongs where repo and chromadb-url stand", "%s is of all commands, not of %s alone", key, path)
	case r.stray && (isSetting || f != nil) && neverStray(path, key):
		return r.wrong(at, nameIt, "%s is not taken from a file that was only found here", key)
	case isSetting:
		texts, err := r.texts(path, key, at, v, nil)
		r.settings[key] = configValue{texts, at.Line}
		return err
	case f != nil && f.Names()[0] == key:
		texts, err := r.texts(path, key, at, v, f)
		r.set(path, key, configValue{texts, at.Line})
		return err
	case path == "" && slices.ContainsFunc(allSettings(), func(s setting) bool { return s.name == key+"-file" }):
		return r.wrong(at, "put it into a file, and name that: "+key+"-file", "%s would be a secret in this file", key)
	}
	return r.unknown(path, here, key, at)
}

// nameIt is what to do with a stray file.
const nameIt = "name the file if it is yours: --config " + configName + ", or AUTOCHROME_CONFIG"

// neverStray reports whether a key counts only in a file that somebody named: it
// runs a command, has a file read, sent or written, says who is believed, who is
// told and who may ask, or has more deleted or less refused than without it.
func neverStray(path, key string) bool {
	return strings.HasSuffix(key, "-command") || strings.HasSuffix(key, "-file") ||
		strings.HasPrefix(key, "hook-") && key != "hook-timeout" ||
		slices.Contains([]string{"validate", "notify-on", "insecure-skip-verify", "listen", "output", "report", "plan-out", "force"}, key) ||
		slices.ContainsFunc(ruleSettings(), func(s setting) bool { return s.name == key }) ||
		slices.Contains([]string{"rollback-to", "max-loss", "max-time", "expect", "allow-shrink", "drop-extra", "drop-old", "merge", "replace", "skip-unwritable", "grace"}, key) ||
		path == "restore" && key == "to"
}

func (r *configReader) unknown(path string, here level, key string, at *yaml.Node) error {
	var names []string
	if path == "" {
		names = append(names, "profile", "profiles")
		for _, s := range allSettings() {
			names = append(names, s.name)
		}
	}
	for _, f := range here.flags {
		names = append(names, f.Names()[0])
	}
	for _, c := range here.commands {
		names = append(names, c.Name)
	}
	if places := below(r.app.Commands, "", key); path == "" && len(places) > 0 {
		return r.wrong(at, "it belongs below "+strings.Join(places, ", or "), "%s is not of all commands", key)
	}
	return r.wrong(at, meant(nearest(key, names), strings.TrimSpace("autochrome "+path)+" --help"), "unknown key %q", key)
}

// below lists the commands that have a flag.
func below(commands []*cli.Command, path, flag string) (places []string) {
	for _, c := range commands {
		at := strings.TrimSpace(path + " " + c.Name)
		if f := find(c.Flags, flag); f != nil && f.Names()[0] == flag {
			places = append(places, at)
		}
		places = append(places, below(c.Subcommands, at, flag)...)
	}
	return places
}

// texts reads a value, or a list of them where the flag may be given several
// times.
func (r *configReader) texts(command, key string, at, v *yaml.Node, f cli.Flag) ([]string, error) {
	_, several := f.(*cli.StringSliceFlag)
	nodes := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode && (several || key == "keep-tag") {
		nodes = v.Content
	}
	var texts []string
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Value == "" || n.Tag == "!!null" {
			return nil, r.wrong(at, "", "%s has no value that can be read", key)
		}
		if _, isBool := f.(*cli.BoolFlag); isBool {
			if _, err := strconv.ParseBool(n.Value); err != nil {
				return nil, r.wrong(n, "true or false", "%s: %q is neither true nor false", key, n.Value)
			}
		}
		if _, isTime := f.(*cli.DurationFlag); isTime {
			if _, err := time.ParseDuration(n.Value); err != nil {
				return nil, r.wrong(n, "for example 90s, 5m or 1h30m", "%s: %q is no length of time", key, n.Value)
			}
		}
		if err := refuseSecrets([]given{{name: key, value: n.Value}}); err != nil {
			return nil, r.wrong(n, "put it into a file, and name that with a key that ends with -file", "%s holds a secret", key)
		}
		texts = append(texts, r.path(command, key, n.Value))
	}
	return texts, nil
}

// path makes a file or folder one from where the config file is.
func (r *configReader) path(command, key, text string) string {
	if w := flagWants(command, key); w != wantsFile && w != wantsFolder || text == "-" || remote.MatchString(text) {
		return text
	}
	if rest, ok := strings.CutPrefix(text, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(filepath.Dir(r.file), text)
}
