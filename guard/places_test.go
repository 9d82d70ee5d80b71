package guard

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlacesAndOrder appends, deletes and looks up at random, next to a plain
// list.
func TestPlacesAndOrder(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	p, err := newPlaces(10, maphash.MakeSeed())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	var o order
	var list []string
	for range 30_000 {
		id := fmt.Sprint("id ", rnd.IntN(12_000))
		pl, err := p.find([]byte(id))
		if err != nil {
			t.Fatal(err)
		}
		at := -1
		if pl.flags&present != 0 {
			at = int(o.position(pl.number))
			if at >= len(list) || list[at] != id {
				t.Fatalf("%q is not at %d", id, at)
			}
		} else if rnd.IntN(20) == 0 && slices.Contains(list, id) {
			t.Fatalf("%q is there and was not found", id)
		}
		switch {
		case at < 0:
			pl.number, pl.flags = o.append(), present|ofBase
			list = append(list, id)
		case rnd.IntN(2) == 0:
			o.remove(pl.number)
			pl.flags &^= present
			list = slices.Delete(list, at, at+1)
		}
		if err := p.put([]byte(id), pl); err != nil {
			t.Fatal(err)
		}
		if int(o.count) != len(list) {
			t.Fatalf("%d records, want %d", o.count, len(list))
		}
	}
	if len(p.tables) < 2 {
		t.Error("the table never grew")
	}
}
