package guard_test

import (
	"strings"
	"testing"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// TestSpellingsOfIDs writes to a collection by its id in every form that a UUID
// has: what Chroma takes is recorded.
func TestSpellingsOfIDs(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		id := c.Collection("docs")["id"].(string)
		taken := 0
		rep := g.proxied(func(proxy string) {
			m := &migration{proxy + c.Path()}
			for i, spelt := range []string{id, strings.ToUpper(id), strings.ReplaceAll(id, "-", ""), "{" + id + "}", "%7B" + strings.ToUpper(id) + "%7D", "urn:uuid:" + id} {
				_, err := m.ask("POST", "/"+spelt+"/update", metadataOf(i, 1, "spelt"))
				if err == nil {
					taken++
				}
				t.Logf("%s: %v", spelt, err)
			}
		})
		if rep.Outcome != guard.Succeeded || taken < 2 || rep.Points != taken || rep.Unrecorded {
			t.Errorf("%s, %d writes taken, %d points, unrecorded %v", rep.Outcome, taken, rep.Points, rep.Unrecorded)
		}
	})
}
