package index

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"autochrome/chunk"
)

func samplePacks() []Pack {
	return []Pack{
		{ID: chunk.ID{1}, Size: 400, Entries: []Entry{
			{chunk.ID{2}, chunk.Embeddings, 21, 200}, {chunk.ID{3}, chunk.Description, 221, 1}, {chunk.ID{4}, Record, 222, 9},
		}},
		{ID: chunk.ID{5}, Size: 93, Entries: []Entry{{chunk.ID{6}, chunk.IDs, 21, 72}}},
	}
}

func TestFile(t *testing.T) {
	want := samplePacks()
	if a, b := AppendFile(nil, want), AppendFile(nil, want); FileName(a) == FileName(b) {
		t.Error("two files of the same name")
	}
	file := appendFile([]byte("before"), [saltSize]byte{9}, want)[len("before"):]
	got, err := DecodeFile(file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("read %v, %v, want %v", got, err, want)
	}
	// Golden: a change here is a change of the format.
	const golden = "a612"
	if name := FileName(file); hex.EncodeToString(name[:2]) != golden {
		t.Errorf("the file's name is %v, want %s...", name, golden)
	}
}

// TestDamagedFile flips each bit and cuts at each place.
func TestDamagedFile(t *testing.T) {
	file := AppendFile(nil, samplePacks())
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		if _, err := DecodeFile(bad); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
	}
	for n := range len(file) {
		if _, err := DecodeFile(file[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := DecodeFile(append(file, 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: %v", err)
	}
}

// TestRefused gives DecodeFile what is whole, but nothing that the encoder
// writes.
func TestRefused(t *testing.T) {
	for name, packs := range map[string][]Pack{
		"no pack":       {},
		"no entry":      {{ID: chunk.ID{1}, Size: 99}},
		"unknown kind":  {{ID: chunk.ID{1}, Size: 99, Entries: []Entry{{chunk.ID{2}, 10, 5, 1}}}},
		"no length":     {{ID: chunk.ID{1}, Size: 99, Entries: []Entry{{chunk.ID{2}, 1, 5, 0}}}},
		"zero id":       {{ID: chunk.ID{1}, Size: 99, Entries: []Entry{{chunk.ID{}, 1, 5, 1}}}},
		"zero pack":     {{Size: 99, Entries: []Entry{{chunk.ID{1}, 1, 5, 1}}}},
		"beyond end":    {{ID: chunk.ID{1}, Size: 99, Entries: []Entry{{chunk.ID{2}, 1, 5, 95}}}},
		"long":          {{ID: chunk.ID{1}, Size: 1 << 40, Entries: []Entry{{chunk.ID{2}, 1, 5, 1}}}},
		"long chunk":    {{ID: chunk.ID{1}, Size: MaxPack, Entries: []Entry{{chunk.ID{2}, 1, 5, MaxStored + 1}}}},
		"behind record": {{ID: chunk.ID{1}, Size: 99, Entries: []Entry{{chunk.ID{2}, Record, 5, 1}, {chunk.ID{3}, 1, 6, 1}}}},
	} {
		if _, err := DecodeFile(AppendFile(nil, packs)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeFile(f *testing.F) {
	file := AppendFile(nil, samplePacks())
	f.Add(file[len(fileMagic)+1 : len(file)-chunk.IDSize])
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = DecodeFile(body)
		if len(body) < saltSize {
			return
		}
		// With head and checksum made right, or nothing would get beyond them.
		file := append([]byte(fileMagic), fileVersion)
		file = append(file, body...)
		sum := chunk.FileHash(file)
		file = append(file, sum[:]...)
		packs, err := DecodeFile(file)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("not ErrCorrupt: %v", err)
			}
			return
		}
		if again := appendFile(nil, [saltSize]byte(body), packs); !bytes.Equal(again, file) {
			t.Errorf("%x reads as %v, which is written as %x", file, packs, again)
		}
		var x Index
		x.Add(packs...)
		x.Each(func(id chunk.ID, at Location) bool {
			if !x.Has(id) {
				t.Errorf("%v is listed and not there", id)
			}
			return true
		})
	})
}

func FuzzDecodeDirectory(f *testing.F) {
	f.Add(AppendDirectory(nil, samplePacks()[0].Entries))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, end, err := DecodeDirectory(b)
		if err != nil {
			return
		}
		if again := AppendDirectory(nil, entries); !bytes.Equal(again, b) {
			t.Errorf("%x is written as %x", b, again)
		}
		if last := entries[len(entries)-1]; end != int64(last.Offset)+int64(last.Length) {
			t.Errorf("the end is %d behind %v", end, last)
		}
	})
}
