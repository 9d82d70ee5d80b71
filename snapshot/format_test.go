package snapshot_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
	"autochrome/tree"
)

// formatFolder has repositories of format 1 as its first version wrote them.
// TestWriteFormat made them; every later version reads them.
const formatFolder = "../testdata/format1"

// What opens the encrypted one: both are public, and protect nothing.
const (
	formatPassphrase = "format one"
	formatIdentity   = "AGE-SECRET-KEY-1Y89X2N63JXCVY9TEQVHVNRWPWVTRS7C9G5M2A5FNP4NXPU3YACVSYVXFM7"
)

// formatContent is what a repository says, apart from how.
type formatContent struct {
	Snapshots []formatSnapshot `json:"snapshots"`
	Deleted   int              `json:"deleted"`
	Audit     int              `json:"audit_entries"`
}

type formatSnapshot struct {
	Name     string            `json:"name"`
	Record   string            `json:"record"`  // its identity, which is that of its record
	Content  string            `json:"content"` // SHA-256 of all records and descriptions, as JSON, in order
	Records  int64             `json:"records"`
	Notes    map[string]string `json:"notes,omitempty"`
	Position int               `json:"changes"` // of formatSource
}

// TestFormat1 reads what is in testdata, compares it with the database that it
// is of, and writes on.
func TestFormat1(t *testing.T) {
	for _, name := range []string{"plain", "encrypted"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), name)
			copyFormat(t, folder, filepath.Join(formatFolder, name))
			var want formatContent
			b, err := os.ReadFile(filepath.Join(formatFolder, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			for _, c := range formatCredentials(t, name) {
				if got := formatRead(t, openFormat(t, folder, c)); !reflect.DeepEqual(got, want) {
					t.Errorf("it says\n%+v\nnot\n%+v", got, want)
				}
			}
			r := openFormat(t, folder, formatCredentials(t, name)[0])
			last := want.Snapshots[len(want.Snapshots)-1]
			res, err := snapshot.Take(t.Context(), r, formatSource(last.Position), snapshot.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if n := res.Snapshot.Stats.ChunksStored; n != 0 {
				t.Errorf("a snapshot of what is there stores %d chunks: ids or cuts have changed", n)
			}
			if _, err := r.Prune(t.Context(), repo.PruneOptions{Grace: repo.NoGrace}); err != nil {
				t.Error(err)
			}
			formatChecked(t, openFormat(t, folder, formatCredentials(t, name)[0]))
		})
	}
}

// copyFormat copies a repository. All files get one time: when they were checked
// out says nothing about when they were written.
func copyFormat(t *testing.T, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(to, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func formatCredentials(t *testing.T, name string) []repo.Credential {
	t.Helper()
	if name == "plain" {
		return []repo.Credential{{}}
	}
	a, err := repo.NewCredential(formatPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	b, err := repo.NewCredential("", strings.NewReader(formatIdentity))
	if err != nil {
		t.Fatal(err)
	}
	return []repo.Credential{a, b}
}

func openFormat(t *testing.T, folder string, c repo.Credential) *repo.Repository {
	t.Helper()
	be, err := backend.OpenLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.OpenWith(t.Context(), be, repo.OpenOptions{Unlock: func(context.Context) (repo.Credential, error) { return c, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func formatChecked(t *testing.T, r *repo.Repository) {
	t.Helper()
	c, err := r.Check(t.Context(), repo.CheckOptions{Read: repo.All(), Found: func(f repo.Finding) {
		if f.Err != nil {
			t.Errorf("%s: %v", f.File, f.Err)
		}
	}})
	if err != nil || c.Damaged > 0 {
		t.Errorf("%d files damaged, %v", c.Damaged, err)
	}
	if problems, err := r.VerifyAudit(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("audit: %v, %v", problems, err)
	}
}

// formatRead says what a repository says.
func formatRead(t *testing.T, r *repo.Repository) (out formatContent) {
	t.Helper()
	ctx := t.Context()
	formatChecked(t, r)
	list, err := r.Snapshots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := r.DeletedSnapshots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	notes, err := r.Annotations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AuditEntries(ctx, func(repo.AuditEntry) error { out.Audit++; return nil }); err != nil {
		t.Fatal(err)
	}
	out.Deleted = len(deleted)
	for _, s := range list {
		f := formatSnapshot{Name: s.Name, Record: s.ID.String(), Records: s.Root.Records, Content: formatSum(t, r, s)}
		if _, err := fmt.Sscanf(s.Tags["changes"], "%d", &f.Position); err != nil {
			t.Fatal(err)
		}
		for key, a := range notes[s.ID] {
			if !a.Removed {
				if f.Notes == nil {
					f.Notes = map[string]string{}
				}
				f.Notes[key] = a.Value
			}
		}
		if want := formatSourceSum(formatSource(f.Position)); f.Content != want {
			t.Errorf("%s: its content is not that of the database", s.Name)
		}
		out.Snapshots = append(out.Snapshots, f)
	}
	return out
}

// formatSum is the SHA-256 of a snapshot's content.
func formatSum(t *testing.T, r *repo.Repository, s repo.Snapshot) string {
	t.Helper()
	reader := tree.NewReader(r)
	cs, err := reader.Collections(t.Context(), s.Root)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, c := range cs {
		d, err := reader.Description(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%q %q\n", c.Name, d.AppendCanonical(nil))
		err = eachRecord(t, reader, c, func(rec chunk.Record) { h.Write(chunk.AppendRecordJSON(nil, rec, false)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// formatSourceSum is the same of a database.
func formatSourceSum(f *fake) string {
	h := sha256.New()
	for _, name := range []string{"docs", "empty", "notes"} { // sorted, as a snapshot has them
		for _, c := range f.collections {
			if c.Name != name {
				continue
			}
			fmt.Fprintf(h, "%q %q\n", c.Name, c.Description.AppendCanonical(nil))
			for _, rec := range c.records {
				h.Write(chunk.AppendRecordJSON(nil, rec, false))
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
