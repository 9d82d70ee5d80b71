package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"autochrome/internal/chromatest"
)

// TestMain is the program itself where the test calls it by that name. What it
// prints as JSON is then held against the schemas.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "autochrome" {
		os.Exit(withSchema(start))
	}
	folder, err := os.MkdirTemp("", "autochrome-cmd-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(folder, "autochrome"))
	}
	if err == nil {
		err = os.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		panic(err)
	}
	chromatest.Main(m)
}

// TestScripts runs testdata/script against both versions of Chroma. A script
// has a fresh database, which CHROMADB_URL and CHROMA_DATABASE name, and these
// commands besides those of testscript:
//
//	code N PROGRAM...  run a program, which must exit with N
//	chroma ...         load, spoil and compare what is in Chroma; see chromaCommand
//	json PATH WANT     compare a value of the last stdout; see jsonCommand
//	server ...         put a server that misbehaves before Chroma; see serverCommand
//	repo ...           look into a repository, or damage it; see repoCommand
//	web ...            ask a server of ours, or be one that is told; see webCommand
func TestScripts(t *testing.T) {
	for _, v := range chromatest.Versions {
		t.Run(string(v), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata/script",
				RequireExplicitExec: true,
				Setup:               func(env *testscript.Env) error { return setup(env, v) },
				Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
					"code":   codeCommand,
					"chroma": chromaCommand,
					"json":   jsonCommand,
					"server": serverCommand,
					"repo":   repoCommand,
					"web":    webCommand,
				},
				Condition: func(cond string) (bool, error) {
					switch cond {
					case "oldest", "newest":
						return cond == string(v), nil
					}
					return false, errors.New("unknown condition")
				},
			})
		})
	}
}

// clientKey finds a script's client among its values, testKey its test.
type (
	clientKey struct{}
	testKey   struct{}
)

func setup(env *testscript.Env, v chromatest.Version) error {
	t := env.T().(testing.TB)
	c := chromatest.NewClient(t, chromatest.Shared(t, v))
	env.Values[clientKey{}], env.Values[testKey{}] = c, t
	env.Setenv("CHROMADB_URL", c.Server.URL())
	env.Setenv("CHROMA_DATABASE", c.Database)
	env.Setenv("AUTOCHROME_REPOSITORY", "")
	env.Setenv("SNAPSHOT_DIR", filepath.Join(env.WorkDir, "repo"))
	env.Setenv("HOME", env.WorkDir)
	folder, err := filepath.Abs(schemas)
	env.Setenv(schemasAt, folder)
	return err
}

func clientOf(ts *testscript.TestScript) *chromatest.Client {
	return ts.Value(clientKey{}).(*chromatest.Client)
}

// codeCommand runs a program that must exit with a code. -mortal: as a user to
// whom permissions apply, which they do not to root.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N [-mortal] PROGRAM...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	if args[0] == "-mortal" {
		args = args[1:]
		if os.Geteuid() == 0 {
			args = append([]string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}, args...)
		}
	}
	got := 0
	if err := ts.Exec(args[0], args[1:]...); err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v exits with %d, want %d", args, got, want)
	}
}
