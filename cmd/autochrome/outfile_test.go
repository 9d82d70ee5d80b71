package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestWholeBesideRemains: what a killed export has left behind is in nobody's
// way, also where every process has the same number.
func TestWholeBesideRemains(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"file", "folder"} {
		part := filepath.Join(folder, fmt.Sprintf(".%s.%d.part", name, os.Getpid()))
		for _, remains := range []string{part, part + ".old"} {
			if err := os.MkdirAll(filepath.Join(remains, "remains"), 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, text := range []string{"first", "second"} { // which replaces the first
		write := func(to io.Writer) error {
			_, err := io.WriteString(to, text)
			return err
		}
		file := filepath.Join(folder, "file")
		if err := writeWhole(file, write); err != nil {
			t.Fatal(err)
		}
		wantText(t, file, text)
		err := wholeFolder(filepath.Join(folder, "folder")+"/", func(in string) error {
			return writeWhole(filepath.Join(in, "file"), write)
		})
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, filepath.Join(folder, "folder", "file"), text)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 6 {
		t.Errorf("there are %v, want the file, the folder and what was there", entries)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is %q, want %q", path, got, want)
	}
}
