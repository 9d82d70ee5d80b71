package guard_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// TestPointsCannotBeStored guards a migration that makes a collection, into a
// repository that takes no point: it is rolled back, and what it made goes.
func TestPointsCannotBeStored(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for _, durability := range []time.Duration{0, time.Hour} {
			t.Run(durability.String(), func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				full := func(op *faulty.Op, next func() error) error {
					if op.Kind == faulty.Save && strings.HasSuffix(op.Name, ".pack") {
						return errors.New("no space left")
					}
					return next()
				}
				var err error
				if g.r, err = repo.Init(t.Context(), faulty.Wrap(new(backend.Memory), full), repo.InitOptions{}); err != nil {
					t.Fatal(err)
				}
				rep := g.proxied(func(proxy string) {
					m := &migration{proxy + g.c.Path()}
					if _, err := m.ask("POST", "", map[string]any{"name": "own"}); err != nil {
						t.Error(err)
					}
				}, func(o *guard.Options) { o.Durability = durability })
				if rep.Outcome != guard.Unrecorded || rep.Writes != 1 || !rep.RolledBack {
					t.Errorf("%s %s, %d writes, rolled back %v: %v", rep.Outcome, rep.Reason, rep.Writes, rep.RolledBack, rep.RollbackFail)
				}
				if g.there("own") {
					t.Error("what the run made is still there")
				}
			})
		}
	})
}
