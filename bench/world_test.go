package bench

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"autochrome/chroma"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/restore"
	"autochrome/snapshot"
)

// world is the workload on a real server, with a first snapshot of it. A
// benchmark that changes the database brings it back (see back).
type world struct {
	server           *chromatest.Server
	tenant, database string
	collections      map[string]string // name → the server's id
	folder           string            // for everything on disk
	first            string            // repository with the first snapshot
	snapshot         repo.Snapshot
}

var theWorld *world

// newWorld gives the one world of this process.
func newWorld(b *testing.B) *world {
	b.Helper()
	if theWorld != nil {
		return theWorld
	}
	w := &world{server: chromatest.Shared(b, chromatest.Newest), collections: map[string]string{}}
	w.tenant, w.database = chromatest.Database(b, w.server)
	var err error
	if w.folder, err = os.MkdirTemp("", "autochrome-bench-"); err != nil {
		b.Fatal(err)
	}
	for _, c := range workload {
		w.collections[c.name] = load(b, w.client(b), c.name, readWorkload(b, c.name, c.records))
	}
	settle(w.server.Pid())
	w.first = filepath.Join(w.folder, "first")
	w.snapshot = w.take(b, w.first).Snapshot
	theWorld = w
	return w
}

// load makes a collection of these records.
func load(b *testing.B, c *chromatest.Client, name string, lines []line) (id string) {
	b.Helper()
	id = c.CreateCollection(name, map[string]any{
		"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}},
	})
	for part := range slices.Chunk(lines, 1000) {
		c.Add(id, body(part))
	}
	return id
}

func (w *world) client(b *testing.B) *chromatest.Client {
	return w.server.Client(b, w.tenant, w.database)
}

func (w *world) open(b *testing.B, s *chromatest.Server) *chroma.Database {
	b.Helper()
	db, err := chroma.Open(b.Context(), chroma.Options{URL: s.URL(), Tenant: w.tenant, Database: w.database})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// take does what "autochrome snapshot create" does, from opening the database
// to the audit entry.
func (w *world) take(b *testing.B, folder string) snapshot.Result {
	b.Helper()
	db := w.open(b, w.server)
	r := openRepo(b, folder)
	res, err := snapshot.Take(b.Context(), r, db, snapshot.Options{Command: "autochrome snapshot create"})
	if err != nil {
		b.Fatal(err)
	}
	audit(b, r, res)
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	return res
}

func audit(b *testing.B, r *repo.Repository, res snapshot.Result) {
	b.Helper()
	err := r.Audit(b.Context(), repo.AuditEntry{
		Command: "autochrome snapshot create", Trigger: "manual", Action: "snapshot", Outcome: "success",
		Snapshot: &res.Snapshot.ID, Millis: res.Snapshot.Stats.Millis,
		Counts: map[string]int64{
			"collections": int64(len(res.Captured)), "records": res.Snapshot.Root.Records,
			"bytes_read": res.Snapshot.Stats.BytesRead, "bytes_stored": res.Stored, "damaged": 0,
		},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// openRepo opens the repository in a folder, and makes it where there is none.
func openRepo(b *testing.B, folder string) *repo.Repository {
	b.Helper()
	be, err := backend.CreateLocal(folder)
	if err != nil {
		b.Fatal(err)
	}
	r, err := repo.Open(b.Context(), be)
	if errors.Is(err, repo.ErrNoRepository) {
		r, err = repo.Init(b.Context(), be, repo.InitOptions{})
	}
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// copyOf gives a copy of a folder that fn may change.
func (w *world) copyOf(b *testing.B, folder string, fn func(copied string)) {
	b.Helper()
	temp, err := os.MkdirTemp(w.folder, "copy-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(temp)
	copied := filepath.Join(temp, "repository")
	if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
		b.Fatal(err)
	}
	fn(copied)
}

// back makes the database what it was in the first snapshot.
func (w *world) back(b *testing.B) (rep restore.Report) {
	b.Helper()
	w.copyOf(b, w.first, func(folder string) {
		r := openRepo(b, folder)
		rep = w.rollback(b, r, w.server)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	})
	settle(w.server.Pid())
	return rep
}

// rollback makes the database on s what it was in the first snapshot, and
// demands that every record is compared and right.
func (w *world) rollback(b *testing.B, r *repo.Repository, s *chromatest.Server) restore.Report {
	b.Helper()
	rep, err := restore.Rollback(b.Context(), r, w.open(b, s), w.snapshot, restore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if !rep.Verified() {
		b.Fatalf("rollback: not verified: %+v", rep.Compared)
	}
	return rep
}
