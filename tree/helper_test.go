package tree

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"autochrome/chunk"
)

var (
	update   = flag.Bool("update", false, "write the golden files anew")
	seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a new one")
)

// random gives a generator and says how to have the same one again.
func random(t testing.TB) *rand.Rand {
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

// golden compares text with a file of testdata.
func golden(t *testing.T, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if have != string(want) {
		t.Errorf("%s differs; run with -update and look at the diff\nhave:\n%s", path, have)
	}
}

// memStore keeps chunks in memory. It takes only what can be read again, and
// counts what is loaded and saved.
type memStore struct {
	h      *chunk.Hasher
	chunks map[chunk.ID][]byte
	blind  bool // Load does not check hashes: a store that lies
	packed bool // count stored bytes, as chunk.Encode makes them
	counts
}

type counts struct {
	loads, saves int
	stored       [chunk.Description + 1]int // bytes by kind
}

// directory is about what a chunk costs beside its stored bytes.
const directory = 45

func (c counts) bytes() int {
	sum := c.saves * directory
	for _, n := range c.stored {
		sum += n
	}
	return sum
}

func newMemStore() *memStore { return &memStore{h: chunk.Plain(), chunks: map[chunk.ID][]byte{}} }

func (s *memStore) Hasher() *chunk.Hasher { return s.h }

func (s *memStore) Has(id chunk.ID) bool {
	_, ok := s.chunks[id]
	return ok
}

var errMissing = errors.New("no such chunk")

func (s *memStore) Load(_ context.Context, id chunk.ID) ([]byte, error) {
	s.loads++
	b, ok := s.chunks[id]
	if !ok {
		return nil, fmt.Errorf("chunk %v: %w", id, errMissing)
	}
	if !s.blind && s.h.ID(b) != id {
		return nil, fmt.Errorf("chunk %v: %w: hash", id, chunk.ErrCorrupt)
	}
	return b, nil
}

func (s *memStore) Save(_ context.Context, id chunk.ID, b []byte) error {
	if s.Has(id) {
		return fmt.Errorf("chunk %v is saved twice", id)
	}
	if s.h.ID(b) != id {
		return fmt.Errorf("chunk %v is saved under a wrong id", id)
	}
	kind := chunk.Kind(b[0])
	if kind == chunk.Description {
		if _, err := chunk.DecodeDescription(b); err != nil {
			return err
		}
	} else {
		rows, err := chunk.DecodeRows(b)
		if err != nil {
			return err
		}
		if rows.Len() > 1 && len(b) > chunk.MaxSize {
			return fmt.Errorf("a chunk of %d rows has %d bytes", rows.Len(), len(b))
		}
	}
	s.chunks[id] = slices.Clone(b)
	s.saves++
	if s.packed {
		s.stored[kind] += len(chunk.Encode(nil, b))
	}
	return nil
}

// reset gives the counts and starts them anew.
func (s *memStore) reset() counts {
	c := s.counts
	s.counts = counts{}
	return c
}

func ptr[T any](v T) *T { return &v }

// maker makes records.
type maker struct {
	*rand.Rand
	dim  int
	next int
}

// record makes a record with a new id. Some lack something.
func (m *maker) record() chunk.Record {
	m.next++
	rec := chunk.Record{ID: fmt.Sprintf("r%d-%x", m.next, m.Uint32())}
	m.change(&rec, chunk.Embeddings)
	if m.IntN(4) > 0 {
		m.change(&rec, chunk.Documents)
	}
	if m.IntN(4) > 0 {
		m.change(&rec, chunk.Metadatas)
	}
	if m.IntN(8) == 0 {
		m.change(&rec, chunk.URIs)
	}
	return rec
}

func (m *maker) records(n int) []chunk.Record {
	recs := make([]chunk.Record, n)
	for i := range recs {
		recs[i] = m.record()
	}
	return recs
}

// change gives rec another value in one column, or none.
func (m *maker) change(rec *chunk.Record, kind chunk.Kind) {
	switch kind {
	case chunk.Embeddings:
		if rec.Embedding, rec.Null = make([]float32, m.dim), nil; m.IntN(50) == 0 {
			rec.Embedding = nil
			return
		}
		for i := range rec.Embedding {
			rec.Embedding[i] = float32(m.NormFloat64() / math.Sqrt(float64(m.dim)))
		}
		if m.IntN(50) == 0 {
			rec.Null = make([]bool, m.dim)
			at := m.IntN(m.dim)
			rec.Null[at], rec.Embedding[at] = true, 0
		}
	case chunk.Documents:
		rec.Document = ptr(fmt.Sprintf("the document number %d says %x", m.next, m.Uint64()))
	case chunk.Metadatas:
		rec.Metadata = chunk.Metadata{
			{Key: "number", Value: chunk.Value{Type: chunk.Int, Int: m.Int64N(1000)}},
			{Key: "source", Value: chunk.Value{Type: chunk.String, Str: "crawl"}},
		}
	case chunk.URIs:
		rec.URI = ptr(fmt.Sprintf("s3://bucket/%d", m.Uint32()))
	}
}

func asRecords(recs []chunk.Record, dim int) *chunk.Records {
	out := chunk.NewRecords(dim)
	for _, rec := range recs {
		out.Append(rec)
	}
	return out
}

// finish adds recs in pages of random length and gives the collection.
func finish(t testing.TB, r *rand.Rand, b *Builder, dim int, recs []chunk.Record) Collection {
	t.Helper()
	page := 1 + r.IntN(1000)
	for part := range slices.Chunk(recs, page) {
		if err := b.Add(t.Context(), asRecords(part, dim)); err != nil {
			t.Fatal(err)
		}
	}
	height, top, err := b.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return Collection{Name: "c", Height: height, Top: top}
}

func buildFresh(t testing.TB, r *rand.Rand, s Store, dim int, recs []chunk.Record) Collection {
	t.Helper()
	return finish(t, r, NewBuilder(s, dim), dim, recs)
}

func buildOn(t testing.TB, r *rand.Rand, s Store, dim int, earlier Collection, recs []chunk.Record) Collection {
	t.Helper()
	b, err := NewBuilderOn(t.Context(), s, dim, earlier)
	if err != nil {
		t.Fatal(err)
	}
	return finish(t, r, b, dim, recs)
}

// sameTree fails where two collections do not say the same.
func sameTree(t testing.TB, have, want Collection) {
	t.Helper()
	if have.Height != want.Height || have.Top.Logical != want.Top.Logical || have.Top.Count != want.Top.Count ||
		have.Top.Children != want.Top.Children || have.Top.Last != want.Top.Last {
		t.Fatalf("height %d, %d records, %d children, logical id %v; built afresh: height %d, %d records, %d children, logical id %v",
			have.Height, have.Top.Count, have.Top.Children, have.Top.Logical,
			want.Height, want.Top.Count, want.Top.Children, want.Top.Logical)
	}
}

// readsBack fails unless c holds just recs, in order.
func readsBack(t testing.TB, s Loader, c Collection, dim int, recs []chunk.Record) {
	t.Helper()
	if err := compareRecords(t.Context(), s, c, dim, recs); err != nil {
		t.Fatal(err)
	}
}

func compareRecords(ctx context.Context, s Loader, c Collection, dim int, recs []chunk.Record) error {
	want := asRecords(recs, dim)
	at := 0
	r := NewReader(s)
	err := r.Groups(ctx, c, func(start int64, g Group) error {
		if start != int64(at) {
			return fmt.Errorf("a group at %d, expected at %d", start, at)
		}
		have, err := r.Records(ctx, g)
		if err != nil {
			return err
		}
		if have.Len() != g.Count || at+g.Count > want.Len() || string(have.ID(g.Count-1)) != g.Last {
			return fmt.Errorf("a group of %d at %d of %d records holds %d up to %q, not %q",
				g.Count, at, want.Len(), have.Len(), have.ID(have.Len()-1), g.Last)
		}
		for i := range g.Count {
			if !have.Equal(i, want, at+i) {
				return fmt.Errorf("record %d is not what was added", at+i)
			}
		}
		at += g.Count
		return nil
	})
	if err == nil && (at != len(recs) || c.Top.Count != int64(at)) {
		err = fmt.Errorf("%d records come back of %d, %d counted", at, len(recs), c.Top.Count)
	}
	return err
}

func runOf(id chunk.ID, first, count int) Run { return Run{Chunk: id, First: first, Count: count} }
