//go:build unix

package backend_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// childFolder, in the environment, tells a test that it runs in a child.
const childFolder = "BACKEND_TEST_CHILD_FOLDER"

// inChild runs a test's body in a process of its own, with the folder that
// setup prepared. The child is this test binary, running the same test.
func inChild(t *testing.T, attr *syscall.SysProcAttr, body func(t *testing.T, folder string), setup ...func(folder string) error) {
	t.Helper()
	if folder := os.Getenv(childFolder); folder != "" {
		body(t, folder)
		return
	}
	// Not t.TempDir, whose parents are closed to other users.
	folder, err := os.MkdirTemp("", "backend-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(folder, 0o700)
		_ = os.RemoveAll(folder)
	})
	for _, f := range setup {
		if err := f(folder); err != nil {
			t.Fatal(err)
		}
	}
	cmd := childCommand(t, folder)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("no such process here: %v", err)
	}
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("child: %s", out)
	}
	if !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("the child ran no test:\n%s", out)
	}
}

func childCommand(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	return cmd
}
