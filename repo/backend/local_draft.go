package backend

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
)

// localDraft is a draft in a temporary file, which becomes the object. It stays
// open, so that it can be read also when it has its name.
type localDraft struct {
	local  *Local
	folder string

	mu     sync.RWMutex
	tmp    string // "" once it was saved
	file   *os.File
	broken error // of a Write or a sync: what the file has then is not known
}

// Draft implements Drafter. The temporary file lies in folder.
func (l *Local) Draft(ctx context.Context, folder string) (Draft, error) {
	if err := checkFolder("save", folder); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d := &localDraft{local: l, folder: path.Clean(strings.TrimSuffix(folder, "/"))}
	err := l.withReserve(func() error {
		return l.again(func() (err error) {
			d.tmp, d.file, err = d.begin()
			return err
		})
	})
	if err != nil {
		return nil, d.error(err)
	}
	return d, nil
}

// begin makes a temporary file.
func (d *localDraft) begin() (tmp string, f *os.File, err error) {
	if err := d.local.makeFolder(d.folder); err != nil {
		return "", nil, err
	}
	tmp = path.Join(d.folder, tmpPrefix+rand.Text())
	f, err = d.local.root.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return tmp, f, err
}

func (d *localDraft) Write(ctx context.Context, data []byte) error {
	if d.broken != nil {
		return d.error(d.broken)
	}
	d.broken = d.local.withReserve(func() error {
		n, err := writePieces(ctx, d.file, data)
		data = data[n:]
		return err
	})
	return d.error(d.broken)
}

func (d *localDraft) Load(ctx context.Context, offset, length int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	data := make([]byte, length)
	_, err := d.file.ReadAt(data, offset)
	if errors.Is(err, io.EOF) {
		return nil, &Error{Op: "load", Where: d.local.where(d.folder), Kind: ErrShort}
	}
	if err != nil {
		return nil, fileError("load", d.local.where(d.folder), err)
	}
	return data, nil
}

func (d *localDraft) Save(ctx context.Context, name string) error {
	if err := checkName("save", name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.error(d.local.withReserve(func() error {
		return d.local.again(func() error { return d.publish(ctx, name) })
	}))
}

// publish syncs the temporary file and gives it its name. One that another process
// took for a dead writer's is written again, from what is still open.
func (d *localDraft) publish(ctx context.Context, name string) error {
	if d.broken != nil {
		return d.broken
	}
	l, folder := d.local, path.Dir(name)
	if err := l.makeFolder(folder); err != nil {
		return err
	}
	if _, err := l.root.Lstat(d.tmp); errors.Is(err, fs.ErrNotExist) {
		if err := d.rewrite(ctx); err != nil {
			return err
		}
	}
	if d.broken = d.file.Sync(); d.broken != nil { // a second one could succeed without what is lost
		return d.broken
	}
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	for _, folder := range []string{d.folder, folder} {
		l.removeStale(folder, info.ModTime())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.root.Rename(d.tmp, name); err != nil {
		return err
	}
	if err := l.sync(folder); err != nil { // tried again, it is written again
		return err
	}
	d.tmp = ""
	return nil
}

// rewrite copies the file to a new one, which takes its place.
func (d *localDraft) rewrite(ctx context.Context) error {
	tmp, f, err := d.begin()
	if err != nil {
		return err
	}
	if err := d.copyTo(ctx, f); err != nil {
		_ = f.Close()
		_ = d.local.root.Remove(tmp)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.file.Close() // nobody can find it
	d.tmp, d.file = tmp, f
	return nil
}

func (d *localDraft) copyTo(ctx context.Context, f *os.File) error {
	buf := make([]byte, piece)
	for at := int64(0); ; {
		n, err := d.file.ReadAt(buf, at)
		at += int64(n)
		if _, err := writePieces(ctx, f, buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (d *localDraft) Discard() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.file.Close() // what matters of it was synced
	if d.tmp != "" {
		_ = d.local.root.Remove(d.tmp) // one that stays is stale tomorrow
	}
}

func (d *localDraft) error(err error) error {
	return writeError("save", d.local.where(d.folder), err)
}
