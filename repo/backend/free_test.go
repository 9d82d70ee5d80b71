package backend

import (
	"path/filepath"
	"testing"
)

func TestFree(t *testing.T) {
	folder := t.TempDir()
	free, err := Free(folder)
	if err != nil || free < 1<<20 || free > 1<<60 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	if _, err := Free(filepath.Join(folder, "missing")); err == nil {
		t.Error("a folder that is not there has free space")
	}
}
