package guard_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

func (g *guarded) there(name string) bool {
	g.Helper()
	status, _ := g.c.Server.Do(g.T, "GET", g.c.Path(name), nil)
	return status == http.StatusOK
}

// TestForeignCollections has others make collections while a migration goes on
// that fails: between two points, before the migration makes one of its own, and at
// the end. They stay and are named, and what the run made goes; also in a run that is
// cut off in between and goes on.
func TestForeignCollections(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprint("cut off ", cut), func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				before := text(g.dump())
				make := func(name string) {
					g.c.Add(g.c.CreateCollection(name, nil), map[string]any{"ids": []string{"x"}, "embeddings": [][]float32{{1, 2}}})
				}
				o := g.options("fails")
				o.Point = func(p guard.Point) {
					switch {
					case p.Number == 2:
						make("early")
					case strings.HasPrefix(p.Request, "create a collection"):
						make("late")
					}
				}
				if cut {
					o.RollbackTo = guard.BackAsk
					o.Ask = func(guard.Report) (guard.Back, error) { return "", fmt.Errorf("nobody answers") }
				}
				rep := g.run(o)
				if cut {
					base := rep.Base
					o = g.options("poisons")
					o.Resume = &base
					rep = g.run(o)
				}
				if rep.RolledBack || rep.RollbackFail == nil || rep.RollbackFail.Error() != "collections that the run did not make were kept: early, late" {
					t.Errorf("rolled back %v: %v", rep.RolledBack, rep.RollbackFail)
				}
				ran, err := guard.FindRun(t.Context(), g.r, rep.Run)
				if err != nil || !strings.Contains(ran.Ended, "rolled back to "+rep.Base.DisplayID()) {
					t.Errorf("the run ended with %q, %v", ran.Ended, err)
				}
				if !g.there("early") || !g.there("late") {
					t.Error("what others made is gone")
				}
				if g.there("left-over") {
					t.Error("what the run made is still there")
				}
				if !maps.Equal(text(g.dump()), before) {
					t.Error("not everything else is as it was")
				}
			})
		}
	})
}
