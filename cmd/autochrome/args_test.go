package main

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func words(s string) []string { return append([]string{"autochrome"}, strings.Fields(s)...) }

func silent() *console { return &console{out: io.Discard, err: io.Discard} }

func TestArrange(t *testing.T) {
	for typed, want := range map[string]string{
		"":                                  "",
		"rollback ID --dry-run":             "rollback --dry-run -- ID",
		"rollback --dry-run ID":             "rollback --dry-run -- ID",
		"--dry-run rollback ID":             "rollback --dry-run -- ID",
		"--json snapshot list":              "--json snapshot list",
		"snapshot --json list":              "--json snapshot list",
		"snapshot list --json":              "--json snapshot list",
		"snapshot ls -json":                 "--json snapshot list",
		"snapshot list --json=false":        "--json=false snapshot list",
		"--repo X rollback ID --yes":        "--repo=X rollback --yes -- ID",
		"rollback --repo=X ID -y":           "--repo=X rollback --y -- ID",
		"snapshot create --tag a=b --tag=c": "snapshot create --tag=a=b --tag=c",
		"--tag a=b snapshot create":         "snapshot create --tag=a=b",
		"cat ID c -- --json":                "cat -- ID c --json",
		"cat -- ID c -x":                    "cat -- ID c -x",
		"cat ID c -":                        "cat -- ID c -",
		"snapshot create --name -x":         "snapshot create --name=-x",
		"snapshot create --name=--json":     "snapshot create --name=--json",
		"--repo -- rollback":                "!",
		"snapshot create --name --json":     "!",
		"snapshot create --name":            "!",
		"snapshot list --dry-run":           "!",
		"rollback ID --nonsense":            "!",
		"nonsense":                          "!",
		"snapshot nonsense":                 "!",
		"-- snapshot list":                  "!",
		"help":                              "--help",
		"help snapshot create":              "snapshot create --help",
		"snapshot help":                     "snapshot --help",
		"rollback ID --help":                "rollback --help",
		"rollback help":                     "rollback -- help",
	} {
		l, err := arrange(newApp(silent(), words(typed)), words(typed))
		if want == "!" {
			if !errors.As(err, new(*usageError)) {
				t.Errorf("%q: error %v, want one of usage", typed, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		if got := l.args(); !slices.Equal(got, words(want)) {
			t.Errorf("%q is arranged as %q, want %q", typed, got[1:], want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"init", "snapshot", "ls", "cat", "rollback", "version", "dry-run", "yes"}
	for typed, want := range map[string]string{
		"snap": "snapshot", "snapshto": "snapshot", "rolback": "rollback", "dryrun": "dry-run", "intit": "init",
		"frobnicate": "", "x": "", "": "",
	} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", typed, got, want)
		}
	}
}

func TestTyped(t *testing.T) {
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"/usr/bin/autochrome", "snapshot", "create"}, "autochrome snapshot create"},
		{[]string{"a", "--name", "it's me"}, `autochrome --name 'it'\''s me'`},
		{[]string{"a", "--chromadb-url=http://me:s@cret@host:1/x"}, "autochrome --chromadb-url=http://…@host:1/x"},
		{[]string{"a", ""}, "autochrome ''"},
		{[]string{"a", "--password-command", "echo s3cret", "list"}, "autochrome --password-command … list"},
		{[]string{"a", "watch", "--hook-after", "curl -H s3cret", "--notify-url-command=echo s3cret"}, "autochrome watch --hook-after … --notify-url-command=…"},
		{[]string{"a", "--to-password-command=echo s3cret", "-password-command"}, "autochrome --to-password-command=… -password-command"},
		{[]string{"a", "--identity-file", "AGE-SECRET-KEY-1ABC", "--x=age-secret-key-1abc"}, "autochrome --identity-file … …"},
		{[]string{"a", "guard", "--validate", "curl -H 'X: s3cret'", "--validate=s3cret", "--", "python", "m.py"}, "autochrome guard --validate … --validate=… -- python m.py"},
		{[]string{"a", "guard", "--key-file", "k", "--", "env", "TOKEN=s3cret", "b_2=s3cret", "true"}, "autochrome guard --key-file k -- env TOKEN=… b_2=… true"},
		{[]string{"a", "guard", "--", "m", "--api-key", "s3cret", "--Password=s3cret", "-token", "s3cret", "--rows", "5", "--rows=5"}, "autochrome guard -- m --api-key … --Password=… -token … --rows 5 --rows=5"},
		{[]string{"a", "guard", "--", "curl", "-H", "X: s3cret", "http://db/?token=s3cret"}, "autochrome guard -- curl -H … 'http://db/?token=…'"},
		{[]string{"a", "guard", "--", "sh", "-c", `A="s 3cret" m --secret s3cret -H 'X: s3cret' --n 5 && B=s3cret; exit`}, `autochrome guard -- sh -c 'A=… m --secret … -H … --n 5 && B=… exit'`},
		{[]string{"a", "guard", "--", "m", "--token"}, "autochrome guard -- m --token"},
	} {
		if got := typed(x.args); got != x.want {
			t.Errorf("%q is recorded as %s, want %s", x.args, got, x.want)
		}
	}
}
