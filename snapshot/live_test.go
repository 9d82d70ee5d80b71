package snapshot_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// TestLive damages chunks of a chain of snapshots at random, changes the database
// a little, and repairs from it: what comes back is what was stored, what does not
// is named, and nothing else is written.
func TestLive(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	taken, fetched, stayed, entries, kinds := 0, 0, 0, 0, map[chunk.Kind]int{}
	for round := range 9 {
		be := new(backend.Memory)
		r := made(t, be)
		src := newFake()
		if round%3 == 1 {
			src.large = 20_000 // a page of a hundred records
		}
		docs, faqs := src.create("docs"), src.create("faqs")
		n := 0
		grow := func(id string, count int) {
			for range count {
				src.put(id, version(fmt.Sprintf("r%05d", n), n))
				n++
			}
		}
		grow(docs, 1500)
		grow(faqs, 30)
		var list []repo.Snapshot
		var packs []string // before the newest snapshot
		for step := range 4 {
			var err error
			packs, err = backend.Names(t.Context(), be, "packs/")
			check(t, err)
			res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
			check(t, err)
			list = append(list, res.Snapshot)
			if step == 3 {
				break
			}
			// A step changes the metadata of neighbours, deletes one and appends some.
			for i := 300 * step; i < 300*step+8; i++ {
				rec := version(fmt.Sprintf("r%05d", i), i)
				rec.Metadata = version("", i+7000).Metadata
				src.put(docs, rec)
			}
			src.remove(docs, fmt.Sprintf("r%05d", 1200+rnd.IntN(100)))
			grow(docs, 40)
		}
		want := map[chunk.ID]map[string]string{}
		for _, s := range list {
			want[s.ID] = recordsOf(t, r, s)
		}
		var copied *repo.Repository
		switch round % 3 {
		case 0: // all that the newest snapshot added, which is what there is now
			at, err := backend.Names(t.Context(), be, "packs/")
			check(t, err)
			at = slices.DeleteFunc(at, func(name string) bool { return slices.Contains(packs, name) })
			check(t, be.Remove(t.Context(), at[0]))
		case 1:
			for range 10 {
				i := rnd.IntN(1500)
				src.put(docs, version(fmt.Sprintf("r%05d", i), i+90000))
			}
			spoilPacks(t, be, rnd, 1+rnd.IntN(12))
		case 2: // there is a copy, which is damaged elsewhere
			other := be.Clone()
			spoilPacks(t, other, rnd, 4)
			opened, err := repo.Open(t.Context(), other)
			check(t, err)
			copied = opened
			spoilPacks(t, be, rnd, 1+rnd.IntN(12))
		}

		r, err := repo.Open(t.Context(), be)
		check(t, err)
		var plan repo.PackRepair
		check(t, snapshot.WithLive(t.Context(), r, src, nil, func(l *snapshot.Live) error {
			plan, err = r.RepairPacks(t.Context(), repo.PackRepairOptions{
				Copy: copied, Find: l.Find, Seek: l.Seek, Planned: func(repo.PackRepair) error { return nil },
			})
			lost := 0
			for _, x := range l.Sought() {
				if !x.Found {
					lost++
				}
				if x.Found == (x.Why != "") {
					t.Errorf("round %d: %+v", round, x)
				}
				if x.Found {
					kinds[x.Kind]++
				}
			}
			if lost != plan.Lost || len(l.Sought()) != plan.Lost+plan.Found || copied == nil && plan.Fetch != plan.Found {
				t.Errorf("round %d: %d of %d are said to be lost, and the plan is %+v", round, lost, len(l.Sought()), plan)
			}
			return err
		}))
		if round%3 == 0 && (plan.Lost != 0 || plan.Found == 0) {
			t.Errorf("round %d: all that was lost is in the database: %+v", round, plan)
		}
		taken += plan.Found
		fetched += plan.Fetch - plan.Found
		stayed += plan.Lost
		r, err = repo.Open(t.Context(), be)
		check(t, err)
		for _, s := range list {
			l, lacks, err := snapshot.FindLacking(t.Context(), r, s, nil)
			check(t, err)
			if lacks && plan.Lost == 0 {
				t.Errorf("round %d: nothing was lost, and %+v", round, l)
			}
			if !lacks {
				got := recordsOf(t, r, s)
				for id, rec := range want[s.ID] {
					if got[id] != rec {
						t.Fatalf("round %d: %s is not as it was", round, id)
					}
				}
			}
		}
	}
	for _, kind := range []chunk.Kind{chunk.Nodes, chunk.Collections, chunk.Description} {
		entries += kinds[kind]
	}
	if taken == 0 || fetched == 0 || stayed == 0 || entries == 0 || kinds[chunk.IDs] == 0 {
		t.Errorf("%d chunks came back, %d were copied, %d stayed lost; %v", taken, fetched, stayed, kinds)
	}
}

// spoilPacks changes bytes at random places of all packs.
func spoilPacks(t *testing.T, be *backend.Memory, rnd *rand.Rand, places int) {
	t.Helper()
	all, err := backend.Names(t.Context(), be, "packs/")
	check(t, err)
	for range places {
		name := all[rnd.IntN(len(all))]
		file, err := backend.LoadAll(t.Context(), be, name)
		check(t, err)
		file[5+rnd.IntN(len(file)-5)] ^= byte(1 + rnd.IntN(255))
		check(t, be.Save(t.Context(), name, file))
	}
}

func made(t *testing.T, be backend.Backend) *repo.Repository {
	t.Helper()
	r, err := repo.Init(t.Context(), be, repo.InitOptions{})
	check(t, err)
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSalvageLive: rows of several row groups that were stored as one chunk are
// lost, and one has changed since. So the chunk cannot be made again, and a new
// snapshot has all but that one's group; when it is as it was, it has everything.
func TestSalvageLive(t *testing.T) {
	be := new(backend.Memory)
	r := made(t, be)
	src := newFake()
	docs := src.create("docs")
	put := func(i, metadata int) {
		rec := version(fmt.Sprintf("r%04d", i), i)
		rec.Metadata = version("", metadata).Metadata
		src.put(docs, rec)
	}
	for i := range 1500 {
		put(i, i)
	}
	_, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
	check(t, err)
	before, err := backend.Names(t.Context(), be, "packs/")
	check(t, err)
	for _, i := range []int{10, 500, 1000} {
		put(i, i+7000)
	}
	res, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
	check(t, err)
	want := recordsOf(t, r, res.Snapshot)
	spoilKind(t, be, r, before, chunk.Metadatas)

	open := func() *repo.Repository {
		r, err := repo.Open(t.Context(), be)
		check(t, err)
		return r
	}
	put(500, 1)
	r = open()
	check(t, snapshot.WithLive(t.Context(), r, src, nil, func(l *snapshot.Live) error {
		plan, err := r.RepairPacks(t.Context(), repo.PackRepairOptions{Find: l.Find, Seek: l.Seek, Planned: func(repo.PackRepair) error { return nil }})
		if plan.Lost != 1 || plan.Found != 0 {
			t.Errorf("%+v", plan)
		}
		return err
	}))
	r = open()
	without, _, err := snapshot.FindLacking(t.Context(), r, res.Snapshot, nil)
	check(t, err)
	for _, all := range []bool{false, true} {
		check(t, snapshot.WithLive(t.Context(), r, src, nil, func(live *snapshot.Live) error {
			l, lacks, err := snapshot.FindLacking(t.Context(), r, res.Snapshot, live)
			lost := l.Records()
			if !lacks || (lost == 0) != all || lost >= without.Records() || len(l.Collections[0].Taken) < 2 || err != nil {
				t.Errorf("%d records are lost, and %d without a database: %+v, %v", lost, without.Records(), l.Collections, err)
			}
			made, err := snapshot.Salvage(t.Context(), r, l, live, "")
			check(t, err)
			got := recordsOf(t, r, made)
			for id, rec := range got {
				if want[id] != rec {
					t.Errorf("%s is not as it was", id)
				}
			}
			if len(got) != len(want)-int(lost) || made.Good() != all || (made.Root.Logical == res.Snapshot.Root.Logical) != all {
				t.Errorf("%d records of %d; it is suspect: %q", len(got), len(want), made.Suspect)
			}
			return nil
		}))
		put(500, 7500)
	}
}

// TestLiveBesideLostCollection: a root of two chunks has lost one of them, and a
// column under the other is lost, too. The column is in the database.
func TestLiveBesideLostCollection(t *testing.T) {
	be := new(backend.Memory)
	r := made(t, be)
	src := newFake()
	docs, faqs := src.create("docs"), src.create("faqs")
	for i := range 600 {
		src.put(docs, version(fmt.Sprintf("r%04d", i), i))
		src.put(faqs, version(fmt.Sprintf("r%04d", i), i))
	}
	take := func() []string {
		_, err := snapshot.Take(t.Context(), r, src, snapshot.Options{})
		check(t, err)
		packs, err := backend.Names(t.Context(), be, "packs/")
		check(t, err)
		return packs
	}
	first := take()
	for i := range 300 {
		src.put(docs, version(fmt.Sprintf("r%04d", i), i+7000))
	}
	second := slices.DeleteFunc(take(), func(name string) bool { return slices.Contains(first, name) })
	spoilKind(t, be, r, second, chunk.Collections)
	spoilKind(t, be, r, first, chunk.Metadatas)

	r, err := repo.Open(t.Context(), be)
	check(t, err)
	check(t, snapshot.WithLive(t.Context(), r, src, nil, func(l *snapshot.Live) error {
		plan, err := r.RepairPacks(t.Context(), repo.PackRepairOptions{Find: l.Find, Seek: l.Seek, Planned: func(repo.PackRepair) error { return nil }})
		found := map[chunk.Kind]bool{}
		for _, x := range l.Sought() {
			found[x.Kind] = x.Found
		}
		if len(found) != 2 || found[chunk.Collections] || !found[chunk.Metadatas] || plan.Lost != 1 || plan.Found == 0 || len(l.Sought()) != plan.Lost+plan.Found {
			t.Errorf("found %v; %+v", found, plan)
		}
		return err
	}))
}

// spoilKind changes a byte of the chunks of a kind, in packs that were not there
// before.
func spoilKind(t *testing.T, be *backend.Memory, r *repo.Repository, before []string, kind chunk.Kind) {
	t.Helper()
	packs, err := r.Objects(t.Context(), "pack")
	check(t, err)
	for _, info := range packs {
		if slices.Contains(before, info.Name) {
			continue
		}
		said, err := r.Object(t.Context(), "pack", info)
		check(t, err)
		text, err := json.Marshal(said)
		check(t, err)
		var directory struct {
			Entries []struct {
				Kind           string
				Offset, Length int
			}
		}
		check(t, json.Unmarshal(text, &directory))
		file, err := backend.LoadAll(t.Context(), be, info.Name)
		check(t, err)
		for _, e := range directory.Entries {
			if e.Kind == kind.String() {
				file[e.Offset+e.Length/2] ^= 1
			}
		}
		check(t, be.Save(t.Context(), info.Name, file))
	}
}
