package backendtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"autochrome/repo/backend"
)

func begin(t *testing.T, b backend.Backend, folder string) backend.Draft {
	t.Helper()
	d, err := backend.NewDraft(t.Context(), b, folder)
	if err != nil {
		t.Fatalf("NewDraft(%q): %v", folder, err)
	}
	return d
}

func write(t *testing.T, d backend.Draft, data []byte) {
	t.Helper()
	if err := d.Write(t.Context(), data); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func wantPart(t *testing.T, d backend.Draft, data []byte, offset, length int) {
	t.Helper()
	got, err := d.Load(t.Context(), int64(offset), int64(length))
	if err != nil || !bytes.Equal(got, data[offset:offset+length]) {
		t.Fatalf("Load of %d bytes at %d: %d bytes, error %v", length, offset, len(got), err)
	}
	for i := range got { // they belong to the caller
		got[i]++
	}
}

func testDraft(t *testing.T, b backend.Backend) {
	data := random(3_000_000, 1)
	save(t, b, "packs/ab/x", []byte("before"))
	d := begin(t, b, "packs/")
	defer d.Discard()
	for at, n := 0, 1; at < len(data); at, n = at+n, min(3*n, len(data)-at-n) {
		part := bytes.Clone(data[at : at+n])
		write(t, d, part)
		clear(part) // it was not kept
		wantPart(t, d, data, at, n)
		wantPart(t, d, data, at/2, n/2)
		_, err := d.Load(t.Context(), int64(at+n-1), 2)
		wantErr(t, "Load beyond what was written", err, backend.ErrShort)
	}
	wantNames(t, b, "", "packs/ab/x")
	wantObject(t, b, "packs/ab/x", []byte("before"))
	wantErr(t, "Save under a bad name", d.Save(t.Context(), "packs/tmp-x"), backend.ErrName)
	before, err := b.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, d, []byte("end"))
	data = append(data, "end"...)
	if err := d.Save(t.Context(), "packs/ab/x"); err != nil {
		t.Fatalf("Save: %v", err)
	}
	wantObject(t, b, "packs/ab/x", data)
	wantPart(t, d, data, len(data)/2, 1000)
	d.Discard()
	wantObject(t, b, "packs/ab/x", data)
	wantNames(t, b, "", "packs/ab/x")
	err = b.List(t.Context(), "", func(info backend.Info) error {
		if info.Modified.Before(before.Add(-time.Second)) {
			t.Errorf("modified %v, the last piece was written after %v", info.Modified, before)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testDraftFolders(t *testing.T, b backend.Backend) {
	for _, folder := range []string{"packs", "/", "../", "tmp-a/", "a//"} {
		_, err := backend.NewDraft(t.Context(), b, folder)
		wantErr(t, fmt.Sprintf("NewDraft(%q)", folder), err, backend.ErrName)
	}
	for i, folder := range []string{"", "a/", "a/b/c/"} { // one that is not there yet, too
		d := begin(t, b, folder)
		write(t, d, []byte(folder))
		name := fmt.Sprintf("%sx%d", folder, i)
		if err := d.Save(t.Context(), name); err != nil {
			t.Errorf("Save(%q): %v", name, err)
		}
		d.Discard()
		wantObject(t, b, name, []byte(folder))
	}
	d := begin(t, b, "a/")
	if err := d.Save(t.Context(), "other/empty"); err != nil {
		t.Errorf("an empty one, to another folder: %v", err)
	}
	d.Discard()
	wantObject(t, b, "other/empty", nil)
}

func testDraftDiscarded(t *testing.T, b backend.Backend) {
	d := begin(t, b, "packs/")
	write(t, d, random(100_000, 1))
	d.Discard()
	d.Discard()
	wantNames(t, b, "")
}

func testDraftCancelled(t *testing.T, b backend.Backend) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := backend.NewDraft(ctx, b, "packs/")
	wantErr(t, "NewDraft", err, context.Canceled)
	for what, act := range map[string]func(d backend.Draft) error{
		"Write": func(d backend.Draft) error { return d.Write(ctx, []byte("x")) },
		"Save":  func(d backend.Draft) error { return d.Save(ctx, "packs/x") },
		"Load":  func(d backend.Draft) error { _, err := d.Load(ctx, 0, 1); return err },
	} {
		d := begin(t, b, "packs/")
		write(t, d, random(1000, 1))
		wantErr(t, what, act(d), context.Canceled)
		d.Discard()
		wantNames(t, b, "")
	}
}

// testDraftsTogether has several drafts at once, each read while it is written.
func testDraftsTogether(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			data := random(200_000, uint64(g))
			d, err := backend.NewDraft(ctx, b, "packs/")
			if err != nil {
				t.Error(err)
				return
			}
			var readers sync.WaitGroup
			for at := 0; at < len(data); at += 10_000 {
				if err := d.Write(ctx, data[at:at+10_000]); err != nil {
					t.Error(err)
				}
				readers.Go(func() {
					got, err := d.Load(ctx, int64(at), 10_000)
					if err != nil || !bytes.Equal(got, data[at:at+10_000]) {
						t.Errorf("Load at %d: %d bytes, error %v", at, len(got), err)
					}
				})
			}
			if err := d.Save(ctx, fmt.Sprintf("packs/%d", g)); err != nil {
				t.Error(err)
			}
			readers.Wait()
			d.Discard()
		})
	}
	wg.Wait()
	for g := range 4 {
		wantObject(t, b, fmt.Sprintf("packs/%d", g), random(200_000, uint64(g)))
	}
}
