package snapshot

import (
	"os"
	"runtime"
)

// tempFile makes a temporary file that goes with the process, however that
// ends: its name is removed at once where the system allows that, and by
// closeTemp elsewhere.
func tempFile(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // refused on Windows while it is open
	return f, nil
}

// closeTemp closes a temporary file, and removes it where it still has a name.
func closeTemp(f *os.File) error {
	err := f.Close()
	if runtime.GOOS == "windows" {
		_ = os.Remove(f.Name())
	}
	return err
}
