package guard_test

import (
	"fmt"
	"testing"

	"autochrome/guard"
	"autochrome/internal/chromatest"
	"autochrome/repo"
)

// TestLostVectors has embeddings of a cosine collection overwritten with ones that
// are too long for the server to keep: it has null in their place. That is a loss,
// through the proxy and around it, but not of records that the base had so already.
func TestLostVectors(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		for how, want := range map[string]struct {
			outcome guard.Outcome
			lost    int64
		}{
			"through": {guard.Lost, 20}, "around": {guard.Lost, 20}, "before": {guard.Succeeded, 0}, "resumed": {guard.Lost, 20},
		} {
			t.Run(how, func(t *testing.T) {
				g := newGuarded(t, chromatest.NewClient(t, c.Server))
				id := g.c.CreateCollection("cosine", map[string]any{"metadata": map[string]any{"hnsw:space": "cosine"}})
				var ids []string
				var whole, long [][]float32
				for i := range 100 {
					ids, whole, long = append(ids, fmt.Sprint("r", i)), append(whole, []float32{1, 2, float32(i)}), append(long, []float32{1e30, 1, 1})
				}
				g.c.Add(id, map[string]any{"ids": ids, "embeddings": whole})
				lose := map[string]any{"ids": ids[:20], "embeddings": long[:20]}
				spoil := func(proxy string) {
					m := &migration{proxy + g.c.Path()}
					if _, err := m.ask("POST", "/"+id+"/update", lose); err != nil {
						t.Error(err)
					}
				}
				work := map[string]func(proxy string){
					"through": spoil,
					"around":  func(string) { g.c.Update(id, lose) },
					"before": func(proxy string) {
						m := &migration{proxy + g.c.Path()}
						if _, err := m.ask("POST", "/"+id+"/update", metadataOf(0, 40, "seen")); err != nil {
							t.Error(err)
						}
					},
					"resumed": func(string) {},
				}[how]
				var resume *repo.Snapshot
				switch how {
				case "before":
					g.c.Update(id, lose)
				case "resumed":
					base := g.cutOff("")
					resume = &base
					g.c.Update(id, lose)
				}
				rep := g.proxied(work, func(o *guard.Options) { o.MaxLoss, o.Resume, o.RollbackTo = 0.05, resume, guard.BackNone })
				if rep.Outcome != want.outcome || rep.Losses[1].Lost != want.lost {
					t.Errorf("%s %s: %v", rep.Outcome, rep.Reason, rep.Losses)
				}
				if want.outcome == guard.Lost && rep.LastGood.ID != rep.Base.ID {
					t.Error("a point without vectors is a good one")
				}
			})
		}
	})
}
