package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// The snapshots of these tests refer to documents where others have entries. A
// document that begins with "needs " refers to the chunks that it names.
func init() {
	chunk.RegisterEntries(func(_ chunk.Kind, entry []byte, refer func(chunk.Kind, chunk.Run, bool) error) error {
		hexes, ok := strings.CutPrefix(string(entry), "needs ")
		if !ok {
			return nil
		}
		for hex := range strings.FieldsSeq(hexes) {
			id, err := chunk.ParseID(hex)
			if err != nil {
				return err
			}
			if err := refer(chunk.Documents, chunk.Run{Chunk: id, Count: 1}, true); err != nil {
				return err
			}
		}
		return nil
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// initialised gives a new repository.
func initialised(t testing.TB, be backend.Backend) *Repository {
	t.Helper()
	r, err := initStore(t.Context(), be)
	must(t, err)
	return r
}

func opened(t testing.TB, be backend.Backend) *Repository {
	t.Helper()
	r, err := openStore(t.Context(), be)
	must(t, err)
	return r
}

// document gives the canonical bytes of one document and their id.
func document(text string) (chunk.ID, []byte) {
	rows := chunk.NewRows(chunk.Documents, 0)
	rows.AppendString(text)
	b := rows.AppendCanonical(nil)
	return testHasher().ID(b), b
}

// noise gives a document of n bytes that does not compress.
func noise(seed uint64, n int) string {
	src := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = ' ' + byte(src.IntN(95))
	}
	return string(b)
}

// snapshotOf describes a snapshot that needs these chunks.
func snapshotOf(ids ...chunk.ID) Snapshot {
	s := Snapshot{
		Kind: KindSnapshot, Source: "shop", Capture: CaptureStill,
		Scope: Scope{Tenant: "default_tenant", Database: "default_database"},
		Root:  chunk.Root{Logical: chunk.ID{1}, Collections: 1, Records: int64(len(ids))},
	}
	for _, id := range ids {
		s.Root.Runs = append(s.Root.Runs, chunk.Run{Chunk: id, Count: 1})
	}
	return s
}

// save stores documents and gives their ids.
func save(ctx context.Context, w *Writer, texts ...string) (ids []chunk.ID, err error) {
	for _, text := range texts {
		id, b := document(text)
		if err := w.Save(ctx, id, b); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// take takes a snapshot of documents.
func take(t testing.TB, r *Repository, texts ...string) Snapshot {
	t.Helper()
	s, err := tryTake(t.Context(), r, (*Writer).SaveSnapshot, texts...)
	must(t, err)
	return s
}

func takePoint(t testing.TB, r *Repository, texts ...string) Snapshot {
	t.Helper()
	s, err := tryTake(t.Context(), r, (*Writer).SavePoint, texts...)
	must(t, err)
	return s
}

type commit = func(*Writer, context.Context, Snapshot) (Snapshot, error)

func tryTake(ctx context.Context, r *Repository, how commit, texts ...string) (s Snapshot, err error) {
	err = r.Write(ctx, func(w *Writer) error {
		ids, err := save(ctx, w, texts...)
		if err != nil {
			return err
		}
		s, err = how(w, ctx, snapshotOf(ids...))
		return err
	})
	return s, err
}

// whole opens a store and demands that all snapshots are there with all their
// chunks. It gives their identities.
func whole(t testing.TB, be backend.Backend) []chunk.ID {
	t.Helper()
	r, err := openStore(context.Background(), be)
	if errors.Is(err, ErrNoRepository) {
		return nil
	}
	must(t, err)
	list, err := r.Snapshots(context.Background())
	must(t, err)
	var ids []chunk.ID
	for _, s := range list {
		loads(t, r, s)
		ids = append(ids, s.ID)
	}
	if damaged := r.Damaged(); len(damaged) > 0 {
		t.Fatalf("damaged: %v", damaged)
	}
	problems, err := r.VerifyAudit(context.Background())
	must(t, err)
	if len(problems) > 0 {
		t.Fatalf("audit: %v", problems)
	}
	return ids
}

type loader interface {
	Load(context.Context, chunk.ID) ([]byte, error)
}

func loads(t testing.TB, l loader, s Snapshot) {
	t.Helper()
	for _, run := range s.Root.Runs {
		if _, err := l.Load(context.Background(), run.Chunk); err != nil {
			t.Fatalf("%v: %v", s, err)
		}
	}
}

func names(t testing.TB, be backend.Backend, folder string) []string {
	t.Helper()
	list, err := backend.Names(context.Background(), be, folder)
	must(t, err)
	return list
}

// tick gives a clock that goes on by a second at each look.
func tick() func() time.Time {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func texts(prefix string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s %d", prefix, i))
	}
	return out
}

func contains(list []chunk.ID, id chunk.ID) bool { return slices.Contains(list, id) }

func replace(t testing.TB, be backend.Backend, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := backend.LoadAll(context.Background(), be, name)
	must(t, err)
	must(t, be.Save(context.Background(), name, change(bytes.Clone(b))))
}

func mustContain(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func saveMarks(t testing.TB, r *Repository, packs ...chunk.ID) {
	t.Helper()
	_, err := r.saveMarks(context.Background(), packs)
	must(t, err)
}
