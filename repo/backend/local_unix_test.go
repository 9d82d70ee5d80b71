//go:build unix

package backend_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"autochrome/repo/backend"
)

func TestLocalPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	l := openLocal(t)
	defer l.Close()
	for name, err := range map[string]error{
		"packs/aa/x": l.Save(t.Context(), "packs/aa/x", nil),
		"keys/x":     l.Create(t.Context(), "keys/x", nil),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]os.FileMode{
		"": 0o700, "packs": 0o700, "packs/aa": 0o700, "packs/aa/x": 0o600, "keys": 0o700, "keys/x": 0o600,
	} {
		info, err := os.Stat(filepath.Join(l.Location(), name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

// TestLocalLinks puts links and a fifo into a repository: nothing outside is
// read, written or removed, and nothing blocks.
func TestLocalLinks(t *testing.T) {
	ctx := t.Context()
	l := openLocal(t)
	defer l.Close()
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(l.Location(), name) }
	for _, err := range []error{
		os.Mkdir(in("a"), 0o700), os.Mkdir(in("b"), 0o700), os.Mkdir(in("c"), 0o700),
		os.Symlink(secret, in("a/file")),
		os.Symlink("../../../"+filepath.Base(filepath.Dir(outside))+"/"+filepath.Base(outside), in("b/folder")),
		os.Symlink(outside, in("d")),
		syscall.Mkfifo(in("c/fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a/file", "b/folder/secret", "d/secret", "c/fifo"} {
		if data, err := backend.LoadAll(ctx, l, name); err == nil {
			t.Errorf("Load(%q) = %q", name, data)
		}
	}
	for _, folder := range []string{"", "a/", "b/", "b/folder/", "c/", "d/"} {
		err := l.List(ctx, folder, func(info backend.Info) error { t.Errorf("listed: %v", info); return nil })
		if err == nil || !strings.Contains(err.Error(), "links") {
			t.Errorf("List(%q): error %v", folder, err)
		}
	}
	for _, name := range []string{"b/folder/secret", "b/folder/new", "d/secret"} {
		if err := l.Save(ctx, name, []byte("x")); err == nil {
			t.Errorf("Save(%q) went through", name)
		}
		if err := l.Remove(ctx, name); err == nil {
			t.Errorf("Remove(%q) went through", name)
		}
	}
	if err := l.Save(ctx, "a/file", []byte("mine")); err != nil { // replaces the link itself
		t.Error(err)
	}
	if data, err := os.ReadFile(secret); string(data) != "secret" || err != nil {
		t.Errorf("outside: %q, %v", data, err)
	}
	if entries, err := os.ReadDir(outside); len(entries) != 1 || err != nil {
		t.Errorf("outside: %v, %v", entries, err)
	}
}

// TestLocalFileLimit runs into RLIMIT_FSIZE: a write that fails halfway.
func TestLocalFileLimit(t *testing.T) {
	inChild(t, &syscall.SysProcAttr{}, func(t *testing.T, folder string) {
		l, err := backend.OpenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		limit := syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := l.Save(t.Context(), "a/big", make([]byte, 3<<20)); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("Save: error %v, want %v", err, syscall.EFBIG)
		}
		if err := l.Save(t.Context(), "a/small", make([]byte, 1<<20)); err != nil {
			t.Error(err)
		}
		if left := files(t, l, "a"); len(left) != 1 || left[0] != "small" {
			t.Errorf("left: %q", left)
		}
	})
}

// TestLocalNotAllowed writes as a user that may not.
func TestLocalNotAllowed(t *testing.T) {
	inChild(t, &syscall.SysProcAttr{}, func(t *testing.T, folder string) {
		if os.Getuid() == 0 { // not when it starts: the test binary may lie where only root can read
			if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
				t.Skip(err)
			}
		}
		ctx := t.Context()
		l, err := backend.OpenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		_, nowErr := l.Now(ctx)
		_, openErr := backend.CreateLocal(filepath.Join(folder, "sub"))
		for what, err := range map[string]error{
			"Save":        l.Save(ctx, "a", nil),
			"Save below":  l.Save(ctx, "b/a", nil),
			"Create":      l.Create(ctx, "a", nil),
			"Remove":      l.Remove(ctx, "there"),
			"Now":         nowErr,
			"CreateLocal": openErr,
		} {
			if !errors.Is(err, backend.ErrReadOnly) || !strings.Contains(err.Error(), folder) {
				t.Errorf("%s: error %v", what, err)
			}
		}
		if data, err := backend.LoadAll(ctx, l, "there"); string(data) != "x" || err != nil {
			t.Errorf("Load: %q, %v", data, err)
		}
		if names, err := backend.Names(ctx, l, ""); len(names) != 1 || err != nil {
			t.Errorf("List: %q, %v", names, err)
		}
	}, func(folder string) error {
		return errors.Join(os.WriteFile(filepath.Join(folder, "there"), []byte("x"), 0o644), os.Chmod(folder, 0o555))
	})
}
