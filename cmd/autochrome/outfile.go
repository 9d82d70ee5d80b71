package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"autochrome/restore/archive"
)

// sumSuffix names the file with an archive's sum beside it.
const sumSuffix = ".sha256"

// freeToWrite refuses files that are there, and what is no file.
func freeToWrite(force bool, paths ...string) error {
	for _, path := range paths {
		i, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return usage("", "-o %s: %v", path, err)
		case !i.Mode().IsRegular():
			return usage("name a file", "-o %s is not a file", path)
		case !force:
			return usage("name another one, or use --force to write over it", "%s is there already", path)
		}
	}
	return nil
}

// folderFor refuses a file whose folder is not there.
func folderFor(path string) error {
	folder := filepath.Dir(path)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return &hintedError{fmt.Errorf("-o %s: there is no folder %s", path, folder), "make it, or name another place"}
	}
	return nil
}

// partOf gives a name beside a path for what is not whole yet: another one each
// time, since what a killed process has left may be there. The number of a process
// would not do: in a container it is always the same.
func partOf(path string) string {
	parent, name := filepath.Split(filepath.Clean(path))
	return filepath.Join(parent, fmt.Sprintf(".%s.%s.part", name, rand.Text()))
}

// writeWhole makes a file that has its name only when it is whole. Before it
// gets the name, stale files are removed.
func writeWhole(path string, write func(io.Writer) error, stale ...string) (err error) {
	temp := partOf(path)
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // and the umask
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	err = write(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// freeFolder refuses a folder that is there and not empty, with force only one
// that is no export.
func freeFolder(force bool, folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return usage("name a folder", "-o %s: %v", folder, err)
	case !archive.IsTables(folder):
		return usage("name another one", "-o %s has other things in it", folder)
	case !force:
		return usage("name another one, or use --force to write over it", "%s is there already", folder)
	}
	return nil
}

// wholeFolder makes a folder that has its name only when it is whole. One that is
// there is replaced.
func wholeFolder(folder string, write func(folder string) error) (err error) {
	temp := partOf(folder)
	if err := os.Mkdir(temp, 0o777); err != nil { // and the umask
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(temp)
		}
	}()
	if err := write(temp); err != nil {
		return err
	}
	old := temp + ".old"
	replaced := os.Rename(folder, old)
	if replaced != nil && !errors.Is(replaced, fs.ErrNotExist) {
		return replaced
	}
	if err := os.Rename(temp, folder); err != nil {
		if replaced == nil {
			err = errors.Join(err, os.Rename(old, folder))
		}
		return err
	}
	syncFolder(filepath.Dir(temp))
	return os.RemoveAll(old)
}

func syncFolder(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync() // not every system can
		_ = dir.Close()
	}
}
