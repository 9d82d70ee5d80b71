package guard

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// BenchmarkManyPoints makes points of ten records each and then opens the
// repository. AUTOCHROME_BENCH_POINTS says how many.
func BenchmarkManyPoints(b *testing.B) {
	points := 1000
	if text := os.Getenv("AUTOCHROME_BENCH_POINTS"); text != "" {
		var err error
		if points, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		folder := b.TempDir()
		be, err := backend.CreateLocal(folder)
		if err != nil {
			b.Fatal(err)
		}
		r, err := repo.Init(b.Context(), be, repo.InitOptions{})
		if err != nil {
			b.Fatal(err)
		}
		begun := time.Now()
		err = r.Write(b.Context(), func(w *repo.Writer) error {
			rec := recorderOver(b, w, &made{dim: 8}, 1000)
			for i := range points {
				ids := make([]string, 10)
				for k := range ids {
					ids[k] = fmt.Sprintf("r%08d", 1000+10*i+k)
				}
				if err := rec.records(b.Context(), "id", ids, "upsert"); err != nil {
					return err
				}
			}
			return rec.close()
		})
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(begun)
		objects, err := backend.Names(b.Context(), be, "")
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		if be, err = backend.OpenLocal(folder); err != nil {
			b.Fatal(err)
		}
		begun = time.Now()
		if r, err = repo.Open(b.Context(), be); err != nil {
			b.Fatal(err)
		}
		list, err := r.Snapshots(b.Context())
		if err != nil || len(list) != points+1 {
			b.Fatalf("%d snapshots: %v", len(list), err)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(took.Seconds()*1e3/float64(points), "ms/point")
		b.ReportMetric(float64(len(objects)), "objects")
		b.ReportMetric(time.Since(begun).Seconds(), "open-and-list-s")
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
