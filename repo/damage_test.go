package repo

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// everything gives a store with a file of each class.
func everything(t testing.TB) *backend.Memory {
	m := new(backend.Memory)
	r := initialised(t, m)
	s := take(t, r, texts("a", 3)...)
	takePoint(t, r, texts("b", 3)...)
	must(t, r.Annotate(t.Context(), Annotation{Snapshot: s.ID, Key: KeyHold, Value: "why"}))
	list, err := r.Snapshots(t.Context())
	must(t, err)
	slices.SortFunc(list, func(a, b Snapshot) int { return compareIDs(a.ID, b.ID) })
	_, err = r.saveList(t.Context(), list)
	must(t, err)
	for range 2 {
		must(t, r.Audit(t.Context(), AuditEntry{Action: "test", Outcome: "ok"}))
	}
	return m
}

// findings asks for all that can be asked and collects what is wrong. Errors
// other than of damage, and panics, fail the test.
func findings(t testing.TB, be backend.Backend) (found []error) {
	ctx := context.Background()
	add := func(err error) {
		if err == nil {
			return
		}
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
			t.Fatalf("an error that does not tell damage: %v", err)
		}
		found = append(found, err)
	}
	r, err := openStore(ctx, be)
	if err != nil {
		add(err)
		return found
	}
	list, err := r.Snapshots(ctx)
	add(err)
	for _, s := range list {
		for _, run := range s.Root.Runs {
			_, err := r.Load(ctx, run.Chunk)
			add(err)
		}
	}
	_, err = r.Annotations(ctx)
	add(err)
	add(r.AuditEntries(ctx, func(AuditEntry) error { return nil }))
	problems, err := r.VerifyAudit(ctx)
	add(err)
	for _, p := range problems {
		found = append(found, &DamagedFileError{p.File, errors.New(p.Reason)})
	}
	found = append(found, r.Damaged()...)
	for _, name := range append(names(t, be, packsFolder), names(t, be, rootsFolder)...) {
		if _, point, _ := parseRoot(name); !point && !strings.HasPrefix(name, packsFolder) {
			continue
		}
		b, err := backend.LoadAll(ctx, be, name)
		must(t, err)
		_, err = decodePack(testEnvelope(t, be), b)
		if err == nil && packFile(chunk.FileHash(b)) != name && pointFile(chunk.FileHash(b)) != name {
			err = corrupt("not named by its hash")
		}
		if err != nil {
			add(&DamagedFileError{name, err})
		}
	}
	return found
}

// TestEveryByte flips a bit of each byte of each file: each is found, and named.
func TestEveryByte(t *testing.T) {
	m := everything(t)
	if found := findings(t, m); len(found) > 0 {
		t.Fatal(found)
	}
	good := whole(t, m)
	for _, name := range names(t, m, "") {
		b, err := backend.LoadAll(t.Context(), m, name)
		must(t, err)
		if name == configName {
			for i := range 8 * len(b) {
				bad := bytes.Clone(b)
				bad[i/8] ^= 1 << (i % 8)
				c := m.Clone()
				must(t, c.Save(t.Context(), name, bad))
				if len(findings(t, c)) == 0 {
					t.Fatalf("%s: bit %d flipped, and not found", name, i)
				}
			}
			continue
		}
		step := 1
		if world.encrypted() {
			step = 5 // opening takes longer, and all bytes are alike
		}
		for i := 0; i < len(b); i += step {
			bit := 8*i + i*5%8
			bad := bytes.Clone(b)
			bad[bit/8] ^= 1 << (bit % 8)
			c := m.Clone()
			must(t, c.Save(t.Context(), name, bad))
			found := findings(t, c)
			// A record's identity is the hash of what it says: there may be two
			// spellings of its compressed form.
			_, point, isRecord := parseRoot(name)
			same := isRecord && !point && len(found) == 0 && len(whole(t, c)) == len(good)
			if !same && !named(found, name) {
				t.Fatalf("%s: bit %d of %d flipped: found %v", name, bit, len(b)*8, found)
			}
		}
		for _, n := range []int{0, 1, 4, 5, len(b) / 2, len(b) - 1} {
			c := m.Clone()
			must(t, c.Save(t.Context(), name, b[:n]))
			if found := findings(t, c); !named(found, name) {
				t.Fatalf("%s: cut to %d bytes of %d: found %v", name, n, len(b), found)
			}
		}
	}
}

func named(found []error, name string) bool {
	for _, err := range found {
		if strings.Contains(err.Error(), name) {
			return true
		}
	}
	return false
}

// TestOthersStay: what one damaged or missing file takes away is its own.
func TestOthersStay(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	a := take(t, r, "a")
	b := take(t, r, "b")
	p := takePoint(t, r, "p")
	at, _ := r.index().Lookup(a.Root.Runs[0].Chunk)
	must(t, m.Remove(ctx, packFile(at.Pack)))
	r = opened(t, m)
	_, err := r.Load(ctx, a.Root.Runs[0].Chunk)
	wantErr(t, err, ErrDamaged)
	wantErr(t, err, backend.ErrNotExist)
	var d *DamagedError
	if !errors.As(err, &d) || d.Pack != packFile(at.Pack) || d.Chunk != a.Root.Runs[0].Chunk || d.Offset != at.Offset {
		t.Errorf("named %+v", d)
	}
	loads(t, r, b)
	loads(t, r, p)
	replace(t, m, b.File, func(b []byte) []byte { return b[:len(b)-1] })
	replace(t, m, p.File, func(b []byte) []byte { return b[:len(b)-1] })
	r = opened(t, m)
	list, err := r.Snapshots(ctx)
	if err != nil || len(list) != 1 || list[0].ID != a.ID {
		t.Errorf("snapshots %v, %v", list, err)
	}
	if d := r.Damaged(); len(d) != 2 || !named(d, b.File) || !named(d, p.File) {
		t.Errorf("damaged: %v", d)
	}
	_, err = r.Load(ctx, p.Root.Runs[0].Chunk)
	wantErr(t, err, ErrMissing)
	mustContain(t, err, "index") // says what may be the reason
	take(t, r, "p")
	loads(t, r, p) // the chunk is there again
}

// TestSecondCopy: one good copy of a chunk is enough.
func TestSecondCopy(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	one, two := initialised(t, m), opened(t, m)
	var a, b Snapshot
	must(t, one.Write(ctx, func(w *Writer) error { // both write it at the same time
		b = take(t, two, "x", "y")
		ids, err := save(ctx, w, "x")
		must(t, err)
		a, err = w.SaveSnapshot(ctx, snapshotOf(ids...))
		return err
	}))
	must(t, one.Refresh(ctx))
	id := a.Root.Runs[0].Chunk
	copies := one.index().Copies(id)
	if len(copies) != 2 {
		t.Fatalf("copies %v", copies)
	}
	for _, broken := range copies {
		c := m.Clone()
		replace(t, c, packFile(broken.Pack), func(b []byte) []byte { b[broken.Offset+3]++; return b })
		r := opened(t, c)
		loads(t, r, a)
		loads(t, r, b)
		must(t, c.Remove(ctx, packFile(broken.Pack)))
		r = opened(t, c)
		_, err := r.Load(ctx, id)
		must(t, err)
	}
}

// TestOnce: a store that lies once is asked again.
func TestOnce(t *testing.T) {
	m := new(backend.Memory)
	s := take(t, initialised(t, m), "x")
	for _, fault := range []faulty.Fault{
		faulty.FlipBit(faulty.All(faulty.Folder(packsFolder), faulty.Nth(1, faulty.Load)), 33),
		faulty.CutShort(faulty.All(faulty.Folder(packsFolder), faulty.Nth(1, faulty.Load)), 2),
	} {
		loads(t, opened(t, faulty.Wrap(m, fault)), s)
	}
	r := opened(t, faulty.Wrap(m, faulty.Fail(faulty.Folder(packsFolder), nil)))
	_, err := r.Load(t.Context(), s.Root.Runs[0].Chunk)
	wantErr(t, err, faulty.ErrInjected)
	if errors.Is(err, ErrDamaged) {
		t.Error("a store that does not answer is not damage")
	}
}

// TestWrongDirectory: an index may lie; the chunk's hash does not.
func TestWrongDirectory(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	a := take(t, r, "a", "b")
	ida, idb := a.Root.Runs[0].Chunk, a.Root.Runs[1].Chunk
	at, _ := r.index().Lookup(ida)
	size, _ := r.index().PackSize(at.Pack)
	for _, name := range names(t, m, indexFolder) {
		must(t, m.Remove(ctx, name))
	}
	lie := index.AppendFile(nil, []index.Pack{{ID: at.Pack, Size: size, Entries: []index.Entry{
		{ID: idb, Kind: chunk.Documents, Offset: 5, Length: uint32(at.Length)},
		{ID: ida, Kind: chunk.Documents, Offset: 5 + uint32(at.Length), Length: uint32(at.Length)},
	}}})
	must(t, m.Save(ctx, indexFile(index.FileName(lie)), lie))
	r = opened(t, m)
	for _, id := range []chunk.ID{ida, idb} {
		_, err := r.Load(ctx, id)
		wantErr(t, err, ErrDamaged)
	}
}

// TestFromPacks makes the index again from nothing but packs.
func TestFromPacks(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	var list []Snapshot
	for i := range 3 {
		list = append(list, take(t, r, noise(uint64(i), 1000), "x"))
	}
	small := make([]string, 3000) // a directory longer than is read at first
	for i := range small {
		small[i] = noise(uint64(i), 20)
	}
	list = append(list, take(t, r, small...), takePoint(t, r, "p"))
	for _, name := range names(t, m, indexFolder) {
		must(t, m.Remove(ctx, name))
	}
	var packs []index.Pack
	must(t, m.List(ctx, packsFolder, func(info backend.Info) error {
		id, ok := parsePack(info.Name)
		if !ok {
			t.Errorf("a pack called %s", info.Name)
		}
		entries, _, err := readDirectory(ctx, m, testEnvelope(t, m), info.Name, info.Size)
		packs = append(packs, index.Pack{ID: id, Size: info.Size, Entries: entries})
		return err
	}))
	file := index.AppendFile(nil, packs)
	must(t, r.be.Save(ctx, indexFile(index.FileName(file)), file))
	if got := whole(t, m); len(got) != len(list) {
		t.Errorf("%d snapshots are whole, want %d", len(got), len(list))
	}
}
