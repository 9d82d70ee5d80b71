package backend

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const openFlags = os.O_RDONLY

// From winerror.h.
const (
	errorInvalidFunction = syscall.Errno(1)
	errorWriteProtect    = syscall.Errno(19)
	errorHandleDiskFull  = syscall.Errno(39)
	errorDiskFull        = syscall.Errno(112)
	errorDiskQuota       = syscall.Errno(1295)
)

func isNoSpace(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull) || errors.Is(err, errorDiskQuota)
}

func isReadOnly(err error) bool {
	return errors.Is(err, errorWriteProtect) || errors.Is(err, fs.ErrPermission)
}

// isNoLink reports whether link failed because this file system (FAT, exFAT)
// has no hard links.
func isNoLink(err error) bool {
	return errors.Is(err, errorInvalidFunction) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}

// isNoLock reports whether a lock failed because this file system has none.
func isNoLock(err error) bool {
	return errors.Is(err, errorInvalidFunction) || errors.Is(err, errors.ErrUnsupported)
}

// syncFolder does nothing: Windows cannot sync a folder, NTFS logs names.
func syncFolder(*os.File) error { return nil }
