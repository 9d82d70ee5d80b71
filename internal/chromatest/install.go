package chromatest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Two test processes may install at once: the script sorts that out.
var installed = map[Version]func() (script string, err error){
	Oldest: sync.OnceValues(func() (string, error) { return install(Oldest) }),
	Newest: sync.OnceValues(func() (string, error) { return install(Newest) }),
}

// install makes sure that the server is there and returns the script that runs
// it.
func install(v Version) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	scripts := filepath.Join(root, "scripts")
	out, err := exec.Command(filepath.Join(scripts, "chroma-install.sh"), string(v)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the %s Chroma server cannot be installed: %w\n%s", v, err, out)
	}
	return filepath.Join(scripts, "chroma-run.sh"), nil
}

// JavaScriptClient makes sure that the official JavaScript client is there, and
// returns the folder that its node_modules is in: a script finds the client when
// it lies in that folder.
func JavaScriptClient(t testing.TB) string {
	t.Helper()
	folder, err := javaScriptClient()
	if err != nil {
		t.Fatalf("chromatest: %v", err)
	}
	return folder
}

var javaScriptClient = sync.OnceValues(func() (string, error) {
	return runInstaller("chroma-client.sh", "the JavaScript client")
})

// runInstaller runs a script that installs something and prints its folder.
func runInstaller(script, what string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(filepath.Join(root, "scripts", script))
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s cannot be installed: %w\n%s", what, err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above %s", start)
		}
		dir = up
	}
}
