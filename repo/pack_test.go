package repo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

func samplePack() *packBuilder {
	p := newPack(nil, packTarget, nil)
	clear(p.buf[packHeader-packSalt:])
	p.add(chunk.IDs, chunk.ID{1}, []byte("one"))
	p.add(chunk.Description, chunk.ID{2}, []byte("second"))
	p.add(index.Record, chunk.ID{3}, []byte("record"))
	return p
}

func TestPack(t *testing.T) {
	p := samplePack()
	file, pack := p.finish()
	if again, _ := p.finish(); !bytes.Equal(again, file) {
		t.Error("finishing twice gives two files")
	}
	if len(file) > p.size() {
		t.Errorf("%d bytes, %d were foreseen", len(file), p.size())
	}
	entries, err := decodePack(nil, file)
	if err != nil || !reflect.DeepEqual(entries, pack.Entries) || len(entries) != 3 {
		t.Errorf("read %v, %v, written %v", entries, err, pack.Entries)
	}
	// Golden: a change here is a change of the format.
	const golden = "9bca"
	if hex.EncodeToString(pack.ID[:2]) != golden {
		t.Errorf("the pack is called %v, want %s...: %q", pack.ID, golden, file)
	}
}

func TestDamagedPack(t *testing.T) {
	file, _ := samplePack().finish()
	for n := range len(file) {
		if _, err := decodePack(nil, file[:n]); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	body := len("onesecondrecord")
	for i := range file {
		if i >= packHeader-packSalt && i < packHeader+body {
			continue // the chunks' own hashes tell, and the pack's name
		}
		bad := bytes.Clone(file)
		bad[i] ^= 0x10
		if _, err := decodePack(nil, bad); !errors.Is(err, index.ErrCorrupt) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if _, err := decodePack(nil, append(bytes.Clone(file[:packHeader]), file...)); err == nil {
		t.Error("bytes too many")
	}
}

// TestDirectoryLoads: one load for a directory, two for a long one.
func TestDirectoryLoads(t *testing.T) {
	for entries, loads := range map[int]int64{1: 1, 1000: 1, 3000: 2} {
		var c faulty.Counter
		m := faulty.Wrap(new(backend.Memory), c.Count)
		p := newPack(nil, packTarget, nil)
		for i := range entries {
			p.add(chunk.IDs, chunk.ID{1, byte(i), byte(i >> 8)}, make([]byte, 100))
		}
		file, pack := p.finish()
		must(t, m.Save(t.Context(), "x", file))
		got, _, err := readDirectory(t.Context(), m, nil, "x", pack.Size)
		if err != nil || !reflect.DeepEqual(got, pack.Entries) {
			t.Errorf("%d entries: %v", entries, err)
		}
		if n := c.Sum("", faulty.Load).Ops; n != loads {
			t.Errorf("%d entries took %d loads, want %d", entries, n, loads)
		}
	}
}

// TestReadAhead counts loads of a reader that goes forward, and of those that do
// not.
func TestReadAhead(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	m := faulty.Wrap(new(backend.Memory), c.Count)
	r := initialised(t, m)
	var all []string
	for i := range 200 {
		all = append(all, noise(uint64(i), 20<<10))
	}
	s := take(t, r, all...)
	stored := c.Sum(packsFolder, faulty.Save).Bytes
	read := func(order func(i int) int) faulty.Moved {
		r := opened(t, m)
		c.Reset()
		for i := 0; i < len(all) && order(i) < len(all); i++ {
			id := s.Root.Runs[order(i)].Chunk
			_, err := r.Load(ctx, id)
			must(t, err)
		}
		if r.reader.bytes > cacheBytes {
			t.Errorf("%d bytes are kept", r.reader.bytes)
		}
		return c.Sum(packsFolder, faulty.Load)
	}
	if got := read(func(i int) int { return i }); got.Ops > 14 || got.Bytes > stored+stored/20 {
		t.Errorf("forward: %+v of %d bytes", got, stored)
	}
	if got := read(func(i int) int { return len(all) - 1 - i }); got.Ops != 200 || got.Bytes > stored {
		t.Errorf("backward: %+v of %d bytes", got, stored)
	}
	// The five columns of every fourth row group.
	if got := read(func(i int) int { return i%5 + i/5*20 }); got.Ops != 50 || got.Bytes > stored/4 {
		t.Errorf("here and there: %+v of %d bytes", got, stored)
	}
}

// TestCacheBound: what is kept is bounded, and the last used stays.
func TestCacheBound(t *testing.T) {
	var a readAhead
	for i := range 100 {
		a.put(part{chunk.ID{byte(i)}, 0, 1 << 20, 0, make([]byte, 1<<20)})
		if _, _, hit := a.get(index.Location{Pack: chunk.ID{0}, Length: 10}, 1<<20); hit == nil {
			t.Fatalf("what is used all the time went away after %d", i)
		}
		if sum := len(a.parts) << 20; sum != a.bytes || sum > cacheBytes {
			t.Fatalf("%d bytes are kept, counted %d", sum, a.bytes)
		}
	}
	a.forget(chunk.ID{0})
	if _, _, hit := a.get(index.Location{Length: 10}, 1<<20); hit != nil || a.bytes != len(a.parts)<<20 {
		t.Error("not forgotten")
	}
}
