package bench

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// stored is what a snapshot left on disk, its audit entry included.
type stored struct {
	bytes  int64
	chunks storedChunks
}

// cost changes the database, and says what a snapshot then adds to a
// repository that has the first one.
func (w *world) cost(b *testing.B, change func()) (s stored) {
	b.Helper()
	change()
	w.copyOf(b, w.first, func(folder string) {
		before := files(b, folder)
		w.take(b, folder)
		new := added(b, folder, before)
		s = stored{sum(new), chunksOf(b, folder, new)}
	})
	return s
}

// BenchmarkFirstSize is what the first snapshot takes on disk.
func BenchmarkFirstSize(b *testing.B) {
	w := newWorld(b)
	peer := w.peer(b)
	for b.Loop() {
		all := files(b, w.first)
		report(b, figure{mega(sum(all)), "stored-MB"})
		b.Logf("%s; chunks of the columns: %.2f MB", dataset(), mega(chunksOf(b, w.first, all).columns()))
	}
	if peer != nil {
		b.ReportMetric(mega(sum(files(b, peer.repository))), "restic-MB")
	}
}

// BenchmarkMetadataKey sets one metadata key on all records.
func BenchmarkMetadataKey(b *testing.B) {
	w := newWorld(b)
	peer := w.peer(b)
	for b.Loop() {
		s := w.cost(b, func() {
			c := w.client(b)
			for _, known := range workload {
				id := w.collections[known.name]
				for ids := range slices.Chunk(w.ids(b, id), 1000) {
					c.Update(id, map[string]any{"ids": ids, "metadatas": repeat(len(ids), map[string]any{"schema_version": 2})})
				}
			}
		})
		report(b, figure{kilo(s.bytes), "stored-kB"}, figure{float64(s.chunks.count[chunk.Embeddings]), "embedding-chunks"})
	}
	peer.add(b, w)
	w.back(b)
}

// BenchmarkAppend100 adds a hundred records to one collection. Beside it
// stands what the same records take by themselves: the columns' chunks of a
// snapshot that has no others.
func BenchmarkAppend100(b *testing.B) {
	w := newWorld(b)
	peer := w.peer(b)
	known := workload[0]
	lines := readWorkload(b, known.name, known.records+appended)[known.records:]
	for b.Loop() {
		alone := &world{server: w.server, folder: w.folder}
		alone.tenant, alone.database = chromatest.Database(b, w.server)
		load(b, alone.client(b), known.name, lines)
		folder := filepath.Join(w.folder, "alone")
		alone.take(b, folder)
		own := chunksOf(b, folder, files(b, folder)).columns()

		s := w.cost(b, func() { w.client(b).Add(w.collections[known.name], body(lines)) })
		report(b,
			figure{float64(s.bytes) / float64(own), "×own-size"},
			figure{kilo(s.bytes), "stored-kB"}, figure{kilo(own), "own-kB"})
	}
	peer.add(b, w)
	w.back(b)
}

// BenchmarkEmbeddings1Percent replaces 98 embeddings at random places.
func BenchmarkEmbeddings1Percent(b *testing.B) {
	w := newWorld(b)
	peer := w.peer(b)
	for b.Loop() {
		s := w.cost(b, func() { w.onePercent(b) })
		report(b, figure{kilo(s.bytes), "stored-kB"}, figure{float64(s.bytes) / (98 * 1536), "×changed"})
	}
	peer.add(b, w)
	w.back(b)
}

// onePercent gives 98 records at random places new embeddings.
func (w *world) onePercent(b *testing.B) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 98))
	type place struct{ collection, id string }
	var all []place
	for _, known := range workload {
		for _, id := range w.ids(b, w.collections[known.name]) {
			all = append(all, place{w.collections[known.name], id})
		}
	}
	ids := map[string][]string{}
	for _, i := range r.Perm(len(all))[:98] {
		ids[all[i].collection] = append(ids[all[i].collection], all[i].id)
	}
	for _, known := range workload {
		id := w.collections[known.name]
		if len(ids[id]) == 0 {
			continue
		}
		var embeddings []string
		for range ids[id] {
			embeddings = append(embeddings, text(randomUnit(r, 384)))
		}
		w.client(b).Update(id, map[string]any{"ids": ids[id], "embeddings": embeddings})
	}
}

// ids lists a collection's ids.
func (w *world) ids(b *testing.B, collection string) []string {
	b.Helper()
	status, answer := w.server.Do(b, "POST", w.client(b).Path(collection, "get"), map[string]any{"include": []string{}})
	var all struct{ IDs []string }
	if err := json.Unmarshal(answer, &all); err != nil || status != 200 {
		b.Fatalf("list ids: %d %v", status, err)
	}
	return all.IDs
}

func repeat(n int, v any) []any { return slices.Repeat([]any{v}, n) }
