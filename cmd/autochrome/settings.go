package main

import (
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/repo"
)

// setting is a flag whose value may also come from the environment. Of env the
// first that is not empty counts.
type setting struct {
	name, usage, def string
	env              []string
}

var settings = append([]setting{
	{"chromadb-url", "address of the Chroma server", "http://localhost:8000", []string{"CHROMADB_URL"}},
	{"tenant", "tenant in Chroma", chroma.DefaultTenant, []string{"CHROMA_TENANT"}},
	{"database", "database of the tenant", chroma.DefaultDatabase, []string{"CHROMA_DATABASE"}},
	{"repo", "folder of the repository", "./chromadb_snapshots", []string{"AUTOCHROME_REPOSITORY", "SNAPSHOT_DIR"}},
	{"token-file", "file with the token for Chroma; or the token itself in CHROMADB_TOKEN", "", []string{"CHROMADB_TOKEN_FILE"}},
	{"token-header", "header to send the token in, such as X-Chroma-Token", "Authorization: Bearer", []string{"CHROMADB_TOKEN_HEADER"}},
	{"chromadb-user", "user for basic authentication at Chroma", "", []string{"CHROMADB_USER"}},
	{"chromadb-password-file", "file with that user's password; or the password itself in CHROMADB_PASSWORD", "", []string{"CHROMADB_PASSWORD_FILE"}},
	{"ca-file", "PEM certificates to trust besides the system's", "", []string{"CHROMADB_CA_FILE"}},
}, ownKeys.settings()...)

// second are the settings of flags that only some commands have.
var second = slices.Concat(newKeys.passwords(), likeKeys.settings(), toKeys.settings(), fromKeys.settings())

// ofCommands are the settings of single commands that have variables, and are
// read by code of their own: a variable may say it in another way than the flag.
var ofCommands = append(ruleSettings(),
	setting{"auto-cleanup", "delete after a snapshot what no rule keeps", "true", []string{"AUTO_CLEANUP"}},
	setting{"max-time", "how long a guarded command may take", "2h", []string{"MIGRATION_MAX_TIME"}},
	setting{"max-loss", "how much of a collection a guarded command may lose", "5%", []string{"VALIDATION_FAILURE_THRESHOLD"}},
	setting{"rollback-to", "where a failed run goes back to", "base", []string{"AUTOMATIC_ROLLBACK_ENABLED"}},
)

// tellSettings are the settings of who is told of what is done, of the commands that
// have them.
var tellSettings = []setting{
	{"hook-before", "command to run before; where it fails, nothing is done", "", []string{"AUTOCHROME_HOOK_BEFORE"}},
	{"hook-after", "command to run afterwards, whatever it came to", "", []string{"AUTOCHROME_HOOK_AFTER"}},
	{"hook-failure", "command to run where it failed", "", []string{"AUTOCHROME_HOOK_FAILURE"}},
	{"hook-timeout", "how long a hook may take; 0: as long as it takes", "5m", []string{"AUTOCHROME_HOOK_TIMEOUT"}},
	{"notify-url-file", "file with the address of a web hook that gets a message; or the address itself in " + notifyEnv, "", []string{notifyEnv + "_FILE"}},
	{"notify-url-command", "command that prints that address", "", []string{notifyEnv + "_COMMAND"}},
	{"notify-on", "failure, or always", "failure", []string{"AUTOCHROME_NOTIFY_ON"}},
	{"notify-template-file", "file with a template of the message", "", []string{"AUTOCHROME_NOTIFY_TEMPLATE_FILE"}},
}

// notifyEnv has the address of the web hook, which may be a secret.
const notifyEnv = "AUTOCHROME_NOTIFY_URL"

// metricsSettings are the settings of metrics.
var metricsSettings = []setting{
	{"metrics-file", "write metrics into this file, for node_exporter's textfile collector", "", []string{"AUTOCHROME_METRICS_FILE"}},
}

// allSettings are those of the table: each is a key of the config file.
func allSettings() []setting {
	return slices.Concat(settings, second, ofCommands, tellSettings, metricsSettings)
}

// settingOf finds a setting by the name of its flag.
func settingOf(name string) setting {
	for _, s := range allSettings() {
		if s.name == name {
			return s
		}
	}
	panic("no setting " + name)
}

func globalFlags() []cli.Flag {
	var flags []cli.Flag
	for _, s := range settings {
		flags = append(flags, &cli.StringFlag{Name: s.name, Usage: s.usage, DefaultText: s.def, EnvVars: s.env})
	}
	return append(flags,
		&cli.BoolFlag{Name: "insecure-skip-verify", Usage: "believe any certificate of the server"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up when Chroma sends nothing for so long; for the list of a collection's ids, which it makes as a whole, five times as long", DefaultText: "2m for records, 30s for all else"},
		&cli.BoolFlag{Name: "json", Usage: "print the result as JSON"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print results, warnings and errors only"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "tell more on the way"},
		&cli.BoolFlag{Name: "no-color", Usage: "no colours; NO_COLOR does the same"},
		&cli.StringFlag{Name: "config", Usage: "config file, see autochrome config --help; none: read none", EnvVars: []string{"AUTOCHROME_CONFIG"}},
		&cli.StringFlag{Name: "profile", Usage: "profile of the config file", EnvVars: []string{"AUTOCHROME_PROFILE"}},
		&cli.BoolFlag{Name: "version", Usage: "print the version"},
	)
}

// value gives a setting: by flag, environment, profile or default. A variable that is
// set to nothing is as good as not set.
func value(c *cli.Context, name string) string {
	if v := c.String(name); v != "" {
		return v
	}
	s := settingOf(name)
	for _, env := range s.env {
		if v := os.Getenv(env); v != "" {
			return v
		}
	}
	if v := firstOf(c, name); v != "" {
		return v
	}
	if name == "token-header" {
		return ""
	}
	return s.def
}

// chromaOptions says where Chroma is and who asks.
func chromaOptions(c *cli.Context) (chroma.Options, error) {
	o := chroma.Options{
		URL:                value(c, "chromadb-url"),
		Tenant:             value(c, "tenant"),
		Database:           value(c, "database"),
		TokenHeader:        value(c, "token-header"),
		User:               value(c, "chromadb-user"),
		CAFile:             value(c, "ca-file"),
		InsecureSkipVerify: c.Bool("insecure-skip-verify"),
		Timeout:            c.Duration("timeout"),
		ControlTimeout:     c.Duration("timeout"),
	}
	if o.Timeout < 0 {
		return o, usage("for example --timeout 5m", "--timeout %v is negative", o.Timeout)
	}
	var err error
	if o.Token, err = secret(c, "token-file", "CHROMADB_TOKEN"); err != nil {
		return o, err
	}
	if o.Password, err = secret(c, "chromadb-password-file", "CHROMADB_PASSWORD"); err != nil {
		return o, err
	}
	if p := profileOf(c.App); p != nil && p.stray && c.String("chromadb-url") == "" && firstOf(c, "chromadb-url") != "" && (o.Token != "" || o.Password != "") {
		return o, usage(nameIt, "no token or password goes to the chromadb-url of %s, which was only found here", p.file)
	}
	return o, nil
}

// secret reads a secret from the file that a setting names, or else from the
// environment. A file named by a flag goes first, then the variable.
func secret(c *cli.Context, setting, env string) (string, error) {
	file := value(c, setting)
	if v := os.Getenv(env); v != "" && !typedFlag(c, setting) {
		return v, nil
	}
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", usage("", "--%s: %v", setting, err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", usage("", "--%s: %s is empty", setting, file)
	}
	return text, nil
}

// typedFlag reports whether a setting came by its flag and not by its variable.
func typedFlag(c *cli.Context, name string) bool {
	return c.String(name) != "" && c.String(name) != os.Getenv(settingOf(name).env[0])
}

// refuseSecrets refuses secrets on the command line, which every user of the
// machine can read: a password in an address, an identity in the place of its
// file.
func refuseSecrets(flags []given) error {
	for _, g := range flags {
		if strings.Contains(strings.ToUpper(g.value), ageSecret) {
			return usage("put it into a file, and name that; take another one where others may have seen it",
				"--%s holds a secret identity, which others can read in the list of processes", g.name)
		}
		if g.name != "chromadb-url" && g.name != "repo" && g.name != "like" && g.name != "to" {
			continue
		}
		if u, err := url.Parse(g.value); err == nil && u.User != nil {
			return usage("set CHROMADB_URL to it, or use --chromadb-user with --chromadb-password-file or CHROMADB_PASSWORD",
				"--%s contains a user or password, which others can read in the list of processes", g.name)
		}
	}
	return nil
}

// wantsJSON looks for --json before the command line is understood.
func wantsJSON(args []string) bool { return hasFlag(args, "json") }

// hasFlag looks for a flag without a value.
func hasFlag(args []string, name string) bool {
	for _, a := range args {
		if a == "--" {
			break
		}
		if a == "--"+name || a == "-"+name || a == "--"+name+"=true" {
			return true
		}
	}
	return false
}

// split reads a list of names with commas between them. Nil: none were given.
func split(flag string, lists []string) ([]string, error) {
	var names []string
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name == "" {
				return nil, usage("", "--%s %q: a name is empty", flag, list)
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// tags reads k=v pairs.
func tags(pairs []string) (map[string]string, error) {
	var out map[string]string
	for _, p := range pairs {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, usage("for example --tag reason=before-migration", "--tag %q is not of the form key=value", p)
		}
		if err := notValid("--tag", repo.ValidTag(k)); err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]string{}
		}
		if old, twice := out[k]; twice && old != v {
			return nil, usage("", "--tag %s is given twice", k)
		}
		out[k] = v
	}
	return out, nil
}
