package repo

import (
	"errors"
	"testing"

	"autochrome/repo/backend"
)

// A writer that does not know marks keeps its hands off packs that a later
// version means to delete; reading goes on.
func TestMarksKeepWritersOut(t *testing.T) {
	be := &backend.Memory{}
	r, err := Init(t.Context(), be, InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := be.Save(t.Context(), marksFolder+"00", []byte("ACMK")); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(t.Context(), func(*Writer) error { t.Error("the writer began"); return nil }); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v, want ErrFormat", err)
	}
	if _, err := r.Snapshots(t.Context()); err != nil {
		t.Errorf("reading: %v", err)
	}
}
