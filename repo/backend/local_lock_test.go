package backend

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func locks(t *testing.T) (a, b *Local, folder string) {
	t.Helper()
	folder = t.TempDir()
	var both [2]*Local
	for i := range both {
		l, err := OpenLocal(folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		both[i] = l
	}
	return both[0], both[1], folder
}

func TestLock(t *testing.T) {
	a, b, folder := locks(t)
	unlock, err := a.Lock("run")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Lock("run")
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() || time.Since(locked.Holder.Since) > time.Minute {
		t.Errorf("the second gets %v", err)
	}
	if h, err := b.Holder("run"); err != nil || h == nil || h.PID != os.Getpid() || h.Host == "" {
		t.Errorf("the holder is %v, %v", h, err)
	}
	other, err := b.Lock("other")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(unlock(), other()); err != nil {
		t.Fatal(err)
	}
	if h, err := b.Holder("run"); err != nil || h != nil {
		t.Errorf("afterwards the holder is %v, %v", h, err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	if _, err := a.Lock("../out"); !errors.Is(err, ErrName) {
		t.Errorf("a name that leads out: %v", err)
	}
}

// TestLockOneAtATime: of many at once one has the lock, though its file is removed
// and made again all the time.
func TestLockOneAtATime(t *testing.T) {
	a, b, _ := locks(t)
	var inside, taken atomic.Int64
	var group sync.WaitGroup
	for i := range 4 {
		l := []*Local{a, b}[i%2]
		group.Go(func() {
			for range 50 {
				unlock, err := l.Lock("run")
				if errors.Is(err, ErrLocked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d have the lock", n)
				}
				taken.Add(1)
				inside.Add(-1)
				if err := unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if taken.Load() == 0 {
		t.Error("nobody had it")
	}
}

// TestLockLeftBehind: the file of a process that was killed does not lock, and a
// day later it is gone.
func TestLockLeftBehind(t *testing.T) {
	a, _, folder := locks(t)
	left := filepath.Join(folder, lockPrefix+"run")
	if err := os.WriteFile(left, []byte(`{"pid":1,"host":"h"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := a.Holder("run"); err != nil || h != nil {
		t.Errorf("the holder is %v, %v", h, err)
	}
	old := time.Now().Add(-2 * staleAfter)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	unlock, err := a.Lock("other")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unlock() }()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if h, err := a.Holder("other"); err != nil || h == nil {
		t.Errorf("a lock that is held is taken for one that is not: %v, %v", h, err)
	}
}
