package backend

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

const (
	// piece is how much is copied between two looks at the context: about a
	// millisecond's worth.
	piece = 1 << 20

	// staleAfter is how old a temporary file must be to be a dead writer's.
	// A live one writes it for seconds; one that was suspended for longer
	// finds its file gone and writes it again.
	staleAfter = 24 * time.Hour

	// createWait bounds how long Create waits for another, where the file
	// system has no hard links.
	createWait = 5 * time.Second
)

// Save implements Backend.
func (l *Local) Save(ctx context.Context, name string, data []byte) error {
	return l.write(ctx, "save", name, data, func(tmp string) error {
		return l.root.Rename(tmp, name)
	})
}

// Create implements Backend.
func (l *Local) Create(ctx context.Context, name string, data []byte) error {
	return l.write(ctx, "create", name, data, func(tmp string) error {
		err := l.link(tmp, name)
		switch {
		case err == nil:
			_ = l.root.Remove(tmp) // one that stays is stale tomorrow
			return nil
		case errors.Is(err, fs.ErrExist):
			if l.sameFile(tmp, name) { // a file server's first answer was lost
				_ = l.root.Remove(tmp)
				return nil
			}
			return &Error{Op: "create", Where: l.where(name), Kind: ErrExist}
		case isNoLink(err):
			return l.renameNew(ctx, tmp, name)
		}
		return err
	})
}

// write is the only way in which an object comes about: temporary name in the
// same folder, write, sync, publish under its name, sync the folder.
func (l *Local) write(ctx context.Context, op, name string, data []byte, publish func(tmp string) error) error {
	if err := checkName(op, name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	folder := path.Dir(name)
	once := func() error {
		first, err := l.makeFolder(folder)
		if err != nil {
			return err
		}
		tmp := path.Join(folder, tmpPrefix+rand.Text())
		modified, err := l.writeTemp(ctx, tmp, data)
		if err != nil {
			return err
		}
		if first {
			l.removeStale(folder, modified.Add(-staleAfter))
		}
		if err := publish(tmp); err != nil {
			_ = l.root.Remove(tmp)
			return err
		}
		return l.sync(folder)
	}
	err := l.withReserve(func() error {
		err := once()
		if errors.Is(err, fs.ErrNotExist) { // somebody removed the folder, or our stale file
			l.folders.Clear()
			err = once()
		}
		return err
	})
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fileError(op, l.where(name), err)
}

// writeTemp writes and syncs a new file, or leaves none, and returns the time
// that the file system gave it.
func (l *Local) writeTemp(ctx context.Context, tmp string, data []byte) (modified time.Time, err error) {
	f, err := l.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return time.Time{}, err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			_ = l.root.Remove(tmp)
		}
	}()
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return time.Time{}, err
		}
		n := min(piece, len(data))
		if _, err := f.Write(data[:n]); err != nil {
			return time.Time{}, err
		}
		data = data[n:]
	}
	if err := f.Sync(); err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), ctx.Err()
}

// renameNew is Create's way on file systems without hard links (FAT, exFAT):
// a lock file beside the object keeps two from both finding the name free. A
// lock that a crash left blocks this one name until it is stale.
func (l *Local) renameNew(ctx context.Context, tmp, name string) error {
	lock := path.Join(path.Dir(name), tmpPrefix+"new-"+path.Base(name))
	for deadline := time.Now().Add(createWait); ; {
		f, err := l.root.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			_ = f.Close()
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("somebody else is creating it; if nobody is, remove %s", l.where(lock))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	defer func() { _ = l.root.Remove(lock) }()
	if _, err := l.root.Lstat(name); err == nil {
		return &Error{Op: "create", Where: l.where(name), Kind: ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.root.Rename(tmp, name)
}

func (l *Local) sameFile(a, b string) bool {
	ia, errA := l.root.Lstat(a)
	ib, errB := l.root.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(ia, ib)
}

// makeFolder makes a folder and what is above it, durably. It syncs also what
// was there already, once a process: whoever made it may not have come to
// that. first reports whether this process has not used the folder before.
func (l *Local) makeFolder(folder string) (first bool, err error) {
	if _, known := l.folders.Load(folder); known {
		return false, nil
	}
	if folder != "." {
		parent := path.Dir(folder)
		if _, err := l.makeFolder(parent); err != nil {
			return false, err
		}
		if err := l.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return false, err
		}
		if err := l.sync(parent); err != nil {
			return false, err
		}
	}
	l.folders.Store(folder, nil)
	return true, nil
}

// sync makes the names in a folder durable.
func (l *Local) sync(folder string) error {
	f, err := l.root.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}

// removeStale removes what dead writers left in a folder. It is done where a
// process first writes, so that opening needs no walk and readers never
// write; what it cannot remove hurts nobody.
func (l *Local) removeStale(folder string, before time.Time) {
	root, err := l.root.OpenRoot(folder)
	if err != nil {
		return
	}
	defer root.Close()
	entries, _ := readFolder(root)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tmpPrefix) || strings.HasPrefix(e.Name(), lockPrefix) || !e.Type().IsRegular() {
			continue
		}
		if info, err := root.Lstat(e.Name()); err == nil && info.ModTime().Before(before) {
			_ = root.Remove(e.Name())
		}
	}
}

// makeFolders is os.MkdirAll, durable.
func makeFolders(abs string) error {
	if _, err := os.Stat(abs); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(abs)
	if parent != abs {
		if err := makeFolders(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(abs, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if errors.Is(err, fs.ErrPermission) {
		return nil // a folder one may write to but not read cannot be synced
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return syncFolder(f)
}
