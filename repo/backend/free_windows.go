package backend

import "golang.org/x/sys/windows"

// Free is how many bytes this user may still write to the file system of a
// folder.
func Free(folder string) (int64, error) {
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(path, &free, nil, nil); err != nil {
		return 0, fileError("open", folder, err)
	}
	return int64(free), nil
}
