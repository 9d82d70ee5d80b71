package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestHugePagesFirst: the heap is prepared before the package whose start needs most
// memory begins.
func TestHugePagesFirst(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	ours := bytes.Index(trace.Bytes(), []byte("init autochrome/internal/hugepages "))
	theirs := bytes.Index(trace.Bytes(), []byte("init github.com/amikos-tech/chroma-go/pkg/api/v2 "))
	if ours < 0 || theirs < 0 || ours > theirs {
		t.Errorf("at %d and %d of\n%s", ours, theirs, trace.Bytes())
	}
}
