package tree

import (
	"errors"
	"testing"

	"autochrome/chunk"
)

// TestSalvage takes away each chunk of a tree in turn: every record is either
// read as it was or named, and those that are named are what the Inspector
// names.
func TestSalvage(t *testing.T) {
	m := &maker{Rand: random(t), dim: 3}
	s, c, recs, _ := grown(t, m, 1500)
	gone := errors.New("gone")
	kinds, left := map[chunk.Kind]int{}, 0
	for id, b := range s.chunks {
		kind := chunk.Kind(b[0])
		if kind == chunk.Collections || kind == chunk.Description || kinds[kind] >= 12 {
			continue
		}
		missing := &lacking{s, id, gone}
		want := make([]bool, len(recs))
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		i := NewInspector(missing, func(of chunk.ID) error {
			if of == id {
				return gone
			}
			return nil
		}, func(err error) bool { return errors.Is(err, gone) })
		must(i.Collection(t.Context(), c, func(d Damage) error {
			for at := d.First; at < d.First+d.Count; at++ {
				want[at] = true
			}
			return nil
		}))
		lost := make([]bool, len(recs))
		kept := chunk.NewRecords(3)
		isGone := func(err error) bool { return errors.Is(err, gone) }
		counted, err := NewReader(missing).Salvage(t.Context(), c, 3, isGone, nil,
			func(r *chunk.Records) error { kept.AppendRecords(r, 0, r.Len()); return nil },
			func(d Damage) error {
				for at := d.First; at < d.First+d.Count; at++ {
					lost[at] = true
				}
				for n, rec := range d.IDs {
					if rec != recs[d.First+int64(n)].ID {
						t.Fatalf("position %d is %q, want %q", d.First+int64(n), rec, recs[d.First+int64(n)].ID)
					}
				}
				return nil
			})
		must(err)
		all := chunk.NewRecords(3)
		for _, rec := range recs {
			all.Append(rec)
		}
		n := 0
		for at := range recs {
			if lost[at] {
				counted--
			}
			if lost[at] != want[at] {
				t.Fatalf("%v: position %d is lost: %v, want %v", kind, at, lost[at], want[at])
			}
			if !kind.IsColumn() {
				continue // where the gaps are is only about known: see TestLeft
			}
			if !lost[at] {
				if n >= kept.Len() || !kept.Equal(n, all, at) {
					t.Fatalf("%v: position %d is not as it was", kind, at)
				}
				n++
			}
		}
		if counted != 0 {
			t.Fatalf("%v: %d more records are counted as lost than are named", kind, counted)
		}
		if !kind.IsColumn() {
			n = kept.Len()
		}
		if n != kept.Len() {
			t.Fatalf("%v: %d records kept, want %d", kind, kept.Len(), n)
		}
		kinds[kind]++
		if kind.IsColumn() {
			left += n
		}
		other := errors.New("other")
		_, err = NewReader(&lacking{s, id, other}).Salvage(t.Context(), c, 3, isGone, nil,
			func(*chunk.Records) error { return nil }, func(Damage) error { return nil })
		if len(lost) > 0 && n < len(recs) && !errors.Is(err, other) {
			t.Fatalf("an error that tells no damage: %v", err)
		}
	}
	if left == 0 {
		t.Error("no record was ever kept")
	}
	for _, kind := range []chunk.Kind{chunk.IDs, chunk.Embeddings, chunk.Groups} {
		if kinds[kind] == 0 {
			t.Errorf("no chunk of %v was taken away", kind)
		}
	}
}
