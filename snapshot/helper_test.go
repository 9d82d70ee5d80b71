package snapshot_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
	"autochrome/tree"
)

func TestMain(m *testing.M) { chromatest.Main(m) }

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a new one")

// random gives a generator and says how to have the same one again.
func random(t *testing.T) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with -seed=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

func newRepository(t *testing.T) *repo.Repository {
	t.Helper()
	r, err := repo.Init(t.Context(), &backend.Memory{}, repo.InitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// version is a record whose columns all say the same number.
func version(id string, n int) chunk.Record {
	text := fmt.Sprint("version ", n)
	return chunk.Record{ID: id, Embedding: []float32{float32(n), 1}, Document: &text, URI: &text,
		Metadata: chunk.Metadata{{Key: "n", Value: chunk.Value{Type: chunk.Int, Int: int64(n)}}}}
}

// versionsOf reads the numbers that a record's columns say.
func versionsOf(t *testing.T, r chunk.Record) (embedding, document, metadata int) {
	t.Helper()
	v, ok := r.Metadata.Get("n")
	if len(r.Embedding) != 2 || r.Document == nil || !ok {
		t.Fatalf("%s is not one of the test's records: %+v", r.ID, r)
	}
	if _, err := fmt.Sscanf(*r.Document, "version %d", &document); err != nil {
		t.Fatal(err)
	}
	return int(r.Embedding[0]), document, int(v.Int)
}

// eachRecord reads the records of a collection in their order.
func eachRecord(t *testing.T, reader *tree.Reader, c tree.Collection, fn func(chunk.Record)) error {
	t.Helper()
	return reader.Groups(t.Context(), c, func(_ int64, g tree.Group) error {
		recs, err := reader.Records(t.Context(), g)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			rec, err := recs.Record(i)
			if err != nil {
				return err
			}
			fn(rec)
		}
		return nil
	})
}

// recordsIn reads a snapshot's collection. An id that stands twice is an error.
func recordsIn(t *testing.T, r *repo.Repository, s repo.Snapshot, name string) map[string]chunk.Record {
	t.Helper()
	reader := tree.NewReader(r)
	c, err := snapshot.Find(t.Context(), reader, s, name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]chunk.Record{}
	err = eachRecord(t, reader, c, func(rec chunk.Record) {
		if _, twice := out[rec.ID]; twice {
			t.Errorf("record %s is there twice", rec.ID)
		}
		out[rec.ID] = rec
	})
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(out)) != c.Top.Count {
		t.Errorf("%d records, the tree counts %d", len(out), c.Top.Count)
	}
	return out
}

// withoutWaiting runs a test whose pauses take no time. What the codecs share
// has to be made outside of it.
func withoutWaiting(t *testing.T, test func(t *testing.T)) {
	f, _ := filled(600)
	v, r := makeVault(t, false, nil)
	res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	recordsIn(t, r, res.Snapshot, "docs")
	if _, err := v.must(t).Snapshots(t.Context()); err != nil { // reads its record
		t.Fatal(err)
	}
	synctest.Test(t, test)
}

// endsWith gives a function that ends the test with an error, unless it is nil.
func endsWith(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
