package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"autochrome/internal/chromatest"
)

// TestPipelines runs each pipeline to its end, with a migration that fails
// half-way, with a validation that says no, and where it cannot roll back.
func TestPipelines(t *testing.T) {
	autochrome, inGo := built(t, "autochrome/cmd/autochrome"), built(t, "autochrome/examples/pipeline")
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	id := c.CreateCollection("docs", nil)
	var ids []string
	var vectors [][]float32
	for i := range 300 {
		ids, vectors = append(ids, fmt.Sprint("r", i)), append(vectors, []float32{float32(i), 1, 2})
	}
	c.Add(id, map[string]any{"ids": ids, "embeddings": vectors})
	migrated := func() (n int) {
		for _, r := range c.Dump("docs") {
			if r.Metadata["language"] == "en" {
				n++
			}
		}
		return n
	}
	const migrate = "python3 python/migrate.py docs"
	for name, command := range map[string][]string{
		"sh": {"sh", "pipeline/pipeline.sh"}, "python": {"python3", "pipeline/pipeline.py"},
		"javascript": {"node", "pipeline/pipeline.mjs"}, "go": {inGo},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			repository := filepath.Join(bin, "repository")
			// Told to, it refuses to roll back, as a server that is gone would.
			program := "#!/bin/sh\n[ -z \"$BROKEN\" ] || case \"$*\" in *rollback*) exit 20;; esac\nexec " + autochrome + ` "$@"` + "\n"
			if err := os.WriteFile(filepath.Join(bin, "autochrome"), []byte(program), 0o755); err != nil {
				t.Fatal(err)
			}
			run := func(broken, migrate, validate string) (code int, said string) {
				t.Helper()
				cmd := exec.Command(command[0], append(command[1:], migrate, validate)...)
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CHROMADB_URL="+c.Server.URL(), "CHROMA_DATABASE="+c.Database,
					"AUTOCHROME_REPOSITORY="+repository, "BROKEN="+broken)
				out, _ := cmd.CombinedOutput() // the code says it
				return cmd.ProcessState.ExitCode(), string(out)
			}
			for _, x := range []struct {
				broken, migrate, validate string
				code, migrated            int
				said                      string
			}{
				{"", migrate + " --fail", "true", 30, 0, "the migration failed; rolling back to snapshot_"},
				{"", migrate, "false", 30, 0, "the validation says no; rolling back to snapshot_"},
				{"1", migrate, "false", 31, 300, "rolling back to"},
				{"", "true", `test -n "$AUTOCHROME_BASE" && autochrome diff "$AUTOCHROME_BASE" live --exit-code`, 0, 300, ""},
			} {
				code, said := run(x.broken, x.migrate, x.validate)
				if code != x.code || migrated() != x.migrated || !strings.Contains(said, x.said) {
					t.Errorf("%s, %s: exit code %d, want %d; %d records are migrated, want %d:\n%s", x.migrate, x.validate, code, x.code, migrated(), x.migrated, said)
				}
			}
			// Back for the next one, to what the first snapshot has.
			c.Delete(id, map[string]any{"ids": ids})
			c.Add(id, map[string]any{"ids": ids, "embeddings": vectors})
		})
	}
}
