package backend_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autochrome/repo/backend"
	"autochrome/repo/backend/backendtest"
)

func openLocal(t testing.TB) *backend.Local {
	t.Helper()
	l, err := backend.CreateLocal(filepath.Join(t.TempDir(), "new", "repo"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLocal(t *testing.T) {
	backendtest.Run(t, func(t *testing.T) backend.Backend { return openLocal(t) })
}

func TestOpenLocal(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "repo")
	_, err := backend.OpenLocal(folder)
	if !errors.Is(err, backend.ErrNotExist) || !strings.Contains(err.Error(), folder) {
		t.Errorf("a missing folder: error %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Error("OpenLocal made the folder")
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*backend.Local, error){backend.OpenLocal, backend.CreateLocal} {
		if _, err := open(folder); err == nil || errors.Is(err, backend.ErrNotExist) || !strings.Contains(err.Error(), folder) {
			t.Errorf("a file: error %v", err)
		}
	}
}

func TestLocalReopen(t *testing.T) {
	l := openLocal(t)
	if err := l.Save(t.Context(), "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := backend.OpenLocal(l.Location())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if data, err := backend.LoadAll(t.Context(), again, "a/b"); string(data) != "x" || err != nil {
		t.Errorf("Load = %q, %v", data, err)
	}
}

// TestLocalFolderGone has somebody remove a folder that the backend knows.
func TestLocalFolderGone(t *testing.T) {
	l := openLocal(t)
	defer l.Close()
	for range 2 {
		if err := l.Save(t.Context(), "a/b/c", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(l.Location(), "a")); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLocalObjectAsFolder saves an object below another one.
func TestLocalObjectAsFolder(t *testing.T) {
	l := openLocal(t)
	defer l.Close()
	for _, name := range []string{"a", "b/c"} {
		if err := l.Save(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/x", "b"} {
		if err := l.Save(t.Context(), name, nil); err == nil || errors.Is(err, backend.ErrNotExist) {
			t.Errorf("Save(%q): error %v", name, err)
		}
	}
	if names, err := backend.Names(t.Context(), l, ""); len(names) != 2 || err != nil {
		t.Errorf("List: %q, error %v", names, err)
	}
}

// TestLocalForeign puts beside the objects what other programs leave there.
func TestLocalForeign(t *testing.T) {
	l := openLocal(t)
	defer l.Close()
	if err := l.Save(t.Context(), "a/b", nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".DS_Store", "README.MD", "tmp-old", "a/.nfs0001", "a/tmp-x", "Archiv äöü"} {
		if err := os.WriteFile(filepath.Join(l.Location(), name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(l.Location(), ".snapshot", "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := backend.Names(t.Context(), l, "")
	if len(names) != 1 || names[0] != "a/b" || err != nil {
		t.Errorf("List: %q, error %v", names, err)
	}
}

// TestLocalStale leaves what dead writers leave: only what is older than a
// day goes, when a new process first saves into the folder.
func TestLocalStale(t *testing.T) {
	l := openLocal(t)
	defer l.Close()
	if err := os.Mkdir(filepath.Join(l.Location(), "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	ages := map[string]time.Duration{"tmp-live": time.Hour, "tmp-day": 23 * time.Hour, "tmp-dead": 25 * time.Hour, "old": 100 * time.Hour}
	for name, age := range ages {
		file := filepath.Join(l.Location(), "a", name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := backend.Names(t.Context(), l, ""); err != nil {
		t.Fatal(err)
	}
	if left := files(t, l, "a"); len(left) != 4 {
		t.Errorf("reading removed something: %q", left)
	}
	if err := l.Save(t.Context(), "a/new", nil); err != nil {
		t.Fatal(err)
	}
	if left := strings.Join(files(t, l, "a"), " "); left != "new old tmp-day tmp-live" {
		t.Errorf("left: %q", left)
	}
	above := filepath.Join(l.Location(), "b", "tmp-draft")
	if err := os.Mkdir(filepath.Dir(above), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(above, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(above, time.Time{}, time.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := l.Save(t.Context(), "b/c/new", nil); err != nil {
		t.Fatal(err)
	}
	if left := strings.Join(files(t, l, "b"), " "); left != "c" {
		t.Errorf("left above: %q", left)
	}
}

// files lists a folder as the file system shows it.
func files(t *testing.T, l *backend.Local, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(l.Location(), folder))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
