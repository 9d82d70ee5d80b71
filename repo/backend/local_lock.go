package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

var _ Locker = (*Local)(nil)

// lockPrefix begins the name of a file whose lock, the operating system's, is
// that of the rest of the name.
const lockPrefix = tmpPrefix + "lock-"

// lockPatience is how long a lock is waited for: who only asks for its holder
// has it for a moment.
const lockPatience = time.Second

// Lock implements Locker.
func (l *Local) Lock(name string) (unlock func() error, err error) {
	if err := checkName("lock", name); err != nil {
		return nil, err
	}
	l.removeStaleLocks()
	for {
		f := flock.New(l.where(lockPrefix+name), flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o600))
		if err := l.try(f, name); isNoLock(err) {
			_ = os.Remove(f.Path())
			return func() error { return nil }, nil
		} else if err != nil {
			return nil, err
		}
		if l.named(f) {
			// Windows refuses it, a full disk too: then nobody knows who has the lock.
			host, _ := os.Hostname()
			text, _ := json.Marshal(Holder{os.Getpid(), cmp.Or(host, "?"), time.Now().UTC().Truncate(time.Second)})
			_ = os.WriteFile(f.Path(), text, 0o600)
			return func() error { return fileError("unlock", f.Path(), unlockFile(f)) }, nil
		}
		_ = f.Unlock() // its holder removed it just then
	}
}

func tryLock(ctx context.Context, f *flock.Flock) (bool, error) {
	return f.TryLockContext(ctx, lockPatience/50)
}

// try takes the lock of a file, for a moment if need be.
func (l *Local) try(f *flock.Flock, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	switch got, err := l.lock(ctx, f); {
	case got:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &LockedError{name, l.holder(f.Path())}
	default:
		return fileError("lock", f.Path(), err)
	}
}

// named reports whether an open file is the one that has its name.
func (l *Local) named(f *flock.Flock) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Path())
	return err == nil && os.SameFile(open, named)
}

// unlockFile removes a file whose lock this process has, and gives that back.
func unlockFile(f *flock.Flock) error {
	removed := os.Remove(f.Path()) == nil // refused on Windows while it is open
	err := f.Unlock()
	if !removed {
		_ = os.Remove(f.Path()) // one that stays is stale tomorrow
	}
	return err
}

// Holder implements Locker.
func (l *Local) Holder(name string) (*Holder, error) {
	if err := checkName("lock", name); err != nil {
		return nil, err
	}
	f := flock.New(l.where(lockPrefix+name), flock.SetFlag(os.O_RDONLY))
	got, err := f.TryRLock()
	if got || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || isNoLock(err) {
		return nil, f.Unlock()
	}
	if err != nil {
		return nil, fileError("lock", f.Path(), err)
	}
	h := l.holder(f.Path())
	return &h, f.Close()
}

// holder reads what the holder of a lock wrote.
func (l *Local) holder(file string) (h Holder) {
	text, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

// removeStaleLocks removes the files of processes that ended without unlocking.
func (l *Local) removeStaleLocks() {
	entries, _ := readFolder(l.root)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), lockPrefix) {
			continue
		}
		if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < staleAfter {
			continue
		}
		f := flock.New(l.where(e.Name()), flock.SetFlag(os.O_RDWR))
		if got, err := f.TryLock(); err == nil && got && l.named(f) {
			_ = unlockFile(f)
		} else {
			_ = f.Close()
		}
	}
}
