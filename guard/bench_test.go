package guard

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/internal/hugepages"
	"autochrome/internal/process"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/tree"
)

// made is a database whose records are made of their numbers: it holds a
// million of them in no memory.
type made struct {
	restore.Target // nil: whatever is asked for besides panics
	dim            int
	changed        map[string]uint64 // by id: what a record was made of instead
	took           time.Duration     // to make what was read back
}

func (m *made) IDsWhere(context.Context, string, []byte, func([]byte) error) error { return nil }

func (m *made) ReadColumns(_ context.Context, _ string, ids [][]byte, _ []chunk.Kind, into *chunk.Records) error {
	m.took -= process.CPUTime()
	defer func() { m.took += process.CPUTime() }()
	for _, id := range ids {
		n, err := strconv.Atoi(string(id[1:]))
		if err != nil {
			return err
		}
		seed, ok := m.changed[string(id)]
		if !ok {
			seed = uint64(n)
		}
		into.Append(m.record(n, seed))
	}
	return nil
}

func (m *made) record(n int, seed uint64) chunk.Record {
	r := rand.NewChaCha8([32]byte(binary.LittleEndian.AppendUint64(make([]byte, 24), seed)))
	v := make([]float32, m.dim)
	for i := range v {
		v[i] = float32(int32(r.Uint64()))
	}
	document := fmt.Sprintf("document %d of the migration, of a few words more", seed)
	return chunk.Record{
		ID: fmt.Sprintf("r%08d", n), Embedding: v, Document: &document,
		Metadata: chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: int64(n)}}},
	}
}

func emptyRepository(t testing.TB) *repo.Repository {
	t.Helper()
	r, err := repo.Init(t.Context(), new(backend.Memory), repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// recorderOver gives a recorder over a collection of n records.
func recorderOver(b testing.TB, w *repo.Writer, m *made, n int) *recorder {
	b.Helper()
	ctx := b.Context()
	builder := tree.NewBuilder(w, m.dim)
	page := chunk.NewRecords(m.dim)
	for i := range n {
		page.Append(m.record(i, uint64(i)))
		if page.Len() == 1000 || i == n-1 {
			if err := builder.Add(ctx, page); err != nil {
				b.Fatal(err)
			}
			page.Reset(m.dim)
		}
	}
	live := chunk.Collection{ServerID: "id", Name: "docs", Description: chunk.CollectionDescription{Dimension: m.dim}}
	c := tree.Collection{Tenant: "t", Database: "d", Name: live.Name}
	var err error
	if c.Description, err = tree.SaveDescription(ctx, w, live.Description); err != nil {
		b.Fatal(err)
	}
	if c.Height, c.Top, err = builder.Finish(ctx); err != nil {
		b.Fatal(err)
	}
	root, err := tree.SaveRoot(ctx, w, []tree.Collection{c}, tree.Root{})
	if err != nil {
		b.Fatal(err)
	}
	base, err := w.SaveSnapshot(ctx, repo.Snapshot{
		Kind: repo.KindSnapshot, Source: "bench", Scope: repo.Scope{Tenant: "t", Database: "d"}, Root: root, Capture: repo.CaptureStill,
		Collections: []repo.CollectionInfo{{Name: "docs", ServerID: "id", Records: int64(n), Capture: repo.CaptureStill}},
	})
	if err != nil {
		b.Fatal(err)
	}
	r := &recorder{db: m, store: w, run: "run_bench", collections: map[string]*collection{}, last: base}
	if r.collections["id"], err = newCollection(ctx, tree.NewReader(w), live, state{Collection: c}, &state{Collection: c}); err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkPoint makes points of 100 records: appended, and updated at random
// places. AUTOCHROME_BENCH_RECORDS says of how many, with commas between.
func BenchmarkPoint(b *testing.B) {
	hugepages.Use(4 * hugepages.Needed) // as the program does
	sizes := []int{10_000, 100_000}
	if text := os.Getenv("AUTOCHROME_BENCH_RECORDS"); text != "" {
		sizes = nil
		for _, f := range bytes.Split([]byte(text), []byte(",")) {
			n, err := strconv.Atoi(string(f))
			if err != nil {
				b.Fatal(err)
			}
			sizes = append(sizes, n)
		}
	}
	const batch = 100
	for _, n := range sizes {
		for _, dim := range []int{384} {
			be, err := backend.CreateLocal(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			r, err := repo.Init(b.Context(), be, repo.InitOptions{})
			if err != nil {
				b.Fatal(err)
			}
			err = r.Write(b.Context(), func(w *repo.Writer) error {
				m := &made{dim: dim, changed: map[string]uint64{}}
				rec := recorderOver(b, w, m, n)
				next := n
				run := func(name string, ids func() []string) {
					b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
						before := w.Stats().Bytes
						groups := 0
						busy := m.took - process.CPUTime() // without reading back
						for b.Loop() {
							some := ids()
							touched := map[int64]bool{}
							for _, id := range some {
								if pl, err := rec.collections["id"].places.find([]byte(id)); err == nil && pl.flags&present != 0 {
									touched[rec.collections["id"].order.position(pl.number)/160] = true
								}
							}
							groups += len(touched)
							if err := rec.records(b.Context(), "id", some, "upsert"); err != nil {
								b.Fatal(err)
							}
						}
						busy += process.CPUTime() - m.took
						b.ReportMetric(busy.Seconds()*1000/float64(b.N), "cpu-ms/op")
						b.ReportMetric(float64(w.Stats().Bytes-before)/float64(b.N), "stored-B/op")
						b.ReportMetric(float64(groups)/float64(b.N), "groups/op")
					})
				}
				run("Append", func() []string {
					ids := make([]string, batch)
					for i := range ids {
						ids[i] = fmt.Sprintf("r%08d", next)
						next++
					}
					return ids
				})
				run("Update", func() []string {
					ids := make([]string, batch)
					for i := range ids {
						ids[i] = fmt.Sprintf("r%08d", rand.IntN(n))
						m.changed[ids[i]] = rand.Uint64()
					}
					slices.Sort(ids)
					return slices.Compact(ids)
				})
				return rec.close()
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
