package guard_test

import (
	"context"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/guard"
	"autochrome/internal/chromatest"
)

// panics is a database of which a read panics, once: that of records, or where a
// filter selects.
type panics struct {
	live
	filter  bool
	already atomic.Bool
}

func (p *panics) ReadColumns(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, into *chunk.Records) error {
	if !p.filter && !p.already.Swap(true) {
		panic("it is out of range")
	}
	return p.live.ReadColumns(ctx, serverID, ids, kinds, into)
}

func (p *panics) IDsWhere(ctx context.Context, serverID string, filter []byte, fn func(id []byte) error) error {
	if p.filter && !p.already.Swap(true) {
		panic("it is out of range")
	}
	return p.live.IDsWhere(ctx, serverID, filter, fn)
}

// TestFault guards a migration while our own code panics: the run ends, and is rolled
// back.
func TestFault(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for what, change := range map[string]func(*guard.Options){
			"before a write": func(o *guard.Options) { o.Database = &panics{live: o.Database, filter: true} },
			"after a write":  func(o *guard.Options) { o.Database = &panics{live: o.Database} },
			"as a point is made": func(o *guard.Options) {
				var already atomic.Bool
				o.Durability = time.Millisecond
				o.Point = func(guard.Point) {
					if !already.Swap(true) {
						panic("it is out of range")
					}
				}
			},
		} {
			t.Run(what, func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				before := text(g.dump())
				o := g.options("good")
				change(&o)
				rep := g.run(o)
				if rep.Outcome != guard.Unrecorded || !rep.RolledBack {
					t.Errorf("%s, rolled back %v: %v", rep.Outcome, rep.RolledBack, rep.RollbackFail)
				}
				if why := "autochrome has a fault (it is out of range in autochrome/guard_test."; !strings.Contains(rep.Reason, why) {
					t.Errorf("the reason is %q, want %q", rep.Reason, why)
				}
				if !maps.Equal(text(g.dump()), before) {
					t.Error("not everything is as it was")
				}
			})
		}
	})
}
