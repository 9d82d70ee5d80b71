// Package architecture holds the import arrows that docs/architecture.md
// draws: this test is the drawing's guard.
package architecture

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "autochrome"

// allowed lists, for each package, the packages of this module that it may
// import. Arrows point down only.
var allowed = map[string][]string{
	"internal/wire":            {},
	"internal/deflate":         {},
	"internal/spelling":        {},
	"internal/process":         {},
	"internal/tempfile":        {},
	"internal/hugepages":       {},
	"internal/memory":          {"internal/hugepages"},
	"internal/reuse":           {},
	"chunk":                    {"internal/reuse", "internal/wire"},
	"index":                    {"chunk", "internal/wire"},
	"repo/backend":             {},
	"repo":                     {"chunk", "index", "internal/reuse", "internal/wire", "internal/spelling", "repo/backend"},
	"tree":                     {"chunk", "internal/reuse", "internal/wire"},
	"chroma":                   {"chunk"},
	"snapshot":                 {"chunk", "internal/tempfile", "repo", "tree"},
	"filter":                   {"chunk"},
	"restore":                  {"chunk", "filter", "repo", "snapshot", "tree"},
	"restore/parquet":          {"chunk"},
	"restore/archive":          {"chunk", "internal/deflate", "repo", "restore/parquet", "snapshot", "tree"},
	"guard":                    {"chunk", "internal/process", "internal/tempfile", "repo", "restore", "snapshot", "tree"},
	"watch":                    {},
	"metrics":                  {},
	"notify":                   {"internal/process"},
	"cmd/autochrome":           {"chroma", "chunk", "filter", "guard", "internal/memory", "internal/spelling", "metrics", "notify", "repo", "repo/backend", "restore", "restore/archive", "snapshot", "tree", "watch"},
	"bench":                    {},
	"examples":                 {},
	"examples/go":              {},
	"examples/deploy":          {},
	"examples/pipeline":        {},
	"internal/chromatest":      {},
	"internal/packaging":       {},
	"internal/architecture":    {},
	"repo/backend/faulty":      {"repo/backend"},
	"repo/backend/backendtest": {"repo/backend", "repo/backend/faulty"},
}

// homes lists the packages that may import a third-party module.
var homes = map[string][]string{
	"github.com/restic/chunker":        {"chunk"},
	"github.com/zeebo/blake3":          {"chunk"},
	"github.com/klauspost/compress":    {"chunk", "restore/archive", "restore/parquet"},
	"github.com/parquet-go/parquet-go": {"restore/parquet"},
	"github.com/google/flatbuffers":    {"restore/parquet"},
	"github.com/amikos-tech/chroma-go": {"chroma", "examples/go"},
	"github.com/urfave/cli":            {"cmd/autochrome"},
	"github.com/schollz/progressbar":   {"cmd/autochrome"},
	"golang.org/x/term":                {"cmd/autochrome"},
	"go.yaml.in/yaml":                  {"cmd/autochrome"},
	"github.com/cpuguy83/go-md2man":    {"cmd/autochrome"},
	"github.com/hashicorp/golang-lru":  {"tree", "repo"},
	"filippo.io/age":                   {"repo", "restore/archive"},
	"golang.org/x/crypto":              {"repo"},
	"golang.org/x/sync":                {"chroma", "repo", "snapshot"},
	"golang.org/x/sys":                 {"repo/backend"}, // on Windows
	"github.com/gofrs/flock":           {"repo/backend"},
	"github.com/robfig/cron":           {"watch"},
	"github.com/prometheus":            {"metrics"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		may, known := allowed[name]
		if !known {
			t.Errorf("%s: not in the drawing; add it to docs/architecture.md and here", name)
			continue
		}
		for _, i := range p.Imports {
			if own, ok := strings.CutPrefix(i, module+"/"); ok {
				if !slices.Contains(may, own) {
					t.Errorf("%s imports %s: arrows point down only", name, own)
				}
			} else if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
				checkHome(t, name, i)
			}
		}
	}
}

func checkHome(t *testing.T, name, imported string) {
	t.Helper()
	for m, may := range homes {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			if !slices.Contains(may, name) {
				t.Errorf("%s imports %s: that is for %s", name, imported, strings.Join(may, ", "))
			}
			return
		}
	}
	t.Errorf("%s imports %s: a new dependency; add it here and say why in docs/architecture.md", name, imported)
}
