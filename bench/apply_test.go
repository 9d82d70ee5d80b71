package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// points is how many snapshots are taken one after the other.
const points = 500

// BenchmarkApply500 takes five hundred snapshots by tree.Apply, each of one
// changed record: by turns in what changes, and in how they are saved, as point
// packs or as snapshots. A snapshot may store 2.5 times the changed row and
// 2 kB; over is what it stores beyond.
func BenchmarkApply500(b *testing.B) {
	w := newWorld(b)
	for _, what := range []struct {
		name   string
		kind   chunk.Kind
		change func(r *rand.Rand, rec *chunk.Record, i int)
	}{
		{"Embedding", chunk.Embeddings, func(r *rand.Rand, rec *chunk.Record, _ int) {
			rec.Embedding = randomUnit(r, len(rec.Embedding))
		}},
		{"Metadata", chunk.Metadatas, func(_ *rand.Rand, rec *chunk.Record, i int) {
			rec.Metadata[0].Value = chunk.Value{Type: chunk.Int, Int: int64(1_000_000 + i)}
		}},
	} {
		for _, save := range []struct {
			name string
			save func(w *repo.Writer, b *testing.B, s repo.Snapshot) (repo.Snapshot, error)
		}{
			{"Point", func(w *repo.Writer, b *testing.B, s repo.Snapshot) (repo.Snapshot, error) {
				return w.SavePoint(b.Context(), s)
			}},
			{"Snapshot", func(w *repo.Writer, b *testing.B, s repo.Snapshot) (repo.Snapshot, error) {
				return w.SaveSnapshot(b.Context(), s)
			}},
		} {
			b.Run(what.name+"/"+save.name, func(b *testing.B) {
				for b.Loop() {
					w.copyOf(b, w.first, func(folder string) {
						before := files(b, folder)
						r := openRepo(b, folder)
						begun := time.Now()
						changed := applyAll(b, r, w.snapshot, what.kind, what.change, save.save)
						took := time.Since(begun)
						if err := r.Close(); err != nil {
							b.Fatal(err)
						}
						bytes := sum(added(b, folder, before))
						report(b,
							figure{float64(bytes) / points, "stored-B"},
							figure{float64(changed) / points, "changed-B"},
							figure{2.5*float64(changed)/points + 2000, "allowed-B"},
							figure{took.Seconds() * 1e3 / points, "ms"})
					})
				}
			})
		}
	}
}

// applyAll makes the snapshots and gives the length of the rows that changed.
func applyAll(b *testing.B, r *repo.Repository, first repo.Snapshot, kind chunk.Kind,
	change func(*rand.Rand, *chunk.Record, int), save func(*repo.Writer, *testing.B, repo.Snapshot) (repo.Snapshot, error)) (changed int64) {
	b.Helper()
	ctx := b.Context()
	random := rand.New(rand.NewPCG(500, 7))
	cs, err := tree.NewReader(r).Collections(ctx, first.Root)
	if err != nil {
		b.Fatal(err)
	}
	largest := 0
	for i, c := range cs {
		if c.Top.Count > cs[largest].Top.Count {
			largest = i
		}
	}
	places := random.Perm(int(cs[largest].Top.Count))[:points]
	records := recordsAt(b, tree.NewReader(r), cs[largest], places)
	err = r.Write(ctx, func(w *repo.Writer) error {
		last := first
		for i, at := range places {
			rec := records[at]
			change(random, &rec, i)
			one := chunk.NewRecords(len(rec.Embedding))
			one.Append(rec)
			changed += int64(one.Column(kind).Bytes())
			c := &cs[largest]
			c.Height, c.Top, err = tree.Apply(ctx, w, *c, len(rec.Embedding), []tree.Splice{{At: int64(at), Remove: 1, Insert: one}})
			if err != nil {
				return err
			}
			s := repo.Snapshot{
				Kind: repo.KindPoint, Time: time.Now(), Run: "bench", Source: last.Source, Scope: last.Scope, Parent: &last.ID,
				Capture: last.Capture, Collections: last.Collections, Server: last.Server, Command: last.Command,
				Host: last.Host, User: last.User, Version: last.Version,
			}
			if s.Root, err = tree.SaveRoot(ctx, w, cs, last.Root); err != nil {
				return err
			}
			if last, err = save(w, b, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return changed
}

// recordsAt gives the records at these places.
func recordsAt(b *testing.B, r *tree.Reader, c tree.Collection, places []int) map[int]chunk.Record {
	b.Helper()
	wanted := map[int]bool{}
	for _, at := range places {
		wanted[at] = true
	}
	out := map[int]chunk.Record{}
	err := r.Groups(b.Context(), c, func(start int64, g tree.Group) error {
		recs, err := r.Records(b.Context(), g)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			if at := int(start) + i; wanted[at] {
				if out[at], err = recs.Record(i); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}
