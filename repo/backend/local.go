package backend

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Local is a Backend in a folder, one file (0600) an object. It never leaves
// its folder, whatever links lie in it: List refuses links, and the others
// follow them only to places inside.
//
// Load opens the file anew each time. Handles kept open would save some 25 of
// 60 µs for 64 KiB (BenchmarkLocalLoad), little beside hashing and decoding
// them, but would show what another process has since replaced or removed.
type Local struct {
	path    string // absolute
	root    *os.Root
	link    func(oldname, newname string) error               // root.Link, but for tests
	lock    func(context.Context, *flock.Flock) (bool, error) // tryLock, but for tests
	folders sync.Map                                          // names of folders known to be durable
	cleaned sync.Map                                          // names of folders without stale files
	reserve reserve
}

var (
	_ Backend = (*Local)(nil)
	_ Drafter = (*Local)(nil)
)

// OpenLocal opens a folder, which must be there, and writes nothing.
func OpenLocal(folder string) (*Local, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return nil, fileError("open", folder, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fileError("open", abs, err)
	}
	return &Local{path: abs, root: root, link: root.Link, lock: tryLock}, nil
}

// CreateLocal opens a folder and makes it first, durably and with its
// parents, where it is missing.
func CreateLocal(folder string) (*Local, error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return nil, fileError("create", folder, err)
	}
	if err := makeFolders(abs); err != nil {
		return nil, fileError("create", abs, err)
	}
	return OpenLocal(abs)
}

// Load implements Backend.
func (l *Local) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	return l.LoadInto(ctx, nil, name, offset, length)
}

// LoadInto is Load in the memory of buf, where that is large enough.
func (l *Local) LoadInto(ctx context.Context, buf []byte, name string, offset, length int64) ([]byte, error) {
	if err := checkName("load", name); err != nil {
		return nil, err
	}
	if err := checkRange(l.where(name), offset, length); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := l.root.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, fileError("load", l.where(name), err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fileError("load", l.where(name), err)
	case info.IsDir():
		return nil, &Error{Op: "load", Where: l.where(name), Kind: ErrNotExist}
	case !info.Mode().IsRegular():
		return nil, notPlain("load", l.where(name))
	}
	from, n, err := within(l.where(name), offset, length, info.Size())
	if err != nil {
		return nil, err
	}
	data := buf
	if int64(cap(data)) < n {
		data = make([]byte, n)
	}
	data = data[:n]
	for done := int64(0); done < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		k, err := f.ReadAt(data[done:min(done+piece, n)], from+done)
		done += int64(k)
		if errors.Is(err, io.EOF) && done < n { // it shrank meanwhile
			return nil, &Error{Op: "load", Where: l.where(name), Kind: ErrShort}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fileError("load", l.where(name), err)
		}
	}
	return data, nil
}

// List implements Backend. A link, or anything else that is neither a file
// nor a folder, ends it with an error: to leave out what it stands for would
// make prune delete what is still needed.
func (l *Local) List(ctx context.Context, folder string, fn func(Info) error) error {
	if err := checkFolder("list", folder); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	name := path.Clean(folder)
	info, err := l.root.Lstat(name)
	switch {
	case err != nil:
		return ifExists(fileError("list", l.where(name), err))
	case info.Mode().IsRegular():
		return nil
	case !info.IsDir():
		return notPlain("list", l.where(name))
	}
	return l.listFolder(ctx, l.root, name, folder, fn)
}

// listFolder lists the folder called name in parent. Children are sorted as
// whole names are, a folder by its name with the slash: "a-b" < "a/b" < "a0".
func (l *Local) listFolder(ctx context.Context, parent *os.Root, name, prefix string, fn func(Info) error) error {
	root, err := parent.OpenRoot(name)
	if err != nil {
		return ifExists(fileError("list", l.where(prefix), err))
	}
	defer root.Close()
	entries, err := readFolder(root)
	if err != nil {
		return fileError("list", l.where(prefix), err)
	}
	var children []string
	for _, e := range entries {
		switch child := e.Name(); {
		case !validName(prefix + child):
		case e.IsDir():
			children = append(children, child+"/")
		case e.Type().IsRegular():
			children = append(children, child)
		default:
			return notPlain("list", l.where(prefix+child))
		}
	}
	slices.Sort(children)
	for _, child := range children {
		if err := ctx.Err(); err != nil {
			return err
		}
		if sub, ok := strings.CutSuffix(child, "/"); ok {
			if err := l.listFolder(ctx, root, sub, prefix+child, fn); err != nil {
				return err
			}
			continue
		}
		info, err := root.Lstat(child)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return fileError("list", l.where(prefix+child), err)
		}
		if err := fn(Info{Name: prefix + child, Size: info.Size(), Modified: info.ModTime()}); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements Backend. Folders stay.
func (l *Local) Remove(ctx context.Context, name string) error {
	if err := checkName("remove", name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := l.root.Lstat(name)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = l.root.Remove(name)
	}
	if err == nil {
		err = l.sync(path.Dir(name))
	}
	return ifExists(fileError("remove", l.where(name), err))
}

// Now implements Backend: the time that the file system gives to a file
// written now. (A file server's own clock stamps a write for certain, but not
// always an empty file.)
func (l *Local) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	tmp := tmpPrefix + rand.Text()
	var modified time.Time
	err := l.withReserve(func() (err error) {
		modified, err = l.writeTemp(ctx, tmp, []byte{0})
		return err
	})
	if err != nil {
		return time.Time{}, fileError("now", l.path, err)
	}
	_ = l.root.Remove(tmp) // one that stays is stale tomorrow
	return modified, nil
}

// Location implements Backend: the absolute path.
func (l *Local) Location() string { return l.path }

// Close implements Backend.
func (l *Local) Close() error {
	l.dropReserve()
	return l.root.Close()
}

func (l *Local) where(name string) string {
	return filepath.Join(l.path, filepath.FromSlash(name))
}

func readFolder(root *os.Root) ([]fs.DirEntry, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// ifExists drops ErrNotExist, for calls to which missing is no error.
func ifExists(err error) error {
	if errors.Is(err, ErrNotExist) {
		return nil
	}
	return err
}

func notPlain(op, where string) error {
	return &Error{Op: op, Where: where, Err: errors.New("neither a plain file nor a folder; a repository has no links: put there what it stands for, or remove it")}
}
