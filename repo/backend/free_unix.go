//go:build !windows

package backend

import "syscall"

// Free is how many bytes this user may still write to the file system of a
// folder.
func Free(folder string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, fileError("open", folder, err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
