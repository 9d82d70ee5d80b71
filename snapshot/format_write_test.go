package snapshot_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"filippo.io/age"

	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/snapshot"
)

// TestWriteFormat wrote testdata/format1:
//
//	AUTOCHROME_WRITE_FORMAT=format1 go test -run '^TestWriteFormat$' ./snapshot
//
// A new format gets a folder and a generator of its own; what is there is never
// written again. Without the variable the repositories go where nobody looks,
// so that the generator does not rot.
func TestWriteFormat(t *testing.T) {
	folder := t.TempDir()
	if to := os.Getenv("AUTOCHROME_WRITE_FORMAT"); to != "" {
		folder = filepath.Join("..", "testdata", to)
	}
	id, err := age.ParseX25519Identity(formatIdentity)
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string][]repo.NewKey{
		"plain":     nil,
		"encrypted": {{Passphrase: formatPassphrase, Label: "passphrase"}, {Recipient: id.Recipient().String(), Label: "recipient"}},
	} {
		t.Run(name, func(t *testing.T) {
			be, err := backend.CreateLocal(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			r, err := repo.Init(t.Context(), be, repo.InitOptions{Keys: keys})
			if err != nil {
				t.Fatal(err)
			}
			writeFormat(t, r)
			r = openFormat(t, filepath.Join(folder, name), formatCredentials(t, name)[0])
			b, err := json.MarshalIndent(formatRead(t, r), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name+".json"), append(b, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, kind := range []string{"packs/", "index/", "roots/", "lists/", "notes/", "audit/", "marks/"} {
				if n := countFiles(t, filepath.Join(folder, name, kind)); n == 0 {
					t.Errorf("no file in %s", kind)
				}
			}
		})
	}
}

func countFiles(t *testing.T, folder string) (n int) {
	t.Helper()
	err := filepath.WalkDir(folder, func(_ string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// writeFormat puts every kind of file into a repository.
func writeFormat(t *testing.T, r *repo.Repository) {
	t.Helper()
	take := func(name string, changes int) repo.Snapshot {
		res, err := snapshot.Take(t.Context(), r, formatSource(changes), snapshot.Options{
			Name: name, Tags: map[string]string{"changes": strconv.Itoa(changes)},
			Host: "host", User: "user", Command: "autochrome snapshot create", Version: "1",
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Audit(t.Context(), repo.AuditEntry{
			Time: time.Now(), Host: "host", User: "user", Command: "autochrome snapshot create", Trigger: "manual",
			Action: "snapshot", Snapshot: &res.Snapshot.ID, Outcome: "success", Counts: map[string]int64{"records": res.Snapshot.Root.Records},
		}); err != nil {
			t.Fatal(err)
		}
		return res.Snapshot
	}
	at := time.Now()
	annotate := func(s repo.Snapshot, key, value string, removed bool) {
		at = at.Add(time.Second)
		a := repo.Annotation{Snapshot: s.ID, Key: key, Value: value, Removed: removed, Time: at, Host: "host", User: "user"}
		if err := r.Annotate(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	first := take("first", 0)
	unwanted := take("unwanted", 2)
	last := take("second", 4)
	annotate(first, repo.KeyHold, "the first one", false)
	annotate(first, repo.TagKey("env"), "test", false)
	annotate(last, repo.KeyVerified, "all", false)
	annotate(last, repo.KeySuspect, "not really", false)
	annotate(last, repo.KeySuspect, "", true)

	err := r.Write(t.Context(), func(w *repo.Writer) error {
		for changes := 5; changes < 28; changes++ {
			s := last
			s.Name, s.Kind, s.Run, s.Time = "", repo.KindPoint, "run_20261128_120000_0000", time.Time{}
			s.Parent, s.Tags = &last.ID, map[string]string{"changes": strconv.Itoa(changes), "request": "upsert docs"}
			var err error
			if s.Root, err = buildOn(t.Context(), w, formatSource(changes), last.Root); err != nil {
				return err
			}
			if last, err = w.SavePoint(t.Context(), s); err != nil {
				return err
			}
			if changes == 24 { // the last three stay as they are
				if err := w.SealPoints(t.Context()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), unwanted, "not wanted"); err != nil {
		t.Fatal(err)
	}
}
