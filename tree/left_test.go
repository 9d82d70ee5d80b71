package tree

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
)

// holed is a store without some chunks.
type holed struct {
	*memStore
	without map[chunk.ID]bool
}

var errHole = errors.New("gone")

func isHole(err error) bool { return errors.Is(err, errHole) }

func (h *holed) Load(ctx context.Context, id chunk.ID) ([]byte, error) {
	if h.without[id] {
		return nil, errHole
	}
	return h.memStore.Load(ctx, id)
}

// TestLeft takes away chunks of entries, one and several at a time: what stands
// beside them is read all the same, the records that are missing are counted,
// and each gap is named by its neighbours.
func TestLeft(t *testing.T) {
	m := &maker{Rand: random(t), dim: 3}
	s, c, recs, _ := grown(t, m, 30000)
	all := chunk.NewRecords(3)
	position := map[string]int{}
	for i, rec := range recs {
		all.Append(rec)
		position[rec.ID] = i
	}
	var entries []chunk.ID
	for id, b := range s.chunks {
		if kind := chunk.Kind(b[0]); kind == chunk.Groups || kind == chunk.Nodes {
			entries = append(entries, id)
		}
	}
	partly, between := 0, 0
	for try := range 30 {
		missing := &holed{s, map[chunk.ID]bool{}}
		for range 1 + try%3 {
			missing.without[entries[m.IntN(len(entries))]] = true
		}
		kept, lost := chunk.NewRecords(3), int64(0)
		var gaps [][2]int
		counted, err := NewReader(missing).Salvage(t.Context(), c, 3, isHole, nil,
			func(r *chunk.Records) error { kept.AppendRecords(r, 0, r.Len()); return nil },
			func(d Damage) error {
				lost += d.Count
				after, before := -1, -1
				if d.After != "" {
					after = position[d.After]
				}
				switch {
				case d.Last != "":
					before = position[d.Last] + 1
				case d.Before != "":
					before = position[d.Before]
					between++
				}
				if before >= 0 && before <= after || d.Kind.IsColumn() || d.Count <= 0 {
					t.Fatalf("%+v", d)
				}
				if d.After != "" && before >= 0 {
					gaps = append(gaps, [2]int{after, before})
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		if int64(kept.Len())+lost != int64(len(recs)) || counted != lost {
			t.Fatalf("%d records kept and %d lost of %d, %d counted", kept.Len(), lost, len(recs), counted)
		}
		if kept.Len() > 0 && lost > 0 {
			partly++
		}
		last := -1
		for i := range kept.Len() {
			at := position[string(kept.ID(i))]
			if at <= last || !kept.Equal(i, all, at) {
				t.Fatalf("record %d is not as it was", at)
			}
			last = at
			for _, gap := range gaps {
				if at > gap[0] && at < gap[1] {
					t.Fatalf("record %d is in the gap behind %d before %d, and was read", at, gap[0], gap[1])
				}
			}
		}
		groups := 0
		err = Verify(t.Context(), NewReader(missing), c, isHole, func(g Group, _ int) { groups += g.Count }, func(d Damage) error { lost -= d.Count; return nil })
		if err != nil || lost != 0 || groups != kept.Len() {
			t.Fatalf("verified %d records, %d more lost: %v", groups, lost, err)
		}
	}
	if partly == 0 || between == 0 {
		t.Errorf("%d times some was left, %d gaps had something behind them", partly, between)
	}
}

// TestLeftOfForgedCounts: a node that says it has as many records as any can have
// lacks that many; what is lost is parted into numbers that are above zero and
// come to its own.
func TestLeftOfForgedCounts(t *testing.T) {
	m := &maker{Rand: random(t), dim: 3}
	s, c, _, _ := grown(t, m, 3000)
	c.Top.Count = chunk.MaxRecords
	var places []chunk.ID
	for _, run := range c.Top.Runs {
		if !slices.Contains(places, run.Chunk) {
			places = append(places, run.Chunk)
		}
	}
	if len(places) < 2 {
		t.Fatal("the top lies in one chunk")
	}
	damaged := func(err error) bool { return isHole(err) || errors.Is(err, chunk.ErrCorrupt) }
	kept, gaps := int64(0), 0
	lost, err := NewReader(&holed{s, map[chunk.ID]bool{places[0]: true}}).Salvage(t.Context(), c, 3, damaged, nil,
		func(r *chunk.Records) error { kept += int64(r.Len()); return nil },
		func(d Damage) error {
			if gaps++; d.Count <= 0 || d.First < 0 {
				t.Errorf("%+v", d)
			}
			return nil
		})
	if err != nil || kept+lost != chunk.MaxRecords || kept == 0 || gaps == 0 {
		t.Errorf("%d records kept, %d lost in %d gaps: %v", kept, lost, gaps, err)
	}
}

// TestCollectionsLeft takes away one of a root's chunks of entries.
func TestCollectionsLeft(t *testing.T) {
	s := newMemStore()
	var cs []Collection
	long := strings.Repeat("x", 2000) // a list of runs costs less than storing that again
	for _, name := range []string{"a" + long, "b" + long, "c" + long, "d" + long} {
		c := Collection{Tenant: "t", Database: "d", Name: name}
		var err error
		if c.Description, err = SaveDescription(t.Context(), s, chunk.CollectionDescription{Dimension: 3}); err != nil {
			t.Fatal(err)
		}
		cs = append(cs, c)
	}
	first, err := SaveRoot(t.Context(), s, cs[:2], Root{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := SaveRoot(t.Context(), s, cs, first)
	if err != nil || len(root.Runs) != 2 {
		t.Fatal(root, err)
	}
	for at, run := range root.Runs {
		got, lost, err := NewReader(&holed{s, map[chunk.ID]bool{run.Chunk: true}}).CollectionsLeft(t.Context(), root, isHole)
		if !isHole(err) || lost != 2 || len(got) != 2 || got[0].Name != cs[2-2*at].Name {
			t.Errorf("%d are lost, there are %v: %v", lost, got, err)
		}
	}
	if got, lost, err := NewReader(s).CollectionsLeft(t.Context(), root, isHole); err != nil || lost != 0 || len(got) != 4 {
		t.Errorf("%v %d %v", got, lost, err)
	}
	other := errors.New("other")
	if _, _, err := NewReader(&lacking{s, root.Runs[rand.IntN(2)].Chunk, other}).CollectionsLeft(t.Context(), root, isHole); !errors.Is(err, other) {
		t.Errorf("an error that tells no damage: %v", err)
	}
}
