// Package backendtest checks that a backend keeps the contract that package
// backend states: each sentence of it is a test here. A new backend calls
// [Run] from its own tests.
package backendtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"autochrome/repo/backend"
)

// Open returns an empty backend for one test; Run closes it.
type Open func(t *testing.T) backend.Backend

// Run checks the whole contract.
func Run(t *testing.T, open Open) {
	tests := []struct {
		name string
		test func(t *testing.T, b backend.Backend)
	}{
		{"SaveLoad", testSaveLoad},
		{"SaveReplaces", testSaveReplaces},
		{"DataIsCopied", testDataIsCopied},
		{"Empty", testEmpty},
		{"Large", testLarge},
		{"Missing", testMissing},
		{"Names", testNames},
		{"BadNames", testBadNames},
		{"Ranges", testRanges},
		{"HugeLength", testHugeLength},
		{"List", testList},
		{"ListFolders", testListFolders},
		{"ListStops", testListStops},
		{"ListReentry", testListReentry},
		{"Modified", testModified},
		{"Remove", testRemove},
		{"FolderIsNoObject", testFolderIsNoObject},
		{"Create", testCreate},
		{"CreateRace", testCreateRace},
		{"Cancelled", testCancelled},
		{"CancelledMidway", testCancelledMidway},
		{"WholeOrNothing", testWholeOrNothing},
		{"ListUnderWay", testListUnderWay},
		{"Random", testRandom},
		{"Location", testLocation},
		{"Draft", testDraft},
		{"DraftFolders", testDraftFolders},
		{"DraftDiscarded", testDraftDiscarded},
		{"DraftCancelled", testDraftCancelled},
		{"DraftsTogether", testDraftsTogether},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := open(t)
			test.test(t, b)
			if err := b.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func save(t *testing.T, b backend.Backend, name string, data []byte) {
	t.Helper()
	if err := b.Save(t.Context(), name, data); err != nil {
		t.Fatalf("Save(%q): %v", name, err)
	}
}

func wantObject(t *testing.T, b backend.Backend, name string, want []byte) {
	t.Helper()
	got, err := backend.LoadAll(t.Context(), b, name)
	if err != nil {
		t.Fatalf("Load(%q): %v", name, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("Load(%q): %d bytes differ from the %d saved", name, len(got), len(want))
	}
}

func wantMissing(t *testing.T, b backend.Backend, name string) {
	t.Helper()
	if ok, err := backend.Exists(t.Context(), b, name); ok || err != nil {
		t.Fatalf("Exists(%q) = %v, %v, want false", name, ok, err)
	}
}

func wantNames(t *testing.T, b backend.Backend, folder string, want ...string) {
	t.Helper()
	got, err := backend.Names(t.Context(), b, folder)
	if err != nil {
		t.Fatalf("List(%q): %v", folder, err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("List(%q):\n got %q\nwant %q", folder, got, want)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func random(n int, seed uint64) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1}).Read(data)
	return data
}

func testSaveLoad(t *testing.T, b backend.Backend) {
	data := random(1000, 1)
	save(t, b, "packs/ab/abcd", data)
	wantObject(t, b, "packs/ab/abcd", data)
	if ok, err := backend.Exists(t.Context(), b, "packs/ab/abcd"); !ok || err != nil {
		t.Errorf("Exists = %v, %v, want true", ok, err)
	}
}

func testSaveReplaces(t *testing.T, b backend.Backend) {
	for i, size := range []int{100, 5000, 3} {
		data := random(size, uint64(i))
		save(t, b, "x", data)
		wantObject(t, b, "x", data)
	}
	wantNames(t, b, "", "x")
}

func testDataIsCopied(t *testing.T, b backend.Backend) {
	data := random(64, 1)
	keep := bytes.Clone(data)
	save(t, b, "x", data)
	if !bytes.Equal(data, keep) {
		t.Fatal("Save changed the data")
	}
	data[0]++
	wantObject(t, b, "x", keep)
	got, err := backend.LoadAll(t.Context(), b, "x")
	if err != nil {
		t.Fatal(err)
	}
	got[1]++
	wantObject(t, b, "x", keep)
}

func testEmpty(t *testing.T, b backend.Backend) {
	save(t, b, "nil", nil)
	save(t, b, "empty", []byte{})
	for _, name := range []string{"nil", "empty"} {
		wantObject(t, b, name, nil)
		for _, offset := range []int64{0, -1, -100} {
			if got, err := b.Load(t.Context(), name, offset, -1); len(got) != 0 || err != nil {
				t.Errorf("Load(%q, %d, -1) = %v, %v", name, offset, got, err)
			}
		}
		_, err := b.Load(t.Context(), name, 0, 1)
		wantErr(t, "Load of a byte of an empty object", err, backend.ErrShort)
	}
	wantNames(t, b, "", "empty", "nil")
}

// testLarge saves more than the largest pack.
func testLarge(t *testing.T, b backend.Backend) {
	data := random(20_000_000, 1)
	save(t, b, "packs/aa/large", data)
	wantObject(t, b, "packs/aa/large", data)
	got, err := b.Load(t.Context(), "packs/aa/large", 12_345_678, 2_000_001)
	if err != nil || !bytes.Equal(got, data[12_345_678:14_345_679]) {
		t.Errorf("Load of a range: %d bytes, error %v", len(got), err)
	}
}

func testMissing(t *testing.T, b backend.Backend) {
	save(t, b, "a/here", []byte("x"))
	for _, name := range []string{"missing", "a/missing", "no/such/folder/missing"} {
		for _, r := range [][2]int64{{0, -1}, {0, 0}, {5, 5}, {-5, -1}} {
			_, err := b.Load(t.Context(), name, r[0], r[1])
			wantErr(t, fmt.Sprintf("Load(%q, %d, %d)", name, r[0], r[1]), err, backend.ErrNotExist)
			if err != nil && !strings.Contains(err.Error(), "missing") {
				t.Errorf("the error does not name the object: %v", err)
			}
		}
		wantMissing(t, b, name)
	}
}

// goodNames are in the order in which List must show them.
func goodNames() []string {
	return []string{
		"0", "autochrome.json", "dots..within", "e.f_g-h", "packs-old/x", "packs/00/x",
		"packs/ff/y", "packs0", "roots/snapshot_20261123_040000_k3f9", "s/p/q/r/s/t/u/v/w", "tmp",
		"tmp.json", "trailing-", "trailing_", "zz" + strings.Repeat("z", 198),
	}
}

func testNames(t *testing.T, b backend.Backend) {
	names := goodNames()
	for _, name := range slices.Backward(names) {
		save(t, b, name, []byte(name))
	}
	for _, name := range names {
		wantObject(t, b, name, []byte(name))
	}
	wantNames(t, b, "", names...)
}

func testBadNames(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	nothing := func(backend.Info) error { return nil }
	for _, name := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "./a", "a/.", ".hidden", "a/.hidden",
		"a.", "a./b", "-a", "_a", "a/-b", "A", "a b", "a\\b", "..\\a", "c:a", "a\x00b", "a\nb", "ä", "a*", "\xff",
		"tmp-", "tmp-a", "a/tmp-a", "tmp-a/b", "zz" + strings.Repeat("z", 199), strings.Repeat("a/", 200) + "a",
	} {
		what := fmt.Sprintf("name %q: ", name)
		wantErr(t, what+"Save", b.Save(ctx, name, nil), backend.ErrName)
		wantErr(t, what+"Create", b.Create(ctx, name, nil), backend.ErrName)
		wantErr(t, what+"Remove", b.Remove(ctx, name), backend.ErrName)
		_, err := b.Load(ctx, name, 0, -1)
		wantErr(t, what+"Load", err, backend.ErrName)
		if name != "" && name != "a/" {
			wantErr(t, what+"List", b.List(ctx, name, nothing), backend.ErrName)
		}
		if name != "" {
			wantErr(t, what+"List with a slash", b.List(ctx, name+"/", nothing), backend.ErrName)
		}
	}
	wantErr(t, "List without a slash", b.List(ctx, "packs", nothing), backend.ErrName)
	wantNames(t, b, "")
}

func testLocation(t *testing.T, b backend.Backend) {
	if b.Location() == "" {
		t.Error("Location is empty")
	}
}

func testModified(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	const rounded = time.Second // a store may round down
	before, err := b.Now(ctx)
	if err != nil {
		t.Fatalf("Now: %v", err)
	}
	save(t, b, "a", []byte("x"))
	if err := b.Create(ctx, "b", []byte("y")); err != nil {
		t.Fatal(err)
	}
	after, err := b.Now(ctx)
	if err != nil {
		t.Fatalf("Now: %v", err)
	}
	if after.Before(before) {
		t.Errorf("the clock went back, from %v to %v", before, after)
	}
	err = b.List(ctx, "", func(info backend.Info) error {
		if info.Modified.Before(before.Add(-rounded)) || info.Modified.After(after.Add(rounded)) {
			t.Errorf("%s: modified %v, not between %v and %v", info.Name, info.Modified, before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, b, "", "a", "b") // Now left nothing
}
