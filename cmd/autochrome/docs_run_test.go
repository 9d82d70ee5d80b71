package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"autochrome/internal/chromatest"
)

// docScripts has a script for each document with command lines, which scriptOf
// names. There the commands of TestScripts
// are known, and these:
//
//	line N TEXT      a command line of the document, run in a shell; it must exit with N
//	with WORD TEXT   what to put in place of a word of the document from here on
//	sample           loads testdata/sample into Chroma
//	program NAME [SCRIPT]  a program of that name: the script, or one that says how it was called
//
// All lines of a script share one shell: its folder and its variables.
// not_run.md lists what cannot be run.
const docScripts = "testdata/docs"

// TestDocs runs the command lines of the manual against a real Chroma.
func TestDocs(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 docScripts,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[wordsKey{}] = map[string]string{}
			if err := setup(env, chromatest.Newest); err != nil {
				return err
			}
			bin := filepath.Join(env.WorkDir, ".bin")
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("ROOT", absolutePath(t, root))
			return os.Mkdir(bin, 0o755)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": codeCommand, "chroma": chromaCommand, "json": jsonCommand, "server": serverCommand, "repo": repoCommand,
			"line": lineCommand, "with": withCommand, "sample": sampleCommand, "program": programCommand,
		},
	})
}

func absolutePath(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// wordsKey finds what a script puts in place of words.
type wordsKey struct{}

func withCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: with WORD TEXT")
	}
	ts.Value(wordsKey{}).(map[string]string)[args[0]] = args[1]
}

// lineCommand is a shell that goes on where the last one ended.
func lineCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: line N TEXT")
	}
	text := args[1]
	words := ts.Value(wordsKey{}).(map[string]string)
	for _, w := range longestFirst(words) {
		text = regexp.MustCompile(`(^|[^\w.])`+regexp.QuoteMeta(w)+`($|\W)`).ReplaceAllString(text, "${1}"+strings.ReplaceAll(words[w], "$", "$$")+"${2}")
	}
	ts.Setenv("STATE", filepath.Join(ts.Getenv("WORK"), ".state"))
	codeCommand(ts, false, []string{args[0], "bash", "-c", shellThatGoesOn + text + "\n"})
}

// shellThatGoesOn takes over what earlier lines have exported, and their
// folder, and leaves both to later ones.
const shellThatGoesOn = `before=$(export -p) start=$PWD
[ ! -e "$STATE" ] || . "$STATE"
trap '{ export -p | grep -vxF "$before"; [ "$PWD" = "$start" ] || printf "cd %q\n" "$PWD"; } > "$STATE"' EXIT
`

func longestFirst(words map[string]string) (sorted []string) {
	for w := range words {
		sorted = append(sorted, w)
	}
	slices.SortFunc(sorted, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return sorted
}

// sampleCommand loads what the demo loads.
func sampleCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: sample")
	}
	top := ts.Getenv("ROOT")
	ts.Check(ts.Exec("node", filepath.Join(top, "scripts", "demo", "load.mjs"), filepath.Join(top, "testdata", "sample")))
}

func programCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: program NAME [SCRIPT]")
	}
	script := `echo "` + args[0] + ` $*"`
	if len(args) > 1 {
		script = args[1]
	}
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), ".bin", args[0]), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
}

// notRun gives the lines that are only validated, by document and text, and the
// reason of each.
func notRun(t *testing.T) map[[2]string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docScripts, "not_run.md"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[[2]string]string{}
	file := ""
	for i, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			file = name
		}
		item, ok := strings.CutPrefix(line, "- `")
		if !ok {
			continue
		}
		command, reason, ok := strings.Cut(item, "`: ")
		if !ok || file == "" || len(reason) < 10 {
			t.Errorf("not_run.md:%d: it is not: - `command`: reason", i+1)
		}
		reasons[[2]string{file, command}] = reason
	}
	return reasons
}

// scriptLine is a line of a script that runs one of a document.
var scriptLine = regexp.MustCompile(`(?m)^(?:\[[^\]]*\] )?line \d+ (?:'((?:[^']|'')*)'|(.*))$`)

// TestDocsAreRun: each command line of the manual is run by a script of its
// document, or stands in not_run.md with the reason why not.
func TestDocsAreRun(t *testing.T) {
	reasons := notRun(t)
	for _, file := range manual(t) {
		name := scriptOf(file)
		script, err := os.ReadFile(filepath.Join(docScripts, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		ran := map[string]bool{}
		for _, m := range scriptLine.FindAllStringSubmatch(string(script), -1) {
			ran[strings.ReplaceAll(m[1], "''", "'")+m[2]] = false
		}
		for _, l := range docLines(t, file) {
			_, listed := reasons[[2]string{file, l.text}]
			delete(reasons, [2]string{file, l.text})
			_, runs := ran[l.text]
			switch {
			case listed && runs:
				t.Errorf("%s:%d: %s: it is run, and stands in not_run.md", file, l.line, l.text)
			case !listed && !runs:
				t.Errorf("%s:%d: nobody runs this line. Put it into %s/%s:\n%s\nor into not_run.md with the reason", file, l.line, docScripts, name, asScript(l.text))
			}
			ran[l.text] = true
		}
		for text, found := range ran {
			if !found {
				t.Errorf("%s/%s: %s has no line %q any more", docScripts, name, file, text)
			}
		}
	}
	for key := range reasons {
		t.Errorf("not_run.md: %s has no line %q any more", key[0], key[1])
	}
}

func scriptOf(file string) string {
	name := strings.ReplaceAll(strings.TrimSuffix(file, ".md"), "/", "-") + ".txt"
	if short := strings.TrimPrefix(name, "docs-"); short != "README.txt" {
		return short
	}
	return name
}

func asScript(text string) string {
	return fmt.Sprintf("line 0 '%s'", strings.ReplaceAll(text, "'", "''"))
}
