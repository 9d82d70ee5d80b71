// Package examples has migrations to run under guard, and tests that do.
package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"autochrome/internal/chromatest"
)

func TestMain(m *testing.M) { chromatest.Main(m) }

// built gives the program of a package.
func built(t *testing.T, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestExamples runs each example under guard, to its end and failing half-way.
func TestExamples(t *testing.T) {
	autochrome, inGo := built(t, "autochrome/cmd/autochrome"), built(t, "autochrome/examples/go")
	// Node looks for the client beside the script.
	script := filepath.Join(t.TempDir(), "migrate.mjs")
	text, err := os.ReadFile("javascript/migrate.mjs")
	if err == nil {
		err = os.WriteFile(script, text, 0o600)
	}
	if err == nil {
		err = os.Symlink(filepath.Join(chromatest.JavaScriptClient(t), "node_modules"), filepath.Join(filepath.Dir(script), "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		id := c.CreateCollection("docs", nil)
		var ids, documents []string
		var vectors [][]float32
		for i := range 500 {
			ids, documents = append(ids, fmt.Sprint("r", i)), append(documents, fmt.Sprint("document ", i))
			vectors = append(vectors, []float32{float32(i), 1, 2})
		}
		c.Add(id, map[string]any{"ids": ids, "documents": documents, "embeddings": vectors})
		repository := filepath.Join(t.TempDir(), "repository")
		run := func(t *testing.T, args ...string) (said map[string]any, code int) {
			t.Helper()
			cmd := exec.Command(autochrome, append([]string{"--json", "--repo", repository}, args...)...)
			cmd.Env = append(os.Environ(), "CHROMADB_URL="+c.Server.URL(), "CHROMA_DATABASE="+c.Database)
			cmd.Stderr = t.Output()
			out, _ := cmd.Output() // the code says it
			lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
			if err := json.Unmarshal(lines[len(lines)-1], &said); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			return said, cmd.ProcessState.ExitCode()
		}
		migrated := func() (n int) {
			for _, r := range c.Dump("docs") {
				if r.Metadata["language"] == "en" {
					n++
				}
			}
			return n
		}
		for name, command := range map[string][]string{
			"python": {"python3", "python/migrate.py", "docs"}, "javascript": {"node", script, "docs"}, "go": {inGo, "docs"},
		} {
			t.Run(name, func(t *testing.T) {
				if _, err := exec.LookPath(command[0]); err != nil && name == "python" { // the README asks for Go and Node.js
					t.Skipf("%s is not on this machine", command[0])
				}
				said, code := run(t, append([]string{"guard", "--"}, append(command, "--fail")...)...)
				if code != 30 || said["points"] != 3.0 || said["rolled_back"] != true || migrated() != 0 {
					t.Errorf("failing: exit code %d, %v, %d records are migrated", code, said, migrated())
				}
				said, code = run(t, append([]string{"guard", "--"}, command...)...)
				if code != 0 || said["points"] != 5.0 || migrated() != 500 {
					t.Errorf("exit code %d, %v, %d records are migrated", code, said, migrated())
				}
				if _, code = run(t, "rollback", said["run"].(string)+"@base", "--yes"); code != 0 || migrated() != 0 {
					t.Errorf("back: exit code %d, %d records are migrated", code, migrated())
				}
			})
		}
	})
}
