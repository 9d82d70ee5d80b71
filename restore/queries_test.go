package restore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// scattered are records with random vectors, of which some are the same.
func scattered(rnd *rand.Rand, n, dim int) map[string]any {
	var ids []string
	var vs []any
	for i := range n {
		v := make([]float32, dim)
		for k := range v {
			v[k] = float32(rnd.NormFloat64())
		}
		if i%100 == 0 {
			clear(v)
			v[0] = 1
		}
		ids, vs = append(ids, fmt.Sprintf("r%04d", i)), append(vs, v)
	}
	return map[string]any{"ids": ids, "embeddings": vs}
}

func checkOf(t *testing.T, rep restore.Report, name string) restore.QueryCheck {
	t.Helper()
	for _, q := range rep.Queries {
		if q.Collection == name {
			return q
		}
	}
	t.Fatalf("no queries of %s: %+v", name, rep.Queries)
	return restore.QueryCheck{}
}

// TestQueries asks real servers in every space: the index of what was brought
// back finds each record, and nearly all of the nearest.
func TestQueries(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		db, r := opened(t, c, c.Server.URL())
		const records, dim = 500, 12
		ids := map[string]string{}
		for _, space := range []string{"l2", "ip", "cosine"} {
			ids[space] = c.CreateCollection("in-"+space, map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": space}}})
			c.Add(ids[space], scattered(rnd, records, dim))
		}
		few := c.CreateCollection("few", nil)
		c.Add(few, scattered(rnd, 4, dim))
		c.CreateCollection("empty", nil)
		good := taken(t, r, db)

		other := scattered(rnd, records, dim)
		for _, space := range []string{"l2", "cosine"} {
			c.Update(ids[space], map[string]any{"ids": other["ids"].([]string)[:200], "embeddings": other["embeddings"].([]any)[:200]})
			c.Delete(ids[space], map[string]any{"ids": other["ids"].([]string)[300:350]})
		}
		c.DeleteCollection("in-ip")
		rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Queries: 40})
		if err != nil || !rep.Verified() || len(rep.Queries) != 5 {
			t.Fatalf("%v %+v", err, rep.Queries)
		}
		for _, space := range []string{"l2", "ip", "cosine"} {
			q := checkOf(t, rep, "in-"+space)
			if q.Broken() != "" || q.Space != space || q.Queries != 40 || q.After == nil || *q.After < 0.97 || *q.After > 1.000001 {
				t.Errorf("%+v %v: %s", q, q.After, q.Broken())
			}
			if (q.Before == nil) != (space == "ip") || q.Before != nil && *q.Before < 0.97 {
				t.Errorf("%s before: %v", space, *q.Before)
			}
		}
		if q := checkOf(t, rep, "few"); q.Queries != 4 || *q.After != 1 || q.Broken() != "" {
			t.Errorf("%+v", q)
		}
		if q := checkOf(t, rep, "empty"); q.Queries != 0 || q.After != nil || q.Broken() != "" {
			t.Errorf("%+v", q)
		}
	})
}

type database = chroma.Database // embedded it would be a field with the name of a method

// misled is a target whose index answers what spoil makes of its answer.
type misled struct {
	*database
	asked int
	spoil func(asked int, answers [][]string) error
}

func (s *misled) Query(ctx context.Context, id string, vectors [][]float32, k int) ([][]string, error) {
	answers, err := s.database.Query(ctx, id, vectors, k)
	if err != nil {
		return nil, err
	}
	s.asked++
	return answers, s.spoil(s.asked, answers)
}

func TestBrokenIndex(t *testing.T) {
	c := chromatest.NewClient(t, chromatest.Shared(t, chromatest.Newest))
	db, r := opened(t, c, c.Server.URL())
	id := c.CreateCollection("docs", nil)
	c.Add(id, scattered(rand.New(rand.NewPCG(1, 2)), 300, 8))
	good := taken(t, r, db)
	for name, test := range map[string]struct {
		spoil func(asked int, answers [][]string) error
		want  string // of Broken; "": nothing is wrong
	}{
		"as it is": {func(int, [][]string) error { return nil }, ""},
		"records are not found": {func(asked int, answers [][]string) error {
			for _, a := range answers[:5] {
				if asked == 2 {
					copy(a, []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"})
				}
			}
			return nil
		}, "5 of 20 records are not found where they are"},
		"not found before either": {func(_ int, answers [][]string) error {
			for _, a := range answers[:5] {
				copy(a, []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9"})
			}
			return nil
		}, ""},
		"few neighbours": {func(asked int, answers [][]string) error {
			for i := range answers {
				if asked == 2 {
					answers[i] = answers[i][:6]
				}
			}
			return nil
		}, "it finds 60.0 % of the nearest records, and found 100.0 % before"},
		"few before as well": {func(_ int, answers [][]string) error {
			for i := range answers {
				answers[i] = answers[i][:6]
			}
			return nil
		}, ""},
		"the same one again and again": {func(asked int, answers [][]string) error {
			for _, a := range answers {
				if asked == 2 {
					for i := range a {
						a[i] = a[0]
					}
				}
			}
			return nil
		}, "it finds 10.0 %"},
		"no answer": {func(asked int, _ [][]string) error {
			if asked == 2 {
				return errors.New("the index cannot be read")
			}
			return nil
		}, "it does not answer: the index cannot be read"},
		"no answer before": {func(asked int, _ [][]string) error {
			if asked == 1 {
				return errors.New("the index cannot be read")
			}
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rep, err := restore.Rollback(t.Context(), r, &misled{database: db, spoil: test.spoil}, good, restore.Options{Queries: 20})
			if err != nil || len(rep.Queries) != 1 {
				t.Fatalf("%v %+v", err, rep.Queries)
			}
			got := rep.Queries[0].Broken()
			if (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
				t.Errorf("%q, want %q; %+v", got, test.want, rep.Queries[0])
			}
		})
	}
	type mute struct{ restore.Target }
	if _, err := restore.Rollback(t.Context(), r, mute{db}, good, restore.Options{Queries: 5}); err == nil {
		t.Error("a target that cannot be asked")
	}
	if _, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Queries: 5, IDs: []string{"r0001"}}); err == nil {
		t.Error("queries of a part")
	}
}
