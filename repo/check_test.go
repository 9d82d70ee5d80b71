package repo

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// checked gives what a check finds, remarks too.
func checked(t testing.TB, be backend.Backend, share ReadShare) (Checked, []Finding) {
	t.Helper()
	r, err := openStore(t.Context(), be)
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrNoRepository) {
			t.Fatal(err)
		}
		f := Finding{File: configName, Err: err}
		if d := new(DamagedFileError); errors.As(err, &d) {
			f.File = d.File
		}
		return Checked{Damaged: 1}, []Finding{f}
	}
	var found []Finding
	c, err := r.Check(t.Context(), CheckOptions{Read: share, Found: func(f Finding) { found = append(found, f) }})
	must(t, err)
	return c, found
}

// finds reports whether a file is named as damaged.
func finds(found []Finding, name string) bool {
	return slices.ContainsFunc(found, func(f Finding) bool { return f.File == name && f.Err != nil })
}

// TestCheckEveryFile: a flipped bit anywhere in any file is found by a check that
// reads all, and so is a file that is cut short; a pack that is gone is found
// without reading.
func TestCheckEveryFile(t *testing.T) {
	m := everything(t)
	r := opened(t, m)
	saveMarks(t, r, chunk.ID{1}, chunk.ID{2})
	if c, found := checked(t, m, All()); c.Damaged+c.Remarks != 0 || c.Snapshots != 2 || c.Packs.Packs != c.Read.Packs || c.Read.Packs != 2 {
		t.Fatalf("%+v, found %v", c, found)
	}
	for _, name := range names(t, m, "") {
		b, err := backend.LoadAll(t.Context(), m, name)
		must(t, err)
		_, point, record := parseRoot(name)
		for i := 0; i < len(b); i += 1 + len(b)/150 {
			bad := bytes.Clone(b)
			bad[i] ^= 1 << (i * 5 % 8)
			c := m.Clone()
			must(t, c.Save(t.Context(), name, bad))
			// A record's identity is the hash of what it says, and there may be
			// two spellings of its compressed form.
			got, found := checked(t, c, All())
			if !finds(found, name) && (!record || point || got.Snapshots != 2) {
				t.Fatalf("%s: byte %d of %d changed: found %v", name, i, len(b), found)
			}
		}
		for _, n := range []int{0, 1, 4, 5, len(b) / 2, len(b) - 1} {
			c := m.Clone()
			must(t, c.Save(t.Context(), name, b[:n]))
			if _, found := checked(t, c, ReadShare{}); !finds(found, name) {
				t.Fatalf("%s: cut to %d bytes of %d: found %v", name, n, len(b), found)
			}
		}
	}
	for _, name := range names(t, m, packsFolder) {
		c := m.Clone()
		must(t, c.Remove(t.Context(), name))
		if _, found := checked(t, c, ReadShare{}); !finds(found, name) {
			t.Errorf("%s is gone: found %v", name, found)
		}
	}
}

// TestCheckHealth: what can be had and what cannot, chunk by chunk.
func TestCheckHealth(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	s := take(t, r, noise(1, 400), noise(2, 400), noise(3, 400))
	other := take(t, r, "other")
	var at [3]int64
	var pack chunk.ID
	for i, run := range s.Root.Runs {
		place, _ := r.index().Lookup(run.Chunk)
		at[i], pack = place.Offset, place.Pack
	}
	healthy := func(c Checked) (good []bool) {
		for _, run := range append(slices.Clone(s.Root.Runs), other.Root.Runs...) {
			good = append(good, c.Health.Chunk(run.Chunk) == nil)
		}
		return good
	}
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		share  ReadShare
		want   []bool
	}{
		"as it is":              {func(b []byte) []byte { return b }, All(), []bool{true, true, true, true}},
		"one chunk":             {func(b []byte) []byte { b[at[1]+50]++; return b }, All(), []bool{true, false, true, true}},
		"one chunk, not read":   {func(b []byte) []byte { b[at[1]+50]++; return b }, ReadShare{}, []bool{true, true, true, true}},
		"the header":            {func(b []byte) []byte { b[0]++; return b }, All(), []bool{true, true, true, true}},
		"the directory":         {func(b []byte) []byte { b[len(b)-60]++; return b }, All(), []bool{true, true, true, true}},
		"behind the first":      {func(b []byte) []byte { return b[:at[1]+5] }, ReadShare{}, []bool{true, false, false, true}},
		"behind the first read": {func(b []byte) []byte { return b[:at[1]+5] }, All(), []bool{true, false, false, true}},
	} {
		c := m.Clone()
		replace(t, c, packFile(pack), test.change)
		got, found := checked(t, c, test.share)
		if good := healthy(got); !slices.Equal(good, test.want) {
			t.Errorf("%s: good %v, want %v; found %v", name, good, test.want, found)
		}
	}
	must(t, m.Remove(t.Context(), packFile(pack)))
	got, _ := checked(t, m, ReadShare{})
	if good := healthy(got); !slices.Equal(good, []bool{false, false, false, true}) {
		t.Errorf("without the pack: %v", good)
	}
	err := got.Health.Chunk(s.Root.Runs[0].Chunk)
	wantErr(t, err, ErrDamaged)
	mustContain(t, err, packFile(pack))
}

// TestCheckShares: shares that begin where the last ended come to every pack,
// and equal arcs have each pack once.
func TestCheckShares(t *testing.T) {
	m := new(backend.Memory)
	r := initialised(t, m)
	for i := range 23 {
		take(t, r, noise(uint64(i), 500))
	}
	packs, err := r.listPacks(t.Context())
	must(t, err)
	seen := map[chunk.ID]int{}
	share := ReadShare{Bytes: func(total int64) int64 { return total / 10 }}
	rounds := 0
	for ; len(seen) < 23 && rounds < 12; rounds++ {
		var ids []chunk.ID
		if ids, share.After = share.choose(packs); len(ids) == 0 || len(ids) > 4 {
			t.Fatalf("%d packs in a share", len(ids))
		}
		for _, id := range ids {
			seen[id]++
		}
	}
	if len(seen) != 23 {
		t.Errorf("%d of 23 packs after %d rounds", len(seen), rounds)
	}
	clear(seen)
	for part := range 5 {
		ids, _ := ReadShare{Part: part + 1, Parts: 5}.choose(packs)
		for _, id := range ids {
			seen[id]++
		}
	}
	for id := range packs {
		if seen[id] != 1 {
			t.Errorf("pack %v was read %d times", id, seen[id])
		}
	}
}

// TestCheckOnce: a store that lies once is asked again, and one that does not
// answer is no damage.
func TestCheckOnce(t *testing.T) {
	m := new(backend.Memory)
	take(t, initialised(t, m), noise(1, 100<<10))
	loads := 0
	second := func(op *faulty.Op) bool { // the first one reads the directory
		if op.Kind == faulty.Load {
			loads++
		}
		return loads == 2
	}
	be := faulty.Wrap(m, faulty.FlipBit(faulty.All(faulty.Folder(packsFolder), second), 99))
	if c, found := checked(t, be, All()); c.Damaged != 0 || loads != 3 {
		t.Errorf("%d loads, found %v", loads, found)
	}
	r := opened(t, faulty.Wrap(m, faulty.Fail(faulty.Folder(packsFolder), nil)))
	_, err := r.Check(t.Context(), CheckOptions{})
	wantErr(t, err, faulty.ErrInjected)
}

// TestCheckUnindexed: a pack in no index is no damage, but worth knowing.
func TestCheckUnindexed(t *testing.T) {
	m := new(backend.Memory)
	s := take(t, initialised(t, m), "a")
	for _, name := range names(t, m, indexFolder) {
		must(t, m.Remove(t.Context(), name))
	}
	must(t, m.Save(t.Context(), packsFolder+"stray", nil))
	c, found := checked(t, m, All())
	if c.Damaged != 0 || c.Remarks != 2 {
		t.Errorf("found %v", found)
	}
	wantErr(t, c.Health.Chunk(s.Root.Runs[0].Chunk), ErrMissing)
}
