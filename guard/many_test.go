package guard

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/tree"
)

// manyPoints makes points of ten records each, as a run does.
func manyPoints(ctx context.Context, tb testing.TB, r *repo.Repository, points int) error {
	return r.Write(ctx, func(w *repo.Writer) error {
		rec := recorderOver(tb, w, &made{dim: 8}, 1000)
		for i := range points {
			ids := make([]string, 10)
			for k := range ids {
				ids[k] = fmt.Sprintf("r%08d", 1000+10*i+k)
			}
			if err := rec.records(ctx, "id", ids, "upsert"); err != nil {
				return err
			}
		}
		rec.sealRest(ctx)
		return rec.close()
	})
}

// TestManyPoints: however many points there are, few objects are left.
func TestManyPoints(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r, err := repo.Init(ctx, m, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const points = sealPoints + sealFew + 5
	if err := manyPoints(ctx, t, r, points); err != nil {
		t.Fatal(err)
	}
	names, err := backend.Names(ctx, m, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) > 20 {
		t.Errorf("%d objects: %v", len(names), names)
	}
	for _, r := range []*repo.Repository{r, reopened(t, m)} {
		list, err := r.Snapshots(ctx)
		if err != nil || len(list) != points+1 {
			t.Fatalf("%d snapshots: %v", len(list), err)
		}
		for i, s := range list {
			if want := int64(1000 + 10*i); s.Root.Records != want {
				t.Fatalf("point %d has %d records, want %d", i, s.Root.Records, want)
			}
		}
		cs, err := tree.NewReader(r).Collections(ctx, list[points/2].Root)
		if err != nil {
			t.Fatal(err)
		}
		bad := func(d tree.Damage) error { return d.Err }
		if err := tree.Verify(ctx, tree.NewReader(r), cs[0], func(error) bool { return true }, func(tree.Group, int) {}, bad); err != nil {
			t.Error(err)
		}
	}
}

func reopened(t *testing.T, be backend.Backend) *repo.Repository {
	t.Helper()
	r, err := repo.Open(t.Context(), be)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

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
		err = manyPoints(b.Context(), b, r, points)
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
