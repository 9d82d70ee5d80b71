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
		if err := l.makeFolder(folder); err != nil {
			return err
		}
		tmp := path.Join(folder, tmpPrefix+rand.Text())
		modified, err := l.writeTemp(ctx, tmp, data)
		if err != nil {
			return err
		}
		l.removeStale(folder, modified)
		l.removeStale(path.Dir(folder), modified) // where drafts are, and what Now left
		if err := publish(tmp); err != nil {
			_ = l.root.Remove(tmp)
			return err
		}
		return l.sync(folder)
	}
	return writeError(op, l.where(name), l.withReserve(func() error { return l.again(once) }))
}

// again does what writes into folders once more where somebody removed one of
// them, or a stale file of ours.
func (l *Local) again(write func() error) error {
	err := write()
	if errors.Is(err, fs.ErrNotExist) {
		l.folders.Clear()
		err = write()
	}
	return err
}

// writeError is fileError, but for what ended because its context did.
func writeError(op, where string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fileError(op, where, err)
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
	if _, err := writePieces(ctx, f, data); err != nil {
		return time.Time{}, err
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

// writePieces appends data to a file while its context lasts, and tells how many
// bytes it came to.
func writePieces(ctx context.Context, f *os.File, data []byte) (written int, err error) {
	for written < len(data) {
		if err := ctx.Err(); err != nil {
			return written, err
		}
		n, err := f.Write(data[written:min(written+piece, len(data))])
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
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
// was there already, once a process: whoever made it may not have come to that.
func (l *Local) makeFolder(folder string) error {
	if _, known := l.folders.Load(folder); known {
		return nil
	}
	if folder != "." {
		parent := path.Dir(folder)
		if err := l.makeFolder(parent); err != nil {
			return err
		}
		if err := l.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := l.sync(parent); err != nil {
			return err
		}
	}
	l.folders.Store(folder, nil)
	return nil
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

// removeStale removes what dead writers left in a folder; now is by the folder's
// clock. It is done where a process first writes, so that opening needs no walk and
// readers never write; what it cannot remove hurts nobody.
func (l *Local) removeStale(folder string, now time.Time) {
	if _, done := l.cleaned.LoadOrStore(folder, nil); done {
		return
	}
	before := now.Add(-staleAfter)
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
