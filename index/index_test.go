package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/chunk"
)

// seeded gives a source of random numbers and prints its seed on failure.
func seeded(t testing.TB) *rand.ChaCha8 {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %x", seed)
		}
	})
	return rand.NewChaCha8(seed)
}

func randomID(src *rand.ChaCha8) (id chunk.ID) {
	_, _ = src.Read(id[:])
	return id
}

// randomPack gives a pack whose places fit its entries.
func randomPack(src *rand.ChaCha8, entries int, id func() chunk.ID) Pack {
	p := Pack{ID: randomID(src)}
	offset := uint32(FirstOffset)
	for range entries {
		e := Entry{ID: id(), Kind: chunk.Kind(1 + src.Uint64()%9), Offset: offset, Length: uint32(1 + src.Uint64()%100000)}
		p.Entries = append(p.Entries, e)
		offset += e.Length
	}
	p.Size = int64(offset) + 100
	return p
}

// TestIndex compares an Index with the simplest one, for ids as hashes are and
// for ids that somebody chose.
func TestIndex(t *testing.T) {
	for name, narrow := range map[string]int{"hashes": 32, "few first bytes": 2, "nearly equal": 0} {
		t.Run(name, func(t *testing.T) {
			src := seeded(t)
			id := func() chunk.ID {
				x := randomID(src)
				for i := range x {
					if narrow < 32 && i > narrow && i < 30 {
						x[i] = 7
					}
				}
				return x
			}
			var x Index
			places := map[chunk.ID][]Location{}
			var packs []chunk.ID
			total := 0
			for total < 20000 {
				n := 1 + int(src.Uint64()%50)
				if src.Uint64()%20 == 0 {
					n = 2000
				}
				again := func() chunk.ID {
					if len(places) > 0 && src.Uint64()%10 == 0 {
						for old := range places {
							return old
						}
					}
					return id()
				}
				p := randomPack(src, n, again)
				x.Add(p)
				x.Add(p) // changes nothing
				packs = append(packs, p.ID)
				for _, e := range p.Entries {
					places[e.ID] = append(places[e.ID], Location{p.ID, e.Kind, int64(e.Offset), int64(e.Length)})
				}
				total += n
				if size, ok := x.PackSize(p.ID); !ok || size != p.Size {
					t.Fatalf("pack of %d bytes: %d, %v", p.Size, size, ok)
				}
			}
			agrees(t, &x, packs, places)
			for range 1000 {
				if id := id(); places[id] == nil && x.Has(id) {
					t.Fatalf("has %v, which was never added", id)
				}
			}
			for len(packs) > 0 {
				at := int(src.Uint64() % uint64(len(packs)))
				some := packs[at:min(len(packs), at+1+len(packs)/5)]
				x.Drop(some...)
				x.Drop(some...) // changes nothing
				for id, all := range places {
					places[id] = slices.DeleteFunc(all, func(at Location) bool { return slices.Contains(some, at.Pack) })
				}
				packs = slices.Delete(packs, at, at+len(some))
				agrees(t, &x, packs, places)
			}
			back := randomPack(src, 10, id)
			x.Add(back)
			x.Drop(back.ID)
			x.Add(back)
			if got, ok := x.Lookup(back.Entries[0].ID); !ok || got.Pack != back.ID || x.Len() != 10 {
				t.Errorf("a pack that came back: %v, %v, %d places", got, ok, x.Len())
			}
		})
	}
}

// agrees demands that an index has these packs and places, and no other.
func agrees(t *testing.T, x *Index, packs []chunk.ID, places map[chunk.ID][]Location) {
	t.Helper()
	total := 0
	for id, want := range places {
		total += len(want)
		got, ok := x.Lookup(id)
		if ok != (len(want) > 0) || ok && got != want[0] || x.Has(id) != ok {
			t.Fatalf("Lookup %v: %v, %v, want %v", id, got, ok, want)
		}
		if got := x.Copies(id); !slices.Equal(got, want) {
			t.Fatalf("Copies %v: %v, want %v", id, got, want)
		}
	}
	if x.Len() != total {
		t.Errorf("Len %d, want %d", x.Len(), total)
	}
	if !slices.Equal(x.Packs(), packs) {
		t.Error("Packs are not those that were added")
	}
	var before chunk.ID
	count := 0
	x.Each(func(id chunk.ID, at Location) bool {
		if bytes.Compare(before[:], id[:]) > 0 || !slices.Contains(places[id], at) {
			t.Fatalf("Each gives %v %v behind %v", id, at, before)
		}
		before = id
		count++
		return true
	})
	if count != total {
		t.Errorf("Each gives %d places, want %d", count, total)
	}
}

func TestEmpty(t *testing.T) {
	var x Index
	if x.Has(chunk.ID{1}) || x.Len() != 0 || x.Packs() != nil || x.Copies(chunk.ID{}) != nil {
		t.Error("the zero Index is not empty")
	}
	x.Add(Pack{ID: chunk.ID{1}, Entries: []Entry{{ID: chunk.ID{2}, Kind: Record, Offset: 5, Length: 6}}})
	if x.Len() != 0 || x.Has(chunk.ID{2}) {
		t.Error("a snapshot's record is no chunk")
	}
}

func TestSearch(t *testing.T) {
	src := seeded(t)
	for n := range 200 {
		run := make([]row, n)
		for i := range run {
			run[i].id = randomID(src)
			run[i].id[0] = 9
			if i > 0 && src.Uint64()%4 == 0 {
				run[i].id = run[i-1].id
			}
			if src.Uint64()%8 == 0 {
				run[i].id = chunk.ID{9, byte(src.Uint64())}
			}
		}
		slices.SortFunc(run, compare)
		for range 50 {
			id := randomID(src)
			if n > 0 && src.Uint64()%2 == 0 {
				id = run[src.Uint64()%uint64(n)].id
			}
			want, _ := slices.BinarySearchFunc(run, id, func(r row, id chunk.ID) int {
				return cmp.Or(bytes.Compare(r.id[:], id[:]), 0)
			})
			if got := search(run, id); got != want {
				t.Fatalf("%d rows: position %d, want %d", n, got, want)
			}
		}
	}
}

func TestConcurrent(t *testing.T) {
	src := seeded(t)
	var x Index
	var packs []Pack
	for range 200 {
		packs = append(packs, randomPack(src, 100, func() chunk.ID { return randomID(src) }))
	}
	done := make(chan bool)
	for w := range 4 {
		go func() {
			for i := w; i < len(packs); i += 4 {
				x.Add(packs[i])
				if _, ok := x.Lookup(packs[i].Entries[0].ID); !ok {
					t.Error("what was added is not there")
				}
			}
			done <- true
		}()
	}
	for range 4 {
		<-done
	}
	if x.Len() != 20000 {
		t.Errorf("Len %d", x.Len())
	}
}

// TestSortRows sorts hashes, and ids that somebody chose, as comparing does.
func TestSortRows(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, n := range []int{0, 1, 2, 50, 64, 100, 5000} {
		for name, id := range map[string]func() (id chunk.ID){
			"hashes": func() (id chunk.ID) { binary.BigEndian.PutUint64(id[1:], r.Uint64()); return id },
			"few":    func() (id chunk.ID) { id[1] = byte(r.IntN(3)); return id },
			"near":   func() (id chunk.ID) { binary.BigEndian.PutUint64(id[20:], r.Uint64()); return id },
			"last":   func() (id chunk.ID) { copy(id[1:], bytes.Repeat([]byte{255}, 8)); id[9] = byte(r.IntN(256)); return id },
		} {
			rows := make([]row, n)
			for i := range rows {
				rows[i] = row{id: id(), place: r.Uint32(), offset: r.Uint32()}
			}
			want := slices.Clone(rows)
			slices.SortFunc(want, func(a, b row) int {
				return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.place>>kindBits, b.place>>kindBits), cmp.Compare(a.offset, b.offset))
			})
			if sortRows(rows); !slices.EqualFunc(rows, want, func(a, b row) bool { return compare(a, b) == 0 }) {
				t.Errorf("%d %s are not sorted", n, name)
			}
		}
	}
}
