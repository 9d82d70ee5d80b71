//go:build !windows

package backend

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFlags keep a fifo that lies where an object should be from blocking
// the reader for ever.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isReadOnly is for EROFS, EACCES and EPERM.
func isReadOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission)
}

// isNoLink reports whether link failed because this file system has no hard
// links: FAT says EPERM, others ENOTSUP or ENOSYS.
func isNoLink(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}

// isNoLock reports whether a lock failed because this file system, a network's
// or FUSE's, has none.
func isNoLock(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.EINVAL)
}

// syncFolder makes the names in an open folder durable. Some network and FUSE
// file systems cannot sync a folder and say EINVAL or ENOTSUP; there is
// nothing more to be had there.
func syncFolder(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
