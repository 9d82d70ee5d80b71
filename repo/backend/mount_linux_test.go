package backend_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"autochrome/repo/backend"
)

// ownMounts gives a process a user and mounts of its own, so that it can
// mount without being root and without anybody else seeing it.
func ownMounts() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

func mount(t *testing.T, folder string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", flags, options); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
}

// smallDisk gives a backend on a file system of 1 MiB.
func smallDisk(t *testing.T, folder string) *backend.Local {
	t.Helper()
	mount(t, folder, 0, "size=1m")
	l, err := backend.CreateLocal(filepath.Join(folder, "repo"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLocalFull fills a file system of 1 MiB.
func TestLocalFull(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		ctx, l := t.Context(), smallDisk(t, folder)
		if err := l.Save(ctx, "a/x", make([]byte, 600<<10)); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"Save":        l.Save(ctx, "a/y", make([]byte, 600<<10)),
			"Save over x": l.Save(ctx, "a/x", make([]byte, 601<<10)),
			"Create":      l.Create(ctx, "a/z", make([]byte, 600<<10)),
		} {
			if !errors.Is(err, backend.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), folder) {
				t.Errorf("%s: error %v", what, err)
			}
			t.Log(err)
		}
		if left := files(t, l, "a"); len(left) != 1 {
			t.Errorf("left: %q", left)
		}
		if data, err := backend.LoadAll(ctx, l, "a/x"); len(data) != 600<<10 || err != nil {
			t.Errorf("Load: %d bytes, %v", len(data), err)
		}
		if err := l.Remove(ctx, "a/x"); err != nil {
			t.Errorf("Remove on a full disk: %v", err)
		}
		if err := l.Save(ctx, "a/y", make([]byte, 600<<10)); err != nil {
			t.Errorf("Save after Remove: %v", err)
		}
	})
}

// TestLocalReserve fills a file system of which some is held back.
func TestLocalReserve(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		ctx, l := t.Context(), smallDisk(t, folder)
		if err := l.Reserve(2 << 20); !errors.Is(err, backend.ErrNoSpace) {
			t.Errorf("more than there is: %v", err)
		}
		if err := l.Reserve(500 << 10); err != nil {
			t.Fatal(err)
		}
		if err := l.Save(ctx, "a/x", make([]byte, 300<<10)); err != nil || l.ReserveUsed() {
			t.Fatalf("%v, used %v", err, l.ReserveUsed())
		}
		if err := l.Save(ctx, "a/y", make([]byte, 400<<10)); err != nil || !l.ReserveUsed() {
			t.Fatalf("the point in hand: %v, used %v", err, l.ReserveUsed())
		}
		if err := l.Save(ctx, "a/z", make([]byte, 400<<10)); !errors.Is(err, backend.ErrNoSpace) {
			t.Errorf("the next: %v", err)
		}
		if left := files(t, l, "a"); len(left) != 2 {
			t.Errorf("left: %q", left)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestLocalDraftFull: a draft on a full disk fails, and with a reserve it does not;
// after a failure it cannot be saved.
func TestLocalDraftFull(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		ctx, l := t.Context(), smallDisk(t, folder)
		write := func(pieces int) (d backend.Draft, err error) {
			if d, err = l.Draft(ctx, "a/"); err != nil {
				t.Fatal(err)
			}
			for range pieces {
				if err = d.Write(ctx, make([]byte, 100<<10)); err != nil {
					break
				}
			}
			return d, err
		}
		d, err := write(12)
		if !errors.Is(err, backend.ErrNoSpace) || !strings.Contains(err.Error(), folder) {
			t.Errorf("Write: error %v", err)
		}
		t.Log(err)
		if err := d.Write(ctx, nil); !errors.Is(err, backend.ErrNoSpace) {
			t.Errorf("Write after it: error %v", err)
		}
		if err := d.Save(ctx, "a/x"); !errors.Is(err, backend.ErrNoSpace) {
			t.Errorf("Save after it: error %v", err)
		}
		d.Discard()
		if left := files(t, l, "a"); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
		if err := l.Reserve(500 << 10); err != nil {
			t.Fatal(err)
		}
		d, err = write(8)
		if err == nil {
			err = d.Save(ctx, "a/x")
		}
		if err != nil || !l.ReserveUsed() {
			t.Fatalf("with a reserve: %v, used %v", err, l.ReserveUsed())
		}
		d.Discard()
		if data, err := backend.LoadAll(ctx, l, "a/x"); len(data) != 800<<10 || err != nil {
			t.Errorf("Load: %d bytes, %v", len(data), err)
		}
	})
}

// TestLocalReserveTogether: writes that find the disk full together are all tried
// again, whichever of them frees the reserve.
func TestLocalReserveTogether(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		ctx, l := t.Context(), smallDisk(t, folder)
		if err := l.Save(ctx, "a/x", make([]byte, 500<<10)); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if err := l.Reserve(400 << 10); err != nil {
				t.Fatal(err)
			}
			var errs [2]error
			begin := make(chan struct{})
			var wg sync.WaitGroup
			for i, name := range []string{"a/y", "a/z"} {
				wg.Go(func() {
					<-begin
					errs[i] = l.Save(ctx, name, make([]byte, 150<<10))
				})
			}
			close(begin)
			wg.Wait()
			if err := errors.Join(errs[:]...); err != nil || !l.ReserveUsed() {
				t.Fatalf("%v, used %v", err, l.ReserveUsed())
			}
			for _, name := range []string{"a/y", "a/z"} {
				if err := l.Remove(ctx, name); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestLocalReserveNow: to ask for the time takes space, too.
func TestLocalReserveNow(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		mount(t, folder, 0, "size=1m")
		l, err := backend.CreateLocal(filepath.Join(folder, "repo"))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Reserve(400 << 10); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "of others"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if _, err := l.Now(t.Context()); err != nil || !l.ReserveUsed() {
			t.Errorf("%v, used %v", err, l.ReserveUsed())
		}
	})
}

// TestLocalReadOnly works on a file system that is mounted read-only.
func TestLocalReadOnly(t *testing.T) {
	inChild(t, ownMounts(), func(t *testing.T, folder string) {
		mount(t, folder, 0, "size=1m")
		ctx := t.Context()
		l, err := backend.OpenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Save(ctx, "a/x", []byte("x")); err != nil {
			t.Fatal(err)
		}
		mount(t, folder, syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m")
		again, err := backend.OpenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		_, nowErr := l.Now(ctx)
		for what, err := range map[string]error{
			"Save":           l.Save(ctx, "a/y", nil),
			"Save, reopened": again.Save(ctx, "a/y", nil),
			"Save below":     again.Save(ctx, "b/y", nil),
			"Create":         l.Create(ctx, "a/y", nil),
			"Remove":         l.Remove(ctx, "a/x"),
			"Now":            nowErr,
		} {
			if !errors.Is(err, backend.ErrReadOnly) || !errors.Is(err, syscall.EROFS) {
				t.Errorf("%s: error %v", what, err)
			}
			t.Log(err)
		}
		if err := again.Remove(ctx, "a/missing"); err != nil {
			t.Errorf("Remove of what is missing: %v", err)
		}
		if data, err := backend.LoadAll(ctx, again, "a/x"); string(data) != "x" || err != nil {
			t.Errorf("Load: %q, %v", data, err)
		}
	})
}
