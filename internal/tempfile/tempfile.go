// Package tempfile makes temporary files that nothing leaves behind.
package tempfile

import (
	"os"
	"runtime"
)

// New makes a temporary file that goes with the process, however that
// ends: its name is removed at once where the system allows that, and by
// Close elsewhere.
func New(pattern string) (*os.File, error) {
	f, err := os.CreateTemp("", pattern)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // refused on Windows while it is open
	return f, nil
}

// Close closes a temporary file, and removes it where it still has a name.
func Close(f *os.File) error {
	err := f.Close()
	if runtime.GOOS == "windows" {
		_ = os.Remove(f.Name())
	}
	return err
}
