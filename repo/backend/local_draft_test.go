package backend_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autochrome/repo/backend"
)

// beganDraft gives a draft of a megabyte and a half, and what it has.
func beganDraft(t *testing.T, l *backend.Local) (backend.Draft, []byte) {
	t.Helper()
	d, err := l.Draft(t.Context(), "packs/")
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("piece"), 300_000)
	if err := d.Write(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	return d, data
}

// TestLocalDraftTaken: a draft that another process took for a dead writer's is
// written again, also where its folder went with it.
func TestLocalDraftTaken(t *testing.T) {
	for what, take := range map[string]func(packs string) error{
		"file": func(packs string) error {
			names, err := filepath.Glob(filepath.Join(packs, "tmp-*"))
			if err != nil || len(names) != 1 {
				t.Fatalf("there are %q, %v", names, err)
			}
			return os.Remove(names[0])
		},
		"folder": os.RemoveAll,
	} {
		t.Run(what, func(t *testing.T) {
			l := openLocal(t)
			defer l.Close()
			d, data := beganDraft(t, l)
			defer d.Discard()
			if err := take(filepath.Join(l.Location(), "packs")); err != nil {
				t.Fatal(err)
			}
			if err := d.Save(t.Context(), "packs/aa/x"); err != nil {
				t.Fatal(err)
			}
			got, err := backend.LoadAll(t.Context(), l, "packs/aa/x")
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if part, err := d.Load(t.Context(), 5, 5); string(part) != "piece" || err != nil {
				t.Errorf("the draft has %q, %v", part, err)
			}
			if left := strings.Join(files(t, l, "packs"), " "); left != "aa" {
				t.Errorf("left: %s", left)
			}
		})
	}
}

// TestLocalDraftLeavesNothing: neither one that was given up nor one that was saved
// leaves a temporary file.
func TestLocalDraftLeavesNothing(t *testing.T) {
	l := openLocal(t)
	defer l.Close()
	d, _ := beganDraft(t, l)
	if left := files(t, l, "packs"); len(left) != 1 || !strings.HasPrefix(left[0], "tmp-") {
		t.Errorf("under way: %q", left)
	}
	d.Discard()
	if left := files(t, l, "packs"); len(left) != 0 {
		t.Errorf("given up: %q", left)
	}
	d, _ = beganDraft(t, l)
	if err := d.Save(t.Context(), "packs/x"); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	if left := strings.Join(files(t, l, "packs"), " "); left != "x" {
		t.Errorf("saved: %q", left)
	}
}
