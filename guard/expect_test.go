package guard_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// replaces writes the first n records of docs to docs-v2, and deletes docs.
func replaces(n int) func(*migration) error {
	return func(m *migration) error {
		c, err := m.ask("POST", "", map[string]any{"name": "docs-v2"})
		if err != nil {
			return err
		}
		var ids []string
		var vs, ds []any
		for i := range n {
			ids, vs, ds = append(ids, fmt.Sprint("r", i)), append(vs, []float32{float32(i), 1}), append(ds, fmt.Sprint("document ", i))
		}
		if _, err := m.ask("POST", "/"+c["id"].(string)+"/add", map[string]any{"ids": ids, "embeddings": vs, "documents": ds}); err != nil {
			return err
		}
		_, err = m.ask("DELETE", "/docs", nil)
		return err
	}
}

func init() {
	migrations["replaces"] = func(m *migration) error {
		return errors.Join(replaces(100)(m), errors.New("it fails in the end"))
	}
	migrations["replaces few"] = replaces(10)
}

// TestLastGoodReplaced guards migrations that replace a collection, as they are
// expected to, and fail. Only at the end, or where the run goes on after it was cut
// off, it is known whether that has lost too much.
func TestLastGoodReplaced(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, test := range []struct {
			what  string
			cut   bool // off, and it goes on with a migration that fails at once
			how   guard.Outcome
			point int // the last good one of three
		}{
			{"replaces few", false, guard.Lost, 2},
			{"replaces few", true, guard.ChildFailed, 0},
			{"replaces", false, guard.ChildFailed, 3},
			{"replaces", true, guard.ChildFailed, 3},
		} {
			t.Run(fmt.Sprintf("%s, cut off %v", test.what, test.cut), func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				before := text(g.dump())
				o := g.options(test.what)
				o.Expect = map[string]string{"docs": "docs-v2"}
				o.RollbackTo = guard.BackToLastGood
				if test.cut {
					cut := o
					cut.RollbackTo = guard.BackAsk
					cut.Ask = func(guard.Report) (guard.Back, error) { return "", errors.New("nobody answers") }
					base := g.run(cut).Base
					o.Resume, o.Env = &base, g.options("poisons").Env // which does not find docs
				}
				rep := g.run(o)
				if rep.Outcome != test.how || !rep.RolledBack || rep.Points != 3 {
					t.Fatalf("%s %q, rolled back %v %v, %d points", rep.Outcome, rep.Reason, rep.RolledBack, rep.RollbackFail, rep.Points)
				}
				ran, err := guard.FindRun(t.Context(), g.r, rep.Run)
				if err != nil {
					t.Fatal(err)
				}
				good, err := ran.Point(fmt.Sprint(test.point))
				if err != nil || rep.LastGood.ID != good.ID {
					t.Errorf("the last good point is %s and not number %d, %v", rep.LastGood.DisplayID(), test.point, err)
				}
				if test.point == 3 {
					if g.there("docs") || !g.there("docs-v2") {
						t.Error("what is good was not left alone")
					}
				} else if !maps.Equal(text(g.dump()), before) {
					t.Error("not rolled back to what is good")
				}
			})
		}
	})
}
