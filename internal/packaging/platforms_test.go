package packaging

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestPlatforms compiles and links the program for every platform that is
// released, but for this one, which all other tests compile for. It goes without
// optimization and symbols, which takes half the time.
func TestPlatforms(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	cross := regexp.MustCompile(`for t in ([^;]*); do`).FindStringSubmatch(read(t, "Makefile"))[1]
	for _, platform := range strings.Fields(cross) {
		system, arch, _ := strings.Cut(platform, "/")
		if system == runtime.GOOS && arch == runtime.GOARCH {
			continue
		}
		t.Run(system+"-"+arch, func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "autochrome")
			cmd := exec.Command("go", "build", "-trimpath", "-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w", "-o", bin, "./cmd/autochrome")
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			program, err := os.ReadFile(bin)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(program, []byte(magic[system])) {
				t.Errorf("it begins with %x", program[:4])
			}
		})
	}
}

// magic is what programs of a system begin with.
var magic = map[string]string{"linux": "\x7fELF", "darwin": "\xcf\xfa\xed\xfe", "windows": "MZ"}
