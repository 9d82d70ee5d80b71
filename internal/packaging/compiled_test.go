package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompiled compiles and links the program for each other system once and for
// each processor once: with what TestPlatforms checks of all of them, little is
// left that could fail for one that is released. It goes without optimization and
// symbols, which takes half the time.
func TestCompiled(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	for _, platform := range []string{"windows/amd64", "darwin/arm64"} {
		system, arch, _ := strings.Cut(platform, "/")
		t.Run(system+"-"+arch, func(t *testing.T) {
			bin := filepath.Join(t.TempDir(), "autochrome")
			cmd := exec.Command("go", "build", "-trimpath", "-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w", "-o", bin, "./cmd/autochrome")
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			b, err := os.ReadFile(bin)
			if err != nil {
				t.Fatal(err)
			}
			if magic := map[string]string{"windows": "MZ", "darwin": "\xcf\xfa\xed\xfe"}[system]; !strings.HasPrefix(string(b), magic) {
				t.Errorf("it begins with %x", b[:4])
			}
		})
	}
}
