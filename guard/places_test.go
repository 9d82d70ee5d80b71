package guard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlacesAndOrder appends, deletes and looks up at random, next to a plain
// list, also where hashes have all but a few bits in common.
func TestPlacesAndOrder(t *testing.T) {
	weak := func(id []byte) (h idHash) {
		h = idHash{1}
		sum := hashID(id)
		copy(h[13:], sum[:]) // what is looked for first is one for all
		return h
	}
	for name, hash := range map[string]func([]byte) idHash{"as it is": hashID, "weak": weak} {
		t.Run(name, func(t *testing.T) {
			ids := 12_000
			if name == "weak" {
				ids = 600 // which all begin at one place
			}
			placesAndOrder(t, ids, hash)
		})
	}
}

func placesAndOrder(t *testing.T, ids int, hash func([]byte) idHash) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	p, err := newPlaces(10)
	if err != nil {
		t.Fatal(err)
	}
	p.hash = hash
	defer func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}()
	var o order
	var list []string
	for range 5 * ids / 2 {
		id := fmt.Sprint("id ", rnd.IntN(ids))
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
	if ids > 10_000 && len(p.tables) < 2 {
		t.Error("the table never grew")
	}
}
