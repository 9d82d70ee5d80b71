package repo

import (
	"bytes"
	"context"
	"errors"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

func TestEnvelope(t *testing.T) {
	e := newEnvelope([secretBytes]byte{1})
	for _, text := range []string{"", "x", noise(1, 10000)} {
		fill := func(dst []byte) []byte { return append(dst, text...) }
		sealed := e.seal([]byte("before"), []byte("here"), fill)
		if !bytes.HasPrefix(sealed, []byte("before")) || len(sealed) != 6+len(text)+envelopeSize {
			t.Fatalf("%d bytes sealed to %d", len(text), len(sealed))
		}
		sealed = sealed[6:]
		if len(text) > 8 && bytes.Contains(sealed, []byte(text)) || bytes.Equal(sealed, e.seal(nil, []byte("here"), fill)) {
			t.Error("it is not hidden, or the same twice")
		}
		plain, err := e.open(sealed, []byte("here"))
		if err != nil || string(plain) != text {
			t.Errorf("opened %d bytes, %v", len(plain), err)
		}
		_, err = e.open(sealed, []byte("there"))
		wantErr(t, err, index.ErrCorrupt)
		_, err = newEnvelope([secretBytes]byte{2}).open(sealed, []byte("here"))
		wantErr(t, err, index.ErrCorrupt)
		for n := range min(len(sealed), 100) {
			_, err = e.open(sealed[:n], []byte("here"))
			wantErr(t, err, index.ErrCorrupt)
		}
	}
}

// TestSwapped exchanges files of one folder, and moves them: nothing of it is
// ever taken for what it is not.
func TestSwapped(t *testing.T) {
	ctx := t.Context()
	if !world.encrypted() {
		t.Skip("nothing is sealed")
	}
	m := everything(t)
	view := inside(t, m)
	for _, from := range names(t, m, "") {
		if !isSealed(from) {
			continue
		}
		b, err := backend.LoadAll(ctx, m, from)
		must(t, err)
		_, err = backend.LoadAll(ctx, view, from)
		must(t, err)
		to := from[:strings.LastIndexByte(from, '/')+1] + "other"
		must(t, m.Save(ctx, to, b))
		_, err = backend.LoadAll(ctx, view, to)
		wantErr(t, err, index.ErrCorrupt)
		must(t, m.Remove(ctx, to))
	}
}

// TestSealedParts: Load, List and a part of a file agree.
func TestSealedParts(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	s := &sealedStore{m, newEnvelope([secretBytes]byte{1})}
	file := []byte("ACXX\x00" + noise(1, 100))
	must(t, s.Save(ctx, "index/x", file))
	wantErr(t, s.Create(ctx, "index/x", file), backend.ErrExist)
	wantErr(t, s.Save(ctx, "index/y", []byte("ACX")), ErrInvalid)
	must(t, s.List(ctx, "", func(info backend.Info) error {
		if info.Size != int64(len(file)) {
			t.Errorf("listed with %d bytes, want %d", info.Size, len(file))
		}
		return nil
	}))
	n := int64(len(file))
	for _, part := range []struct{ offset, length, from, to int64 }{
		{0, -1, 0, n}, {3, 4, 3, 7}, {3, -1, 3, n}, {-5, -1, n - 5, n}, {-500, -1, 0, n}, {n, -1, n, n}, {0, 0, 0, 0}, {n - 1, 1, n - 1, n},
	} {
		b, err := s.Load(ctx, "index/x", part.offset, part.length)
		if err != nil || !bytes.Equal(b, file[part.from:part.to]) {
			t.Errorf("part %+v: %q, %v", part, b, err)
		}
	}
	for _, part := range [][2]int64{{n + 1, -1}, {0, n + 1}, {5, n}} {
		_, err := s.Load(ctx, "index/x", part[0], part[1])
		wantErr(t, err, backend.ErrShort)
	}
	_, err := s.Load(ctx, "index/z", 0, -1)
	wantErr(t, err, backend.ErrNotExist)
}

func TestPadded(t *testing.T) {
	for n := int64(0); n < 1<<20; n += 1 + n/50 {
		p := padded(n)
		if p < n || p > n+n*12/100 || padded(p) != p {
			t.Fatalf("%d is padded to %d, and that to %d", n, p, padded(p))
		}
	}
	// The largest packs are still packs, and a full one is not padded beyond.
	if p := padded(packTarget); p != packTarget {
		t.Errorf("a full pack of %d bytes is padded to %d", packTarget, p)
	}
	if p := padded(index.MaxStored + 1<<20); p > index.MaxPack {
		t.Errorf("the largest chunk makes a pack of %d bytes", p)
	}
	lengths := map[int64]bool{}
	for n := int64(1 << 20); n < 2<<20; n++ {
		lengths[padded(n)] = true
	}
	if len(lengths) > 1<<bits.Len(20)+1 {
		t.Errorf("%d lengths between 1 and 2 MiB", len(lengths))
	}
}

// TestPackSizes: an encrypted pack has a padded length, whatever is in it.
func TestPackSizes(t *testing.T) {
	e := newEnvelope([secretBytes]byte{1})
	src := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		p := newPack(nil, packTarget, e)
		for range 1 + src.IntN(20) {
			p.add(chunk.Documents, chunk.ID{1, byte(src.IntN(256))}, make([]byte, 1+src.IntN(1<<src.IntN(16))))
		}
		file, pack := p.finish()
		if pack.Size != int64(len(file)) || padded(pack.Size) != pack.Size {
			t.Fatalf("a pack of %d bytes", len(file))
		}
		entries, err := decodePack(e, file)
		if err != nil || len(entries) != len(pack.Entries) {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		if _, err := decodePack(nil, file); err == nil {
			t.Fatal("it can be read without a key")
		}
	}
}

// FuzzSealedDirectory: what opens is written again as it was.
func FuzzSealedDirectory(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00ab\x00"), 100)
	f.Add([]byte{}, 0)
	e := newEnvelope([secretBytes]byte{1})
	f.Fuzz(func(t *testing.T, plain []byte, before int) {
		_, _ = e.openDirectory(plain, int64(before))
		before &= 1<<16 - 1
		size := int64(before + len(plain) + envelopeSize + packTrailer)
		sealed := e.seal(nil, sealedDirectory, func(dst []byte) []byte { return append(dst, plain...) })
		directory, err := e.openDirectory(sealed, size)
		if err != nil {
			if !errors.Is(err, index.ErrCorrupt) {
				t.Errorf("not ErrCorrupt: %v", err)
			}
			return
		}
		again, err := e.open(e.sealDirectory(0, make([]byte, before), directory)[before:], sealedDirectory)
		if err != nil || !bytes.Equal(again, plain) {
			t.Errorf("%x is written as %x, %v", plain, again, err)
		}
	})
}

// FuzzSealedFile: what was not sealed never opens.
func FuzzSealedFile(f *testing.F) {
	f.Add([]byte("ACIX\x00"), "index/x")
	m := new(backend.Memory)
	s := &sealedStore{m, newEnvelope([secretBytes]byte{1})}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if m.Save(context.Background(), name, b) != nil || !isSealed(name) {
			return
		}
		if b, err := backend.LoadAll(context.Background(), s, name); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("%q opened to %x, %v", name, b, err)
		}
	})
}

// TestSealedDraft: only packs are written piece by piece; any other file would lie
// there as it is.
func TestSealedDraft(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	s := &sealedStore{m, newEnvelope([secretBytes]byte{1})}
	d, err := backend.NewDraft(ctx, s, packsFolder)
	must(t, err)
	defer d.Discard()
	must(t, d.Write(ctx, []byte("ACIX\x00plain")))
	wantErr(t, d.Save(ctx, indexFolder+"x"), ErrInvalid)
	names, err := backend.Names(ctx, m, "")
	if err != nil || len(names) != 0 {
		t.Errorf("there are %q, %v", names, err)
	}
	must(t, d.Save(ctx, packFile(chunk.ID{1})))
}
