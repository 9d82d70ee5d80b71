package tree

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/chunk"
)

// diffStore keeps canonical bytes in memory and counts what is loaded.
type diffStore struct {
	h      *chunk.Hasher
	chunks map[chunk.ID][]byte
	loads  int
}

func newDiffStore() *diffStore {
	return &diffStore{h: chunk.Plain(), chunks: map[chunk.ID][]byte{}}
}

func (s *diffStore) Hasher() *chunk.Hasher { return s.h }
func (s *diffStore) Has(id chunk.ID) bool  { _, ok := s.chunks[id]; return ok }
func (s *diffStore) Load(_ context.Context, id chunk.ID) ([]byte, error) {
	s.loads++
	b, ok := s.chunks[id]
	if !ok {
		return nil, fmt.Errorf("no chunk %v", id)
	}
	return b, nil
}
func (s *diffStore) Save(_ context.Context, id chunk.ID, b []byte) error {
	s.chunks[id] = slices.Clone(b)
	return nil
}

func text(s string) *string { return &s }

func diffRecord(r *rand.Rand, id string) chunk.Record {
	rec := chunk.Record{ID: id, Embedding: []float32{r.Float32(), r.Float32(), r.Float32()}}
	if r.IntN(3) > 0 {
		rec.Document = text(fmt.Sprintf("document %d", r.IntN(1e6)))
	}
	if r.IntN(3) > 0 {
		rec.Metadata = chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: r.Int64N(100)}}}
	}
	return rec
}

func columns(recs []chunk.Record) *chunk.Records {
	out := chunk.NewRecords(3)
	for _, r := range recs {
		out.Append(r)
	}
	return out
}

func buildTree(t *testing.T, s Store, recs []chunk.Record) Collection {
	t.Helper()
	b := NewBuilder(s, 3)
	if err := b.Add(t.Context(), columns(recs)); err != nil {
		t.Fatal(err)
	}
	h, top, err := b.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Collection{Name: "c", Height: h, Top: top}
}

// mutate changes a sequence in the ways that Chroma and a rollback can.
func mutate(r *rand.Rand, recs []chunk.Record, fresh *int) []chunk.Record {
	out := slices.Clone(recs)
	for range 1 + r.IntN(4) {
		n := len(out)
		switch r.IntN(8) {
		case 0: // delete some
			for range r.IntN(5) {
				if len(out) > 0 {
					i := r.IntN(len(out))
					out = slices.Delete(out, i, i+1)
				}
			}
		case 1: // delete a range
			if n > 0 {
				i := r.IntN(n)
				out = slices.Delete(out, i, i+r.IntN(n-i+1))
			}
		case 2: // change in place
			for range r.IntN(20) {
				if n > 0 {
					i := r.IntN(n)
					out[i] = diffRecord(r, out[i].ID)
				}
			}
		case 3, 4: // append
			for range r.IntN(700) {
				*fresh++
				out = append(out, diffRecord(r, fmt.Sprintf("new-%d", *fresh)))
			}
		case 5: // delete and add again
			for range r.IntN(5) {
				if n > 0 {
					i := r.IntN(n)
					rec := out[i]
					out = append(slices.Delete(out, i, i+1), rec)
				}
			}
		case 6: // insert in the middle, as a rollback asks for
			if n > 0 {
				*fresh++
				out = slices.Insert(out, r.IntN(n), diffRecord(r, fmt.Sprintf("new-%d", *fresh)))
			}
		case 7:
			if r.IntN(4) == 0 {
				r.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
			}
		}
	}
	return out
}

// splicesOf turns a difference into what Apply takes.
func splicesOf(t *testing.T, d *Delta) []Splice {
	t.Helper()
	type edit struct {
		remove bool
		insert []chunk.Record
	}
	edits := map[int64]*edit{}
	at := func(pos int64) *edit {
		if edits[pos] == nil {
			edits[pos] = &edit{}
		}
		return edits[pos]
	}
	if err := d.Removed(t.Context(), func(x Difference) error { at(x.From).remove = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := d.Present(t.Context(), func(x Difference) error {
		rec, err := x.After(t.Context())
		if err != nil {
			return err
		}
		if x.From >= 0 {
			at(x.From).remove = true
		}
		at(x.At).insert = append(at(x.At).insert, rec)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var out []Splice
	for pos, e := range edits {
		s := Splice{At: pos, Insert: columns(e.insert)}
		if e.remove {
			s.Remove = 1
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Splice) int { return int(a.At - b.At) })
	return out
}

func TestDiffThenApply(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	fresh := 0
	for round := range 300 {
		s := newDiffStore()
		var recs []chunk.Record
		for range r.IntN(3000) {
			fresh++
			recs = append(recs, diffRecord(r, fmt.Sprintf("id-%d", fresh)))
		}
		a := buildTree(t, s, recs)
		next := mutate(r, recs, &fresh)
		b := buildTree(t, s, next)
		d, err := Diff(t.Context(), NewReader(s), a, b)
		if err != nil {
			t.Fatal(err)
		}
		checkDiff(t, d, recs, next)
		h, top, err := Apply(t.Context(), s, a, 3, splicesOf(t, d))
		if err != nil {
			t.Fatal(err)
		}
		if h != b.Height || top.Logical != b.Top.Logical {
			t.Fatalf("round %d: Apply(a, Diff(a, b)) is not b (%d → %d records)", round, len(recs), len(next))
		}
		if same, err := Diff(t.Context(), NewReader(s), b, Collection{Height: h, Top: top}); err != nil || !same.Empty() {
			t.Fatalf("round %d: b differs from itself (%v)", round, err)
		}
	}
}

// checkDiff compares a difference with one made from the records themselves.
func checkDiff(t *testing.T, d *Delta, a, b []chunk.Record) {
	t.Helper()
	inA := map[string]chunk.Record{}
	for _, r := range a {
		inA[r.ID] = r
	}
	var removed []string
	want := map[string]Op{}
	inB := map[string]bool{}
	for _, r := range b {
		inB[r.ID] = true
		if old, ok := inA[r.ID]; !ok {
			want[r.ID] = Added
		} else if !columns([]chunk.Record{old}).Equal(0, columns([]chunk.Record{r}), 0) {
			want[r.ID] = Changed
		}
	}
	for _, r := range a {
		if !inB[r.ID] {
			removed = append(removed, r.ID)
		}
	}
	var gotRemoved []string
	if err := d.Removed(t.Context(), func(x Difference) error { gotRemoved = append(gotRemoved, x.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(removed)
	slices.Sort(gotRemoved)
	if !slices.Equal(removed, gotRemoved) {
		t.Fatalf("removed %d records, want %d", len(gotRemoved), len(removed))
	}
	got := map[string]Op{}
	if err := d.Present(t.Context(), func(x Difference) error {
		if x.Op != Moved {
			got[x.ID] = x.Op
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d records added or changed, want %d", len(got), len(want))
	}
	for id, op := range want {
		if got[id] != op {
			t.Fatalf("%s is %v, want %v", id, got[id], op)
		}
	}
}
