package guard_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// elsewhere is a database by the names of another one, at an address of its own:
// production beside staging.
type elsewhere struct {
	live
	tenant, database string
}

type live interface{ guard.Database }

func (e *elsewhere) URL() string      { return "http://elsewhere:8000" }
func (e *elsewhere) Tenant() string   { return e.tenant }
func (e *elsewhere) Database() string { return e.database }

// cutOff gives the base of a run that began and never ended.
func (g *guarded) cutOff(source string) repo.Snapshot {
	g.Helper()
	taken, err := snapshot.Take(g.Context(), g.r, g.db, snapshot.Options{Kind: repo.KindSnapshot, Source: source, Tags: map[string]string{guard.TagBase: "true"}})
	if err != nil {
		g.Fatal(err)
	}
	return taken.Snapshot
}

// TestResumeElsewhere tries to go on with a run upon another database: it is
// refused before anything is done there, unless it is said to be the same.
func TestResumeElsewhere(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		staging := newGuarded(t, c)
		base := staging.cutOff("staging")
		production := newGuarded(t, chromatest.NewClient(t, c.Server))
		production.r = staging.r
		before := text(production.dump())
		o := production.options("fails")
		o.Resume = &base

		if _, err := guard.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is of "+c.Tenant+"/"+c.Database+" and not of ") {
			t.Errorf("another database's name: %v", err)
		}
		db := &elsewhere{production.db, c.Tenant, c.Database}
		o.Database = db
		for _, known := range []string{"", "production"} {
			if known != "" {
				if _, err := snapshot.Take(t.Context(), staging.r, db, snapshot.Options{Kind: repo.KindSnapshot, Source: known}); err != nil {
					t.Fatal(err)
				}
			}
			_, err := guard.Run(t.Context(), o)
			var other *guard.OtherSourceError
			if !errors.As(err, &other) || other.Source != "staging" || other.Known != known {
				t.Errorf("known as %q: %v", known, err)
			}
		}
		if !maps.Equal(text(production.dump()), before) {
			t.Error("the other database was changed")
		}

		// All of the run's own is gone there, which is a loss.
		o.Snapshot.Source, o.RollbackTo = "staging", guard.BackNone
		if rep := production.run(o); rep.Outcome != guard.Lost || !rep.Unrecorded {
			t.Errorf("said to be the same: %s %s", rep.Outcome, rep.Reason)
		}
	})
}

// TestResumeAfterLoss goes on with a run whose last point has lost too much: that
// is no good point.
func TestResumeAfterLoss(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		before := text(g.dump())
		o := g.options("deletes")
		o.RollbackTo = guard.BackAsk
		o.Ask = func(guard.Report) (guard.Back, error) { return "", errors.New("nobody answers") }
		rep := g.run(o)
		if rep.Outcome != guard.Lost || rep.LastGood.ID == rep.Last.ID {
			t.Fatalf("%s %s", rep.Outcome, rep.Reason)
		}
		base := rep.Base
		o = g.options("poisons")
		o.Resume, o.RollbackTo = &base, guard.BackToLastGood
		rep = g.run(o)
		if rep.Outcome != guard.ChildFailed || rep.LastGood.ID != base.ID || !rep.RolledBack {
			t.Errorf("%s, rolled back %v to %s", rep.Outcome, rep.RolledBack, rep.LastGood.DisplayID())
		}
		if !maps.Equal(text(g.dump()), before) {
			t.Error("not rolled back to what is good")
		}
	})
}

// TestResumeCountsOn goes on with a run that has points: those that come have the
// numbers by which the run knows them.
func TestResumeCountsOn(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		g := newGuarded(t, c)
		o := g.options("fails")
		o.RollbackTo = guard.BackAsk
		o.Ask = func(guard.Report) (guard.Back, error) { return "", errors.New("nobody answers") }
		base := g.run(o).Base
		c.Update(c.Collection("docs")["id"].(string), metadataOf(90, 3, "around"))
		o = g.options("good")
		o.Resume = &base
		told := map[int]repo.Snapshot{}
		o.Point = func(p guard.Point) { told[p.Number] = p.Snapshot }
		rep := g.run(o)
		ran, err := guard.FindRun(t.Context(), g.r, rep.Run)
		if err != nil {
			t.Fatal(err)
		}
		if len(told) == 0 || rep.Points != len(ran.Points) {
			t.Errorf("%d points were told and %d counted, the run has %d", len(told), rep.Points, len(ran.Points))
		}
		for n, s := range told {
			if n > len(ran.Points) || ran.Points[n-1].ID != s.ID {
				t.Errorf("point %d is not %s", n, s.DisplayID())
			}
		}
	})
}

// TestResumeMeanwhile goes on with a run that another process was at when the
// repository was opened: where it has ended it by now that is refused, and else its
// points are known.
func TestResumeMeanwhile(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, ended := range []bool{true, false} {
			t.Run(fmt.Sprint("ended ", ended), func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				be := &backend.Memory{}
				var err error
				if g.r, err = repo.Init(t.Context(), be, repo.InitOptions{}); err != nil {
					t.Fatal(err)
				}
				var early *repo.Repository
				o := g.options("fails")
				o.Started = func(string, repo.Snapshot) { early, err = repo.Open(t.Context(), be) }
				if !ended {
					o.RollbackTo = guard.BackAsk
					o.Ask = func(guard.Report) (guard.Back, error) { return "", errors.New("nobody answers") }
				}
				first := g.run(o)
				if err != nil {
					t.Fatal(err)
				}
				before := text(g.dump())
				g.r = early
				o = g.options("drops")
				o.Resume, o.MaxLoss = &first.Base, 1
				rep, err := guard.Run(t.Context(), o)
				if ended {
					var is *guard.EndedError
					if !errors.As(err, &is) || is.Run != first.Run || !maps.Equal(text(g.dump()), before) {
						t.Errorf("a run that has ended: %v", err)
					}
					return
				}
				ran, err2 := guard.FindRun(t.Context(), g.r, first.Run)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				if rep.Unrecorded || rep.Points <= first.Points || rep.Points != len(ran.Points) || *ran.Points[first.Points].Parent != first.Last.ID {
					t.Errorf("%d points behind %d, unrecorded %v", rep.Points, first.Points, rep.Unrecorded)
				}
			})
		}
	})
}
