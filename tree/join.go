package tree

import (
	"context"
	"hash/maphash"

	"autochrome/chunk"
)

// joinWindow is how many records of b are looked for in a at once: 20 MB at
// the most. More of them take more passes over the ids of a, not more memory.
const joinWindow = 1 << 18

// join finds the records of b's groups without a pair among those of a's, by
// id, in windows of b.
type join struct {
	delta   *Delta
	a, b    []int    // numbers in onlyA and onlyB
	first   []int    // number of the first record of each group of a
	matched []uint64 // bit set over the records of a's groups: b has it
	done    bool     // every window was looked at once
	from    int      // the window at hand: groups [from, to) of b
	to      int
	found   map[int][]foundAt // by number in onlyB
}

// foundAt is where a has a record. Group -1: nowhere.
type foundAt struct{ group, row int32 }

func newJoin(d *Delta) *join {
	j := &join{delta: d}
	paired := make(map[int]bool, len(d.pair))
	for i, p := range d.pair {
		if p < 0 {
			j.b = append(j.b, i)
		} else {
			paired[p] = true
		}
	}
	records := 0
	for i, g := range d.onlyA {
		if !paired[i] {
			j.a = append(j.a, i)
			j.first = append(j.first, records)
			records += g.count
		}
	}
	j.matched = make([]uint64, (records+63)/64)
	return j
}

// run looks at every window once, so that matched is complete.
func (j *join) run(ctx context.Context) error {
	for to := 0; !j.done && len(j.a) > 0 && to < len(j.b); to = j.to {
		if err := j.load(ctx, to); err != nil {
			return err
		}
	}
	j.done = true
	return nil
}

// group gives for each record of group i of onlyB where a has it; nil where a
// has none of them.
func (j *join) group(ctx context.Context, i int) ([]foundAt, error) {
	if len(j.a) == 0 {
		return nil, nil
	}
	if f, ok := j.found[i]; ok {
		return f, nil
	}
	for at, number := range j.b {
		if number == i {
			if err := j.load(ctx, at); err != nil {
				return nil, err
			}
			break
		}
	}
	return j.found[i], nil
}

// hashed is an id's hash: 128 bits, so that no two ids are taken for one.
type hashed [2]uint64

// load looks at the window that begins with group from of b.
func (j *join) load(ctx context.Context, from int) error {
	d := j.delta
	seeds := [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	hash := func(id []byte) hashed { return hashed{maphash.Bytes(seeds[0], id), maphash.Bytes(seeds[1], id)} }
	type wanted struct{ group, row int32 }
	table := map[hashed]wanted{}
	j.found = map[int][]foundAt{}
	for j.from, j.to = from, from; j.to < len(j.b) && len(table) < joinWindow; j.to++ {
		number := j.b[j.to]
		ids, err := d.ids(ctx, d.b, d.onlyB[number])
		if err != nil {
			return err
		}
		f := make([]foundAt, ids.Len())
		for row := range f {
			f[row].group = -1
			id, _ := ids.Row(row)
			table[hash(id)] = wanted{int32(number), int32(row)}
		}
		j.found[number] = f
	}
	for n, number := range j.a {
		ids, err := d.ids(ctx, d.a, d.onlyA[number])
		if err != nil {
			return err
		}
		for row := range ids.Len() {
			id, _ := ids.Row(row)
			if w, ok := table[hash(id)]; ok {
				j.found[int(w.group)][w.row] = foundAt{int32(number), int32(row)}
				at := j.first[n] + row
				j.matched[at/64] |= 1 << (at % 64)
			}
		}
	}
	return nil
}

// unmatched calls fn for each record of a's groups that b does not have.
func (j *join) unmatched(ctx context.Context, fn func(g groupRef, row int, id string) error) error {
	d := j.delta
	for n, number := range j.a {
		g := d.onlyA[number]
		var ids *chunk.Rows
		for row := range g.count {
			if at := j.first[n] + row; j.matched[at/64]>>(at%64)&1 != 0 {
				continue
			}
			if ids == nil {
				var err error
				if ids, err = d.ids(ctx, d.a, g); err != nil {
					return err
				}
			}
			id, _ := ids.Row(row)
			if err := fn(g, row, string(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Delta) ids(ctx context.Context, f *groupFinder, ref groupRef) (*chunk.Rows, error) {
	g, err := f.at(ctx, ref.start)
	if err != nil {
		return nil, err
	}
	return g.column(ctx, chunk.IDs)
}
