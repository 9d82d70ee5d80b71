package tree

import (
	"context"
	"errors"
	"testing"

	"autochrome/chunk"
)

// TestInspect takes away each chunk of a tree in turn: the records that are
// named are those that cannot be read, no more and no fewer.
func TestInspect(t *testing.T) {
	m := &maker{Rand: random(t), dim: 3}
	s, c, recs, _ := grown(t, m, 1500)
	gone := errors.New("gone")
	kinds := map[chunk.Kind]int{}
	for id, b := range s.chunks {
		if kind := chunk.Kind(b[0]); kind == chunk.Collections || kinds[kind] >= 12 {
			continue
		}
		missing := &lacking{s, id, gone}
		i := NewInspector(missing, func(of chunk.ID) error {
			if of == id {
				return gone
			}
			return nil
		}, func(err error) bool { return errors.Is(err, gone) })
		lost := map[chunk.Kind]map[int64]bool{}
		for range 2 { // what was not whole is named again
			clear(lost)
			err := i.Collection(t.Context(), c, func(d Damage) error {
				if !errors.Is(d.Err, gone) {
					t.Fatalf("damage %v", d.Err)
				}
				columns := []chunk.Kind{d.Kind}
				if d.Kind == chunk.Groups || d.Kind == chunk.Nodes {
					columns = chunk.Columns[:]
				}
				for _, k := range columns {
					if lost[k] == nil {
						lost[k] = map[int64]bool{}
					}
					for at := d.First; at < d.First+d.Count; at++ {
						lost[k][at] = true
					}
				}
				for n, rec := range d.IDs {
					if rec != recs[d.First+int64(n)].ID {
						t.Fatalf("position %d is %q, want %q", d.First+int64(n), rec, recs[d.First+int64(n)].ID)
					}
				}
				if d.Kind.IsColumn() && d.Kind != chunk.IDs && int64(len(d.IDs)) != d.Count {
					t.Fatalf("%d ids of %d records", len(d.IDs), d.Count)
				}
				if d.Kind == chunk.Description {
					kinds[d.Kind]++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		kinds[chunk.Kind(b[0])]++
		if !chunk.Kind(b[0]).IsColumn() {
			continue // see TestLeft
		}
		// What is not named can be read.
		r := NewReader(missing)
		err := NewReader(s).Groups(t.Context(), c, func(start int64, g Group) error {
			for _, kind := range chunk.Columns {
				_, err := r.Column(t.Context(), g, kind)
				named := false
				for at := start; at < start+int64(g.Count); at++ {
					named = named || lost[kind][at]
				}
				if err != nil && !named {
					t.Fatalf("%v of the group at %d: %v, and it is not named", kind, start, err)
				}
				if err == nil && named && len(lost) == 1 {
					t.Fatalf("%v of the group at %d is named, and is whole", kind, start)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []chunk.Kind{chunk.IDs, chunk.Embeddings, chunk.Groups, chunk.Description} {
		if kinds[kind] == 0 {
			t.Errorf("no chunk of %v was taken away", kind)
		}
	}
}

// lacking is a store without one chunk.
type lacking struct {
	*memStore
	id  chunk.ID
	err error
}

func (l *lacking) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	if id == l.id {
		return nil, l.err
	}
	return l.memStore.Load(ctx, id)
}
