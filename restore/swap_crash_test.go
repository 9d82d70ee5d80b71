package restore_test

import (
	"slices"
	"strings"
	"testing"

	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// TestSwapCrashes kills a swap after every change of Chroma, and demands each time that the same command finishes it and leaves
// nothing beside, and that a reader never finds a half state.
func TestSwapCrashes(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		x := newCrashes(t, c)
		whole := map[string][]int{} // by collection: how many records it may have
		for _, name := range []string{"first", "second"} {
			whole[name] = []int{len(c.Dump(name)), 0}
		}
		for key := range x.want {
			if name, _, _ := strings.Cut(key, "\x00"); whole[name] != nil {
				whole[name][1]++
			}
		}
		found := map[string]int{} // states that a kill left
		for at := 1; ; at++ {
			finished := x.child(t, "swap "+x.good.DisplayID(), at)
			r := x.open(t, at)
			live, err := x.db.Collections(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			there := 0
			for _, l := range live {
				if counts := whole[l.Name]; counts != nil {
					there++
					if n := c.Count(l.ServerID); !slices.Contains(counts, n) {
						t.Fatalf("event %d: %s has %d records", at, l.Name, n)
					}
				}
				for _, beside := range []string{"-swap-", "-old-"} {
					if strings.Contains(l.Name, "-autochrome"+beside) {
						found[beside]++
					}
				}
			}
			if there < 2 {
				found["gap"]++
			}
			// What was cut off in the gap is made good by any rollback.
			swap := there == 2 || c.Server.Version == chromatest.Newest
			rep, err := restore.Rollback(t.Context(), r, x.db, x.good, restore.Options{DropExtra: true, Swap: swap})
			if err != nil || !rep.Verified() {
				t.Fatalf("event %d: %v, %+v", at, err, rep.Compared)
			}
			x.same(t, at)
			if n := collections(t, x.db); n != 3 {
				t.Fatalf("event %d: %d collections are there", at, n)
			}
			x.rollback(t, r, x.bad, at)
			if finished {
				break
			}
		}
		t.Logf("kills left %v", found)
		for _, state := range []string{"-swap-", "-old-", "gap"} {
			if found[state] == 0 {
				t.Errorf("no kill left %q", state)
			}
		}
	})
}
