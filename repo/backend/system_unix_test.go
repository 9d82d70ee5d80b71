//go:build !windows

package backend

import (
	"os"
	"syscall"
	"testing"
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
