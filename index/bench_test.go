package index

import (
	"os"
	"runtime"
	"strconv"
	"testing"

	"autochrome/chunk"
)

// benchPacks gives n chunks in packs of 100, as 8 MiB of embeddings and texts
// make them.
func benchPacks(b *testing.B, n int) []Pack {
	src := seeded(b)
	packs := make([]Pack, 0, n/100)
	for range n / 100 {
		packs = append(packs, randomPack(src, 100, func() chunk.ID { return randomID(src) }))
	}
	return packs
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkLookup looks up one of a million chunks that are there.
func BenchmarkLookup(b *testing.B) {
	const n = 1_000_000
	packs := benchPacks(b, n)
	before := heap()
	x := new(Index)
	for i := 0; i < len(packs); i += 600 { // as Refresh does
		x.Add(packs[i:min(i+600, len(packs))]...)
	}
	bytes := heap() - before
	ids := make([]chunk.ID, 0, n)
	for _, p := range packs {
		for _, e := range p.Entries {
			ids = append(ids, e.ID)
		}
	}
	b.Run("found", func(b *testing.B) {
		for i := range b.N {
			if !x.Has(ids[i*7919%n]) {
				b.Fatal("not there")
			}
		}
		b.ReportMetric(float64(bytes)/n, "bytes/chunk")
	})
	b.Run("absent", func(b *testing.B) {
		for i := range b.N {
			id := ids[i*7919%n]
			id[31]++
			if x.Has(id) {
				b.Fatal("there")
			}
		}
	})
	runtime.KeepAlive(x)
}

// BenchmarkAdd adds a million chunks pack by pack, as a Writer does, and in
// large batches, as opening does.
func BenchmarkAdd(b *testing.B) {
	packs := benchPacks(b, 1_000_000)
	for name, step := range map[string]int{"one pack": 1, "many packs": 600} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				x := new(Index)
				before := heap()
				b.ResetTimer()
				for i := 0; i < len(packs); i += step {
					x.Add(packs[i:min(i+step, len(packs))]...)
				}
				b.StopTimer()
				b.ReportMetric(float64(heap()-before)/1e6, "bytes/chunk")
				b.StartTimer()
				runtime.KeepAlive(x)
			}
		})
	}
}

// BenchmarkDecodeFile reads index files of a million chunks.
func BenchmarkDecodeFile(b *testing.B) {
	packs := benchPacks(b, 1_000_000)
	var files [][]byte
	for i := 0; i < len(packs); i += 64 {
		files = append(files, AppendFile(nil, packs[i:min(i+64, len(packs))]))
	}
	b.ResetTimer()
	for range b.N {
		for _, f := range files {
			if _, err := DecodeFile(f); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e6, "ns/chunk")
}

// BenchmarkMemory fills an index as opening a repository does, with
// AUTOCHROME_BENCH_CHUNKS chunks (a million without it), and reports what it
// keeps and what it takes at most.
func BenchmarkMemory(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("AUTOCHROME_BENCH_CHUNKS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	src := seeded(b)
	for range b.N {
		before := heap()
		x := new(Index)
		var most int64
		for i := range n / 60_000 {
			packs := make([]Pack, 0, 600) // as Refresh does
			for range 600 {
				packs = append(packs, randomPack(src, 100, func() chunk.ID { return randomID(src) }))
			}
			x.Add(packs...)
			if i%10 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, int64(m.HeapInuse))
			}
		}
		kept := heap() - before
		b.ReportMetric(float64(kept)/float64(x.Len()), "bytes/chunk")
		b.ReportMetric(float64(most)/float64(x.Len()), "peak-bytes/chunk")
		b.ReportMetric(float64(x.Len()), "chunks")
		runtime.KeepAlive(x)
	}
}
