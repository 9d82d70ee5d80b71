package backend_test

import (
	"bytes"
	"testing"

	"autochrome/repo/backend"
)

// TestLoadInto: whatever memory is given, what comes is the part that was asked
// for, in that memory where it is large enough.
func TestLoadInto(t *testing.T) {
	l, err := backend.CreateLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	data := []byte("0123456789")
	if err := l.Save(t.Context(), "a/x", data); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 3, 4, 20} {
		buf := bytes.Repeat([]byte("z"), size)
		got, err := backend.LoadInto(t.Context(), l, buf, "a/x", 2, 4)
		if err != nil || string(got) != "2345" {
			t.Errorf("into %d bytes: %q, %v", size, got, err)
		}
		if same := size > 0 && &got[0] == &buf[0]; same != (size >= 4) {
			t.Errorf("into %d bytes: in that memory %v", size, same)
		}
	}
	if _, err := backend.LoadInto(t.Context(), l, make([]byte, 20), "a/x", 8, 4); err == nil {
		t.Error("more than there is was given")
	}
	m := new(backend.Memory)
	if err := m.Save(t.Context(), "a/x", data); err != nil {
		t.Fatal(err)
	}
	if got, err := backend.LoadInto(t.Context(), m, make([]byte, 20), "a/x", 2, 4); err != nil || string(got) != "2345" {
		t.Errorf("where the backend cannot: %q, %v", got, err)
	}
}
