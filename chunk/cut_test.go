package chunk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// cut gives the position behind each group of a level.
func cut(h *Hasher, level int, ids []string) (ends []int) {
	c := h.Cutter(level)
	for i, id := range ids {
		if c.Ends([]byte(id)) {
			ends = append(ends, i+1)
		}
	}
	if n := len(ids); n > 0 && (len(ends) == 0 || ends[len(ends)-1] != n) {
		ends = append(ends, n)
	}
	return ends
}

func uuids(r *rand.Rand, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 0x8000+r.IntN(1<<14), r.Uint64()>>16)
	}
	return ids
}

func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("doc_%06d", i)
	}
	return ids
}

func TestCutSizes(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 50_000
	}
	r := random(t)
	for name, h := range map[string]*Hasher{"plain": Plain(), "keyed": Keyed([32]byte{1, 2, 3})} {
		for kind, ids := range map[string][]string{"numbered": numbered(n), "random": uuids(r, n)} {
			for level := range 3 {
				ends := cut(h, level, ids)
				last := 0
				for i, end := range ends {
					if size := end - last; size > MaxGroup || size < MinGroup && i < len(ends)-1 {
						t.Errorf("%s, %s, level %d: a group of %d", name, kind, level, size)
					}
					last = end
				}
				if mean := float64(n) / float64(len(ends)); mean < 135 || mean > 185 {
					t.Errorf("%s, %s, level %d: %.1f elements in a group", name, kind, level, mean)
				}
			}
		}
	}
}

// What level 0 chose as last ids says nothing to level 1.
func TestCutLevelsAreIndependent(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	ids := numbered(2_000_000)
	for level := range 2 {
		var last []string
		for _, end := range cut(Plain(), level, ids) {
			last = append(last, ids[end-1])
		}
		mean := float64(len(ids)) / float64(len(last))
		t.Logf("level %d: %.1f elements in a group", level, mean)
		if level == 1 && (mean < 120 || mean > 200) {
			t.Errorf("level %d: %.1f elements in a group", level, mean)
		}
		ids = last
	}
}

// A deletion or an insertion rewrites one group, seldom two.
func TestCutRewrites(t *testing.T) {
	const n, edits = 3000, 400
	r := random(t)
	h := Plain()
	groups := func(ids []string) map[string]bool {
		set := map[string]bool{}
		start := 0
		for _, end := range cut(h, 0, ids) {
			set[strings.Join(ids[start:end], "\n")] = true
			start = end
		}
		return set
	}
	rewritten := 0
	for i := range edits {
		ids := uuids(r, n)
		before := groups(ids)
		at := r.IntN(n / 2)
		var edited []string
		if i%2 == 0 {
			edited = slices.Insert(ids, at, "new")
		} else {
			edited = slices.Delete(ids, at, at+1)
		}
		for g := range groups(edited) {
			if !before[g] {
				rewritten++
			}
		}
	}
	mean := float64(rewritten) / edits
	t.Logf("%.3f groups rewritten by an edit", mean)
	if mean >= 1.2 {
		t.Errorf("%.3f groups rewritten by an edit", mean)
	}
}

func TestCutterReset(t *testing.T) {
	ids := numbered(5000)
	want := cut(Plain(), 0, ids)
	c := Plain().Cutter(0)
	for _, id := range ids[3000:3017] { // in the middle of a group
		c.Ends([]byte(id))
	}
	c.Reset()
	for i, id := range ids[:want[0]] {
		if c.Ends([]byte(id)) != (i == want[0]-1) {
			t.Fatalf("element %d of the first group: a Cutter that was reset is not new", i)
		}
	}
}

func BenchmarkCutter(b *testing.B) {
	ids := numbered(100_000)
	c := Plain().Cutter(0)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c.Ends([]byte(ids[i%len(ids)]))
		i++
	}
}
