package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/urfave/cli/v2"
)

// schemas is the folder of the schemas as tests see it; scripts find it by the
// variable schemasAt. exitSchema tells that a schema does not fit.
const (
	schemas    = root + "/docs/json"
	schemasAt  = "AUTOCHROME_TEST_SCHEMAS"
	exitSchema = 99
)

// withSchema runs the program and holds each line that it prints with --json
// against the schema of its command. So every script that prints JSON is a test
// of the schemas.
func withSchema(program func() int) int {
	folder := os.Getenv(schemasAt)
	name := commandOf(os.Args)
	if folder == "" || name == "" || slices.Contains(printsOther, name) {
		return program()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return exitSchema
	}
	stdout := os.Stdout
	os.Stdout = w
	var said bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.MultiWriter(stdout, &said), r) // nobody may be reading; then nobody looks either
	}()
	code := program()
	_ = w.Close()
	select {
	case <-done:
	case <-time.After(10 * time.Second): // somebody that guard has started lives on
		return code
	}
	if err := fits(folder, name, said.Bytes()); err != nil {
		fmt.Fprintf(os.Stderr, "docs/json/%s.schema.json: %v\n%s", name, err, said.Bytes())
		return exitSchema
	}
	return code
}

// commandOf gives the name of a command line's schema, or "" where it prints no
// JSON.
func commandOf(args []string) string {
	if !wantsJSON(args) {
		return ""
	}
	line, err := arrange(newApp(silent(), args), args)
	if err != nil || slices.ContainsFunc(line.flags, printsNoJSON) {
		return ""
	}
	var names []string
	for _, l := range line.levels[1:] {
		names = append(names, l.name)
	}
	if len(names) == 0 && slices.ContainsFunc(line.flags, func(g given) bool { return g.name == "version" }) {
		return "version"
	}
	return strings.Join(names, "-")
}

// printsNoJSON is true of flags that ask for something else on stdout.
func printsNoJSON(g given) bool {
	return isHelp(g.name) || g.name == "nagios" || g.name == "raw" || g.value == "-" && (g.name == "o" || g.name == "output")
}

// printsOther lists commands that print what they are asked for, not JSON.
var printsOther = []string{"", "completion", "cat"}

func fits(folder, name string, said []byte) error {
	schema, err := strict(folder, name)
	if err != nil {
		return err
	}
	for line := range bytes.SplitSeq(bytes.TrimSpace(said), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			return fmt.Errorf("%w: %s", err, line)
		}
		if err := schema.Validate(v); err != nil {
			return fmt.Errorf("%w: %s", err, line)
		}
	}
	return nil
}

// strict is a schema that also refuses fields that it does not know: readers
// must expect new ones, but none may be there that nobody has described.
func strict(folder, name string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	for _, n := range slices.Compact([]string{name, "record"}) {
		text, err := os.ReadFile(filepath.Join(folder, n+".schema.json"))
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		closeObjects(doc)
		if err := c.AddResource(n+".schema.json", doc); err != nil {
			return nil, err
		}
	}
	return c.Compile(name + ".schema.json")
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, x := range v {
			closeObjects(x)
		}
	case []any:
		for _, x := range v {
			closeObjects(x)
		}
	}
}

// TestSchemas: each command that prints a result has a schema, each schema a
// command and a line in json.md, and every field says what it is.
func TestSchemas(t *testing.T) {
	var want []string
	var walk func(parent string, commands []*cli.Command)
	walk = func(parent string, commands []*cli.Command) {
		for _, c := range commands {
			name := strings.TrimPrefix(parent+"-"+c.Name, "-")
			if walk(name, c.Subcommands); len(c.Subcommands) == 0 && !slices.Contains(printsOther, name) {
				want = append(want, name)
			}
		}
	}
	walk("", newApp(silent(), nil).Commands)
	manual, err := os.ReadFile(filepath.Join(root, "docs", "json.md"))
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(schemas, "*.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for _, f := range found {
		name := strings.TrimSuffix(filepath.Base(f), ".schema.json")
		files[name] = true
		if name != "record" && name != "error" && !slices.Contains(want, name) {
			t.Errorf("%s: there is no such command that prints JSON", f)
		}
		if !strings.Contains(string(manual), "(json/"+name+".schema.json)") {
			t.Errorf("docs/json.md does not name %s", f)
		}
		if _, err := strict(schemas, name); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil || doc["$schema"] != "http://json-schema.org/draft-07/schema#" {
			t.Errorf("%s: it is no draft-07 schema: %v", f, err)
		}
		undescribed(doc, "", func(field string) { t.Errorf("%s: %s has no description", f, field) })
	}
	for _, name := range want {
		if !files[name] {
			t.Errorf("%s --json has no schema in docs/json", name)
		}
	}
}

func undescribed(v any, path string, say func(string)) {
	m, _ := v.(map[string]any)
	properties, _ := m["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p, _ := properties[name].(map[string]any)
		if text, _ := p["description"].(string); text == "" && p["$ref"] == nil && p["const"] == nil {
			say(path + "." + name)
		}
		undescribed(p, path+"."+name, say)
		undescribed(p["items"], path+"."+name, say)
		undescribed(p["additionalProperties"], path+"."+name, say)
	}
	for _, key := range []string{"oneOf", "anyOf"} {
		list, _ := m[key].([]any)
		for _, x := range list {
			undescribed(x, path, say)
		}
	}
}

// TestErrorSchema: errors are told as their schema says.
func TestErrorSchema(t *testing.T) {
	for _, err := range []error{errors.New("x"), usage("a hint", "y")} {
		var said bytes.Buffer
		out := &console{out: io.Discard, err: &said, json: true}
		out.printError(err, false, exitCode(err, false))
		if err := fits(schemas, "error", said.Bytes()); err != nil {
			t.Error(err)
		}
	}
}
