package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// withoutLinks opens a folder as on a file system without hard links.
func withoutLinks(t *testing.T) *Local {
	t.Helper()
	l, err := OpenLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	l.link = func(a, b string) error { return &os.LinkError{Op: "link", Old: a, New: b, Err: errors.ErrUnsupported} }
	return l
}

func TestCreateWithoutLinks(t *testing.T) {
	l := withoutLinks(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			err := l.Create(t.Context(), "a/x", []byte{byte(i)})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrExist) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d Creates succeeded", won.Load())
	}
	entries, err := os.ReadDir(filepath.Join(l.path, "a"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left: %v, error %v", entries, err)
	}
}

// TestCreateLocked finds the lock of a Create that crashed: the error names
// it, and once stale it is gone.
func TestCreateLocked(t *testing.T) {
	l := withoutLinks(t)
	lock := filepath.Join(l.path, "tmp-new-x")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // waits without taking time
		err := l.Create(t.Context(), "x", nil)
		if err == nil || errors.Is(err, ErrExist) || !strings.Contains(err.Error(), lock) {
			t.Errorf("Create: error %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Create(ctx, "x", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Create: error %v", err)
		}
	})
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(lock, old, old); err != nil {
		t.Fatal(err)
	}
	l.cleaned.Clear()
	if err := l.Create(t.Context(), "x", nil); err != nil {
		t.Error(err)
	}
}

// TestCreateAnswerLost has a file server link and say that the name exists.
func TestCreateAnswerLost(t *testing.T) {
	l := withoutLinks(t)
	l.link = func(a, b string) error { return errors.Join(l.root.Link(a, b), os.ErrExist) }
	if err := l.Create(t.Context(), "x", []byte("x")); err != nil {
		t.Error(err)
	}
	if err := l.Create(t.Context(), "x", []byte("y")); !errors.Is(err, ErrExist) {
		t.Errorf("second Create: error %v", err)
	}
}
