package tree

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
)

// grown is a tree with a history: rows lie in many chunks.
func grown(t testing.TB, m *maker, n int) (*memStore, Collection, []chunk.Record, Root) {
	s := newMemStore()
	recs := m.records(n)
	c := buildFresh(t, m.Rand, s, m.dim, recs)
	for range 30 {
		splices := m.splices(recs, 3)
		for len(recs) < n/2 {
			splices = []modelSplice{{at: len(recs), insert: m.records(n)}}
			recs = applyTo(recs, splices)
		}
		if len(splices) > 0 && len(applyTo(recs, splices)) > n/2 {
			recs = applyTo(recs, splices)
			c = apply(t, s, c, m.dim, splices)
		}
	}
	id, err := SaveDescription(t.Context(), s, chunk.CollectionDescription{Dimension: m.dim})
	if err != nil {
		t.Fatal(err)
	}
	c.Description = id
	return s, c, recs, saveRoot(t, s, Root{}, c)
}

// read reads all that a root holds.
func read(t testing.TB, s Loader, root Root) (*Reader, error) {
	r := NewReader(s)
	cs, err := r.Collections(t.Context(), root)
	if err != nil {
		return r, err
	}
	for _, c := range cs {
		if _, err := r.Description(t.Context(), c); err != nil {
			return r, err
		}
		if err := r.Groups(t.Context(), c, func(_ int64, g Group) error {
			recs, err := r.Records(t.Context(), g)
			if err != nil {
				return err
			}
			for i := range recs.Len() {
				if _, err := recs.Record(i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return r, err
		}
	}
	return r, nil
}

func sortedIDs(s *memStore) []chunk.ID {
	var ids []chunk.ID
	for id := range s.chunks {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b chunk.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// Whatever is damaged, reading says so; it never panics and never gives other
// records. A store that does not check hashes is no licence to do either, but
// for bytes that are well-formed rows.
func TestDamage(t *testing.T) {
	t.Parallel()
	r := random(t)
	m := &maker{Rand: r, dim: 4}
	s, c, recs, root := grown(t, m, 800)
	readsBack(t, s, c, m.dim, recs)
	if _, err := read(t, s, root); err != nil {
		t.Fatal(err)
	}
	ids := sortedIDs(s)
	noticed := 0
	for i := range 300 {
		s.blind = i%2 == 0
		id := ids[r.IntN(len(ids))]
		kept := s.chunks[id]
		damaged := slices.Clone(kept)
		switch r.IntN(4) {
		case 0:
			damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
		case 1:
			damaged = damaged[:r.IntN(len(damaged))]
		case 2:
			damaged = append(damaged, 0)
		case 3:
			damaged = s.chunks[ids[r.IntN(len(ids))]] // another chunk in its place
		}
		s.chunks[id] = damaged
		_, err := read(t, s, root)
		if err != nil {
			noticed++
			if !errors.Is(err, chunk.ErrCorrupt) && !(s.blind && errors.Is(err, errMissing)) {
				t.Errorf("damage is read as %v", err)
			}
		} else if !s.blind && compareRecords(t.Context(), s, c, m.dim, recs) != nil {
			t.Error("damage goes unnoticed")
		}
		// Writing on top of it fails or works; it does not panic.
		splices := m.splices(recs, 3)
		_, _, err = Apply(t.Context(), s, c, m.dim, asSplices(splices, m.dim))
		if err != nil && !s.blind && !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("Apply on damage: %v", err)
		}
		s.chunks[id] = kept
	}
	if noticed == 0 {
		t.Error("no damage was noticed")
	}
	delete(s.chunks, ids[0])
	for _, id := range ids[1:] {
		if kept := s.chunks[id]; chunk.Kind(kept[0]) == chunk.Groups {
			delete(s.chunks, id)
		}
	}
	if _, err := read(t, s, root); !errors.Is(err, errMissing) {
		t.Errorf("missing chunks: %v", err)
	}
}

// Chunks whose hashes are right, but which are not what the tree names: two
// entries exchanged, a run that points elsewhere.
func TestForgery(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 4}
	s := newMemStore()
	recs := m.records(5000)
	c := buildFresh(t, r, s, m.dim, recs)
	save := func(rows *chunk.Rows) chunk.ID {
		b := rows.AppendCanonical(nil)
		id := s.h.ID(b)
		s.chunks[id] = b
		return id
	}
	mustRefuse := func(name string, c Collection) {
		t.Helper()
		if err := compareRecords(t.Context(), s, c, m.dim, recs); !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	reader := NewReader(s)
	entries, err := reader.entries(t.Context(), c.top())
	if err != nil {
		t.Fatal(err)
	}
	if c.Height != 1 {
		t.Fatalf("height %d", c.Height)
	}
	rebuild := func(change func(groups []Group) []Group) Collection {
		var groups []Group
		for _, e := range entries {
			g := *e.group
			for i := range g.Columns {
				g.Columns[i].Runs = slices.Clone(g.Columns[i].Runs)
			}
			groups = append(groups, g)
		}
		groups = change(groups)
		rows := chunk.NewRows(chunk.Groups, 0)
		for _, g := range groups {
			rows.Append(g.append(nil))
		}
		forged := c
		forged.Top.Runs = []Run{{Chunk: save(rows), Count: rows.Len()}}
		return forged
	}
	readsBack(t, s, rebuild(func(g []Group) []Group { return g }), m.dim, recs)
	mustRefuse("two groups exchanged", rebuild(func(g []Group) []Group { g[1], g[2] = g[2], g[1]; return g }))
	mustRefuse("a group twice", rebuild(func(g []Group) []Group { g[1] = g[2]; return g }))
	mustRefuse("a group less", rebuild(func(g []Group) []Group { return g[1:] }))
	mustRefuse("a column of another group", rebuild(func(g []Group) []Group {
		g[1].Columns[1].Content, g[1].Columns[1].Runs = g[2].Columns[1].Content, g[2].Columns[1].Runs
		return g
	}))
	mustRefuse("rows of another group", rebuild(func(g []Group) []Group {
		n := min(g[1].Count, g[2].Count, 40)
		run := g[1].Columns[1].Runs[0]
		g[1].Columns[1].Runs = []Run{runOf(g[2].Columns[1].Runs[0].Chunk, 0, n)}
		if run.Count > n {
			g[1].Columns[1].Runs = append(g[1].Columns[1].Runs, runOf(run.Chunk, n, run.Count-n))
		}
		return g
	}))
	mustRefuse("rows in another order", rebuild(func(g []Group) []Group {
		run := g[1].Columns[0].Runs[0]
		g[1].Columns[0].Runs = []Run{runOf(run.Chunk, 1, run.Count-1), runOf(run.Chunk, 0, 1)}
		return g
	}))
	mustRefuse("rows beyond the chunk", rebuild(func(g []Group) []Group {
		run := &g[1].Columns[3].Runs[0]
		run.First = 7
		return g
	}))
	mustRefuse("a column of another kind", rebuild(func(g []Group) []Group {
		g[1].Columns[2].Runs = []Run{runOf(g[1].Columns[4].Content, 0, g[1].Count)}
		return g
	}))
	mustRefuse("another last id", rebuild(func(g []Group) []Group { g[len(g)-1].Last = "z"; return g }))
	forged := c
	forged.Top.Count++
	mustRefuse("another count", forged)
	forged = c
	forged.Height = 2
	mustRefuse("another height", forged)
	forged = c
	forged.Top.Logical[0] ^= 1
	mustRefuse("another logical id", forged)
}

func TestForgedRoot(t *testing.T) {
	m := &maker{Rand: random(t), dim: 4}
	s, _, _, root := grown(t, m, 200)
	huge := int(^uint(0) >> 1)
	for name, change := range map[string]func(*Root){
		"another logical id": func(r *Root) { r.Logical[3] ^= 1 },
		"more collections":   func(r *Root) { r.Collections = huge },
		"fewer collections":  func(r *Root) { r.Collections = -1 },
		"more records":       func(r *Root) { r.Records++ },
		"no runs":            func(r *Root) { r.Runs = nil },
		"negative first":     func(r *Root) { r.Runs[0].First = -1 },
		"negative count":     func(r *Root) { r.Runs[0].Count = -1 },
		"huge count":         func(r *Root) { r.Runs[0].Count = huge },
		"huge first":         func(r *Root) { r.Runs[0].First = huge },
		"twice":              func(r *Root) { r.Runs = append(r.Runs, r.Runs[0]) },
		"huge count behind":  func(r *Root) { r.Runs = append(r.Runs, runOf(r.Runs[0].Chunk, 1, huge/16)) },
		"huge counts behind": func(r *Root) {
			r.Runs = append(r.Runs, runOf(r.Runs[0].Chunk, 1, huge), runOf(r.Runs[0].Chunk, 1, huge))
		},
	} {
		forged := root
		forged.Runs = slices.Clone(root.Runs)
		change(&forged)
		if _, err := read(t, s, forged); !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRootOfRepeatedRuns: a root that names the same entries again and again takes
// no more memory than the entries, though its record is small.
func TestRootOfRepeatedRuns(t *testing.T) {
	s := newMemStore()
	long := strings.Repeat("x", 100<<10)
	root := saveRoot(t, s, Root{}, Collection{Name: "a" + long, Description: exampleID(1)}, Collection{Name: "b" + long, Description: exampleID(1)})
	root.Runs = slices.Repeat(root.Runs, 200)
	root.Collections = 400
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := NewReader(s).Collections(t.Context(), root)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 || !errors.Is(err, chunk.ErrCorrupt) {
		t.Errorf("%d bytes were allocated: %v", took, err)
	}
	left, lost, err := NewReader(s).CollectionsLeft(t.Context(), root, func(error) bool { return true })
	if len(left) != 2 || lost != 398 || !errors.Is(err, chunk.ErrCorrupt) {
		t.Errorf("%d collections are left and %d lost: %v", len(left), lost, err)
	}
}

func TestRoot(t *testing.T) {
	r := random(t)
	m := &maker{Rand: r, dim: 2}
	s := newMemStore()
	var cs []Collection
	for i := range 300 {
		c := buildFresh(t, r, s, m.dim, m.records(r.IntN(3)))
		c.Tenant, c.Database, c.Name = "t", string(rune('a'+i%3)), string(rune('a'+i))
		c.Description = exampleID(1)
		cs = append(cs, c)
	}
	r.Shuffle(len(cs), func(i, j int) { cs[i], cs[j] = cs[j], cs[i] })
	root := saveRoot(t, s, Root{}, cs...)
	s.reset()
	for step := range 100 { // renamed, changed, dropped, created
		i := r.IntN(len(cs))
		switch r.IntN(4) {
		case 0:
			cs[i].Name = fmt.Sprint("renamed ", step)
		case 1:
			cs[i].Description[0]++
		case 2:
			cs = slices.Delete(slices.Clone(cs), i, i+1)
		case 3:
			c := cs[i]
			c.Name = fmt.Sprint("new ", step)
			cs = append(cs, c)
		}
		next := saveRoot(t, s, root, cs...)
		if fresh := saveRoot(t, newMemStore(), Root{}, cs...); fresh.Logical != next.Logical || fresh.Records != next.Records {
			t.Fatal("a root that refers to an earlier one says something else")
		}
		back, err := NewReader(s).Collections(t.Context(), next)
		if err != nil || len(back) != len(cs) || !slices.IsSortedFunc(back, Collection.Compare) {
			t.Fatalf("%d collections come back of %d: %v", len(back), len(cs), err)
		}
		if again := saveRoot(t, s, next, cs...); again.Logical != next.Logical {
			t.Fatal("the same root again says something else")
		}
		root = next
	}
	if _, err := SaveRoot(t.Context(), s, append(cs, cs[0]), root); err == nil {
		t.Error("a collection may stand twice")
	}
	if empty := saveRoot(t, s, root); empty.Collections != 0 || len(empty.Runs) != 0 {
		t.Errorf("a root of nothing: %+v", empty)
	} else if back, err := NewReader(s).Collections(t.Context(), empty); err != nil || len(back) != 0 {
		t.Errorf("a root of nothing: %v, %v", back, err)
	}
}
