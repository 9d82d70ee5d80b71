package backend

import (
	"errors"
	"os"
	"testing"
)

// TestDraftSyncFails: a draft whose sync failed cannot be saved any more, though
// another sync would succeed.
func TestDraftSyncFails(t *testing.T) {
	ctx := t.Context()
	l, err := OpenLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	begun, err := l.Draft(ctx, "packs/")
	if err != nil {
		t.Fatal(err)
	}
	d := begun.(*localDraft)
	defer d.Discard()
	if err := d.Write(ctx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := d.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(ctx, "packs/x"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Save: error %v", err)
	}
	if d.file, err = l.root.OpenFile(d.tmp, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(ctx, "packs/x"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Save again: error %v", err)
	}
	if ok, err := Exists(ctx, l, "packs/x"); ok || err != nil {
		t.Errorf("it is there: %v, %v", ok, err)
	}
}
