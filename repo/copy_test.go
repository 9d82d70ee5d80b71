package repo

import (
	"bytes"
	"testing"

	"autochrome/repo/backend"
)

// copied copies a snapshot and its chunks into a store.
func copied(t *testing.T, from *Repository, be backend.Backend, s Snapshot) {
	t.Helper()
	ctx := t.Context()
	must(t, opened(t, be).Write(ctx, func(w *Writer) error {
		c, err := w.NewCopier(from)
		if err != nil {
			return err
		}
		if err := c.Chunks(ctx, s); err != nil {
			return err
		}
		_, err = c.Snapshot(ctx, s)
		return err
	}))
}

// TestCopyMends: a copy of a snapshot whose record is damaged there writes it
// anew; one that is good is left as it is.
func TestCopyMends(t *testing.T) {
	from := initialised(t, new(backend.Memory))
	s := take(t, from, "a", "b")
	for what, damage := range map[string]func([]byte) []byte{
		"good":    func(b []byte) []byte { return b },
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":   func([]byte) []byte { return nil },
		"flipped": func(b []byte) []byte { b[len(b)-1] ^= 4; return b },
		"long":    func(b []byte) []byte { return append(b, make([]byte, maxRecord+2<<10)...) },
	} {
		m := new(backend.Memory)
		initialised(t, m)
		copied(t, from, m, s)
		good, err := backend.LoadAll(t.Context(), m, s.File)
		must(t, err)
		replace(t, m, s.File, damage)
		copied(t, from, m, s)
		r := opened(t, m)
		list, err := r.Snapshots(t.Context())
		must(t, err)
		if len(list) != 1 || list[0].ID != s.ID || len(r.Damaged()) != 0 {
			t.Errorf("%s: snapshots %v, damaged %v", what, list, r.Damaged())
			continue
		}
		loads(t, r, list[0])
		if b, err := backend.LoadAll(t.Context(), m, s.File); what == "good" && (err != nil || !bytes.Equal(b, good)) {
			t.Errorf("a good record was written anew: %v", err)
		}
	}
}
