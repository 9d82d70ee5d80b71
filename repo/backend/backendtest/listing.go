package backendtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"autochrome/repo/backend"
)

func testList(t *testing.T, b backend.Backend) {
	wantNames(t, b, "")
	wantNames(t, b, "packs/")
	sizes := map[string]int{"packs/aa/1": 10, "packs/aa/2": 0, "packs/bb/1": 3000}
	for name, size := range sizes {
		save(t, b, name, make([]byte, size))
	}
	err := b.List(t.Context(), "packs/", func(info backend.Info) error {
		want, ok := sizes[info.Name]
		if !ok || info.Size != int64(want) {
			t.Errorf("%s: size %d, want %d", info.Name, info.Size, want)
		}
		delete(sizes, info.Name)
		return nil
	})
	if err != nil || len(sizes) > 0 {
		t.Errorf("List: error %v, not listed: %v", err, sizes)
	}
}

// testListFolders has names that sort another way when each folder is walked
// in the order of its files' names.
func testListFolders(t *testing.T, b backend.Backend) {
	names := []string{"a-b", "a.b", "a/x-y", "a/x/1", "a/x0", "a0", "ab/c", "b"}
	for _, name := range slices.Backward(names) {
		save(t, b, name, nil)
	}
	wantNames(t, b, "", names...)
	wantNames(t, b, "a/", "a/x-y", "a/x/1", "a/x0")
	wantNames(t, b, "a/x/", "a/x/1")
	wantNames(t, b, "ab/", "ab/c")
	wantNames(t, b, "a0/") // an object is no folder
	wantNames(t, b, "none/")
}

func testListStops(t *testing.T, b backend.Backend) {
	for i := range 5 {
		save(t, b, fmt.Sprintf("f%d/x", i), nil)
	}
	stop := errors.New("stop")
	seen := 0
	err := b.List(t.Context(), "", func(backend.Info) error {
		seen++
		if seen == 3 {
			return stop
		}
		return nil
	})
	if err != stop || seen != 3 {
		t.Errorf("List: error %v after %d objects, want fn's own after 3", err, seen)
	}
}

// testListReentry uses the backend from within fn.
func testListReentry(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	for i := range 10 {
		save(t, b, fmt.Sprintf("old/%d", i), []byte{byte(i)})
	}
	seen := 0
	err := b.List(ctx, "old/", func(info backend.Info) error {
		seen++
		data, err := backend.LoadAll(ctx, b, info.Name)
		if err != nil {
			return err
		}
		if err := b.Save(ctx, "new/"+info.Name, data); err != nil {
			return err
		}
		return b.Remove(ctx, info.Name)
	})
	if err != nil || seen != 10 {
		t.Fatalf("List: error %v after %d objects, want 10", err, seen)
	}
	wantNames(t, b, "old/")
	if names, err := backend.Names(ctx, b, "new/"); err != nil || len(names) != 10 {
		t.Errorf("%d objects saved from within List, error %v", len(names), err)
	}
}

func testRemove(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	save(t, b, "a/x", []byte("x"))
	save(t, b, "a/y", []byte("y"))
	for _, name := range []string{"a/x", "a/x", "missing", "no/such/folder", "a/y/z"} {
		if err := b.Remove(ctx, name); err != nil {
			t.Errorf("Remove(%q): %v", name, err)
		}
		wantMissing(t, b, name)
	}
	wantNames(t, b, "", "a/y")
	save(t, b, "a/x", []byte("again"))
	wantObject(t, b, "a/x", []byte("again"))
}

func testFolderIsNoObject(t *testing.T, b backend.Backend) {
	save(t, b, "a/b/c", []byte("x"))
	for _, folder := range []string{"a", "a/b"} {
		wantMissing(t, b, folder)
		_, err := backend.LoadAll(t.Context(), b, folder)
		wantErr(t, "Load of a folder", err, backend.ErrNotExist)
		if err := b.Remove(t.Context(), folder); err != nil {
			t.Errorf("Remove of a folder: %v", err)
		}
	}
	wantNames(t, b, "", "a/b/c")
	if err := b.Remove(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, b, "a/")
}
