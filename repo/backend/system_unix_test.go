//go:build !windows

package backend

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/gofrs/flock"
)

// TestNoLock: that a file system has no locks is told from a lock that somebody
// has.
func TestNoLock(t *testing.T) {
	for err, want := range map[syscall.Errno]bool{
		syscall.ENOLCK: true, syscall.EOPNOTSUPP: true, syscall.ENOSYS: true, syscall.EINVAL: true,
		syscall.EWOULDBLOCK: false, syscall.EACCES: false,
	} {
		wrapped := fileError("lock", "x", &os.PathError{Op: "flock", Path: "x", Err: err})
		if got := isNoLock(wrapped); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if isNoLock(nil) {
		t.Error("no error")
	}
}

// TestLockWithoutLocks: on a file system without locks everybody gets each lock,
// and nothing is left behind.
func TestLockWithoutLocks(t *testing.T) {
	a, b, folder := locks(t)
	for _, l := range []*Local{a, b} {
		l.lock = func(_ context.Context, f *flock.Flock) (bool, error) {
			if err := os.WriteFile(f.Path(), nil, 0o600); err != nil { // it is made before it is locked
				return false, err
			}
			return false, &os.PathError{Op: "flock", Path: f.Path(), Err: syscall.ENOLCK}
		}
		unlock, err := l.Lock("run")
		if err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
