package repo

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"autochrome/chunk"
)

// randomPast makes up to 60 snapshots of two sources, in the order of
// Snapshots; own clocks are right, or wrong by anything where wrong is set.
func randomPast(rng *rand.Rand, wrong, points bool) (list []Snapshot, notes map[chunk.ID]Notes) {
	notes = map[chunk.ID]Notes{}
	at := present.AddDate(-2, 0, 0)
	for i := range 1 + rng.IntN(60) {
		at = at.Add(time.Duration(rng.ExpFloat64() * float64(present.Sub(at)) / 30))
		s := snapshotOf()
		s.ID = chunk.ID{0: 1, 31: byte(i)}
		s.Source = []string{"shop", "news"}[rng.IntN(2)]
		s.Stored, s.Time = at, at
		if wrong && rng.IntN(4) == 0 {
			s.Time = present.Add(time.Duration((rng.Float64() - 0.7) * 4 * 365 * 24 * float64(time.Hour)))
		}
		n := Notes{}
		if rng.IntN(3) == 0 {
			n[KeySuspect] = Annotation{}
		}
		if rng.IntN(12) == 0 {
			n[KeyHold] = Annotation{}
		}
		if rng.IntN(5) == 0 {
			n[TagKey("k")] = Annotation{}
		}
		if rng.IntN(8) == 0 {
			s.Kind = KindPreRollback
		}
		if points && s.Kind == KindSnapshot && rng.IntN(2) == 0 {
			if base := where(list, func(x Snapshot) bool { return x.Tags != nil && x.Source == s.Source }); len(base) > 0 && rng.IntN(3) > 0 {
				s.Kind, s.Run = KindPoint, RunName(base[rng.IntN(len(base))])
			} else {
				s.Tags = map[string]string{TagRunBase: "true"}
				delete(n, KeySuspect)
				if rng.IntN(2) == 0 {
					n[KeyRunEnded] = Annotation{}
				}
			}
		}
		notes[s.ID] = n
		list = append(list, s)
	}
	return list, notes
}

func randomPolicy(rng *rand.Rand) (p Policy) {
	for _, n := range []*int{&p.Last, &p.Hourly, &p.Daily, &p.Weekly, &p.Monthly, &p.Yearly} {
		if rng.IntN(3) == 0 {
			*n = rng.IntN(6) - 1
		}
	}
	if rng.IntN(3) == 0 {
		p.Age = time.Duration(rng.IntN(400*24)) * time.Hour
	}
	if rng.IntN(3) == 0 {
		p.Within = Period{rng.IntN(2), rng.IntN(6), rng.IntN(40), rng.IntN(24)}
	}
	if rng.IntN(4) == 0 {
		p.Tags = []TagRule{{Name: "k"}}
	}
	return p
}

func idsOf(list []Snapshot) map[chunk.ID]bool {
	ids := map[chunk.ID]bool{}
	for _, s := range list {
		ids[s.ID] = true
	}
	return ids
}

// What must be true of every policy and every past.
func TestRetentionProperties(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 600 {
		p := randomPolicy(rng)
		list, notes := randomPast(rng, true, true)
		kept := keptBy(p, list, notes)
		is := idsOf(kept)
		fail := func(what string, s Snapshot) {
			t.Fatalf("seed %d, case %d, %+v: %s: %v of %s, %s", seed, i, p, what, s.ID, s.Source, s.Kind)
		}
		good := func(s Snapshot) bool { return notes[s.ID].Suspect(s) == "" }

		for _, group := range grouped(list) {
			if last, lastGood := lastsOf(group, notes); last != nil && !is[last.ID] || lastGood != nil && !is[lastGood.ID] {
				fail("the last one is gone", group[0])
			}
		}
		lastBefore := map[string]Snapshot{}
		for _, s := range list {
			if _, held := notes[s.ID].Held(); held && !is[s.ID] {
				fail("held, and gone", s)
			}
			if s.Kind == KindPreRollback {
				lastBefore[s.Source] = s
			}
		}
		for _, s := range lastBefore {
			if !is[s.ID] {
				fail("the state before the last rollback is gone", s)
			}
		}
		for id, r := range runsOf(list, notes) {
			if !r.ended && (!is[r.base.ID] || r.last != nil && !is[r.last.ID]) {
				fail("base or last point is gone of run "+id, *r.base)
			}
		}
		if again := keptBy(p, kept, notes); len(again) != len(kept) {
			fail("cleaning up again removes more", list[0])
		}
		// More rules keep more.
		more := p
		more.Last, more.Age = 4, max(p.Age, week)
		if p.Last != Unlimited && p.Last <= 4 {
			m := idsOf(keptBy(more, list, notes))
			for _, s := range kept {
				if !m[s.ID] {
					fail("more rules keep less", s)
				}
			}
		}
		// Good ones are kept as if there were no suspect ones.
		m := idsOf(keptBy(p, slices.DeleteFunc(slices.Clone(list), func(s Snapshot) bool { return !good(s) && s.Kind != KindPreRollback }), notes))
		for _, s := range list {
			if good(s) && m[s.ID] && !is[s.ID] {
				fail("a suspect one pushed it out", s)
			}
		}
	}
}

// Whatever the writers' clocks say, what is kept by the store's clock is kept,
// and the other way round.
func TestRetentionWrongClocks(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range 300 {
		p := randomPolicy(rng)
		list, notes := randomPast(rng, true, false)
		is := idsOf(keptBy(p, list, notes))
		for name, clock := range map[string]func(*Snapshot){
			"the store": func(s *Snapshot) { s.Time = s.Stored },
			"writers":   func(s *Snapshot) { s.Stored = s.Time },
		} {
			one := slices.Clone(list)
			for j := range one {
				clock(&one[j])
			}
			for _, s := range keptBy(p, one, notes) {
				if !is[s.ID] {
					t.Fatalf("seed %d, case %d, %+v: kept by the clock of %s, and not by both: %v", seed, i, p, name, s.ID)
				}
			}
		}
	}
}
