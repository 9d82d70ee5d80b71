package packaging

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestPlatforms: the program is right Go on every platform that is released.
// All that it is made of is parsed and type-checked, and nothing compiled: that
// takes seconds where make cross, on a machine that has compiled nothing yet,
// takes minutes.
func TestPlatforms(t *testing.T) {
	cross := regexp.MustCompile(`for t in ([^;]*); do`).FindStringSubmatch(read(t, "Makefile"))[1]
	for _, platform := range strings.Fields(cross) {
		system, arch, _ := strings.Cut(platform, "/")
		if system == runtime.GOOS && arch == runtime.GOARCH {
			continue // all other tests compile for it
		}
		t.Run(system+"-"+arch, func(t *testing.T) { check(t, system, arch) })
	}
}

// listed is a package as go list tells of it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string
	Module          *struct{ Main bool }
	Error           *struct{ Err string }
}

func check(t *testing.T, system, arch string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module,Error", "./cmd/autochrome")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	done := map[string]*types.Package{"unsafe": types.Unsafe}
	files := token.NewFileSet()
	own := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed // after all that it imports
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil || p.Error != nil {
			t.Fatal(err, p.Error)
		}
		if p.ImportPath == "unsafe" {
			continue
		}
		ours := p.Module != nil && p.Module.Main
		if ours {
			own++
		}
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		config := types.Config{
			IgnoreFuncBodies: !ours,
			FakeImportC:      true,
			Sizes:            types.SizesFor("gc", arch),
			Importer: imports(func(path string) (*types.Package, error) {
				if mapped, ok := p.ImportMap[path]; ok {
					path = mapped
				}
				if done[path] == nil {
					return nil, errors.New("not listed: " + path)
				}
				return done[path], nil
			}),
			Error: func(err error) {
				if ours {
					t.Error(err)
				}
			},
		}
		done[p.ImportPath], _ = config.Check(p.ImportPath, files, parsed, nil) // Error has told
	}
	if own < 10 {
		t.Errorf("only %d packages are ours", own)
	}
}

type imports func(path string) (*types.Package, error)

func (f imports) Import(path string) (*types.Package, error) { return f(path) }
