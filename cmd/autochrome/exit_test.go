package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

func TestExitCode(t *testing.T) {
	for _, x := range []struct {
		err         error
		interrupted bool
		want        int
	}{
		{nil, false, 0},
		{nil, true, 0}, // it came too late to stop anything
		{errors.New("x"), false, 1},
		{fmt.Errorf("x: %w", snapshot.ErrShrunken), false, 1},
		{fmt.Errorf("x: %w", snapshot.ErrInconsistent), false, 21},
		{fmt.Errorf("x: %w", repo.ErrNoSnapshot), false, 1},
		{&backend.Error{Op: "save", Kind: backend.ErrReadOnly}, false, 1},
		{usage("", "x"), false, 2},
		{fmt.Errorf("x: %w", unfinished("", "x")), false, 3},
		{errors.Join(errors.New("audit"), unfinished("", "x")), false, 3},
		{fmt.Errorf("x: %w", repo.ErrNoRepository), false, 10},
		{fmt.Errorf("x: %w", &chroma.Error{Kind: chroma.ErrRefused}), false, 20},
		{&chroma.Error{Status: 500}, false, 20},
		{context.Canceled, true, 130},
		{fmt.Errorf("x: %w", &guardError{code: 30}), true, 30},
		{fmt.Errorf("x: %w", new(exec.ExitError)), false, 1}, // somebody else's
	} {
		if got := exitCode(x.err, x.interrupted); got != x.want {
			t.Errorf("%v (interrupted %v) is exit code %d, want %d", x.err, x.interrupted, got, x.want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, x := range []struct {
		err           error
		message, hint string
	}{
		{errors.New("a\nb"), "a; b", ""},
		{usage("do this", "wrong"), "wrong", "do this"},
		{&repo.FindError{Word: "x", Reason: repo.ErrNoSnapshot, Hint: "look"}, `no snapshot "x"`, "look"},
		{fmt.Errorf("x: %w", &backend.Error{Op: "save", Where: "y", Kind: backend.ErrReadOnly}), "x: save y: writing is not allowed",
			"allow this user to write there, or choose another place"},
	} {
		message, hint := explain(x.err)
		if message != x.message || hint != x.hint {
			t.Errorf("%v is explained as %q and %q, want %q and %q", x.err, message, hint, x.message, x.hint)
		}
	}
}

func TestAppendRecord(t *testing.T) {
	text := "a\x00b"
	m, err := chunk.NewMetadata([]chunk.Field{
		{Key: "i", Value: chunk.Value{Type: chunk.Int, Int: -1 << 63}},
		{Key: "f", Value: chunk.Value{Type: chunk.Float, Float: 1}},
		{Key: "g", Value: chunk.Value{Type: chunk.Float, Float: 1e300}},
		{Key: "l", Value: chunk.Value{Type: chunk.Array, Array: []chunk.Value{{Type: chunk.Bool, Bool: true}, {Type: chunk.String, Str: "<"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := chunk.Record{ID: "x\"", Embedding: []float32{0.1, 1, 1e20, 0}, Null: []bool{false, false, false, true}, Document: &text, Metadata: m}
	want := `{"id":"x\"","embedding":[0.1,1.0,1e+20,null],"document":"a\u0000b","uri":null,"metadata":{"f":1.0,"g":1e+300,"i":-9223372036854775808,"l":[true,"<"]}}`
	if got := string(chunk.AppendRecordJSON(nil, r, false)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(chunk.AppendRecordJSON(nil, chunk.Record{ID: "y"}, true)); got != "{\n  \"id\": \"y\",\n  \"embedding\": null,\n  \"document\": null,\n  \"uri\": null,\n  \"metadata\": null\n}" {
		t.Errorf("got %s", got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 99_400: "99.4 kB", 999_600: "1.0 MB", 16_500_000: "16.5 MB", 5e12: "5.0 TB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{"plain é 🦊": "plain é 🦊", "a\x1b[2Jb": `a\x1b[2Jb`, "nul\x00": `nul\x00`, "\u202e": `\u202e`} {
		if got := printable(s); got != want {
			t.Errorf("printable(%q) = %s, want %s", s, got, want)
		}
	}
}

// TestExitScripts: each exit code of errors.md is one of the program and has a
// script of its own, and the other way round.
func TestExitScripts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Exit codes")
	section, _, _ = strings.Cut(section, "\n## ")
	codes := map[int]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(section, -1) {
		code, _ := strconv.Atoi(m[1])
		codes[code] = true
		if _, err := os.Stat(fmt.Sprintf("testdata/script/exit_%d.txt", code)); err != nil {
			t.Error(err)
		}
	}
	for _, x := range exitMeanings {
		if !codes[x.code] {
			t.Errorf("errors.md does not tell of %d", x.code)
		}
	}
	if len(codes) != len(exitMeanings) {
		t.Errorf("errors.md has %d codes, the program %d", len(codes), len(exitMeanings))
	}
}
