package repo

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// TestHugeFiles: files that say they are of four tebibytes are damage, and no
// reason to take as much memory.
func TestHugeFiles(t *testing.T) {
	ctx := t.Context()
	hex := chunk.FileHash(nil).String()
	for _, name := range []string{
		indexFolder + hex, rootsFolder + hex, rootsFolder + hex + pointSuffix, listsFolder + hex, notesFolder + hex,
		marksFolder + hex, packFile(chunk.FileHash(nil)), auditFile(AuditWriter(whoami()), 7), configName,
	} {
		folder := t.TempDir()
		be, err := backend.OpenLocal(folder)
		must(t, err)
		s := take(t, initialised(t, be), "a")
		file := filepath.Join(folder, filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		if name != configName {
			must(t, os.WriteFile(file, nil, 0o600))
		}
		if err := os.Truncate(file, 1<<42); err != nil {
			t.Skipf("no such file here: %v", err)
		}
		r, err := openStore(ctx, be)
		if name == configName {
			wantErr(t, err, ErrDamaged)
			continue
		}
		must(t, err)
		found := map[string]bool{}
		_, err = r.Check(ctx, CheckOptions{Read: All(), Found: func(f Finding) { found[f.File] = f.Err != nil }})
		if must(t, err); !found[name] {
			t.Errorf("%s: found are %v", name, found)
		}
		for _, kind := range ObjectKinds {
			infos, err := r.Objects(ctx, kind)
			must(t, err)
			for _, info := range infos {
				if _, err := r.Object(ctx, kind, info); info.Name == name {
					wantErr(t, err, ErrDamaged)
				}
			}
		}
		if strings.HasPrefix(name, auditFolder) {
			wantErr(t, r.Audit(ctx, AuditEntry{Action: "test", Outcome: "ok"}), nil)
		}
		loads(t, r, s)
	}
}

// TestSwollenRecord: a record that announces far more than it is stored in is
// refused, and those of many collections are not.
func TestSwollenRecord(t *testing.T) {
	s := snapshotOf(chunk.ID{1})
	s.Command = strings.Repeat("a", 15<<20)
	_, _, err := encodeRecord(s.complete())
	wantErr(t, err, ErrInvalid)
	s = s.complete()
	b, err := canonicalJSON(s)
	must(t, err)
	file := encodeSnapshotFile(b)
	_, err = decodeSnapshotFile(file, chunk.SnapshotHash(b))
	if err == nil || !isDamage(err) {
		t.Errorf("%d bytes in %d: %v", len(b), len(file), err)
	}

	for _, length := range []int{1, 500} {
		s := snapshotOf(chunk.ID{1})
		for i := range 5_000 { // of an archive, without ids of a server
			s.Collections = append(s.Collections, CollectionInfo{Name: fmt.Sprint(strings.Repeat("x", length), i), Records: 1000, Capture: CaptureStill})
		}
		b, want, err := encodeRecord(s.complete())
		must(t, err)
		got, err := decodeSnapshotFile(encodeSnapshotFile(b), want.ID)
		if err != nil || len(got.Collections) != len(s.Collections) {
			t.Errorf("names of %d letters: %v", length, err)
		}
	}
}

// TestForgedRuns: a record whose root has more rows than any chunk can have is
// damage, and the other snapshots are as they were.
func TestForgedRuns(t *testing.T) {
	for name, forge := range map[string]func(run *chunk.Run){
		"count":           func(run *chunk.Run) { run.Count = 1 << 56 },
		"largest count":   func(run *chunk.Run) { run.Count = math.MaxInt },
		"first":           func(run *chunk.Run) { run.First = math.MaxInt - 1 },
		"first and count": func(run *chunk.Run) { run.First, run.Count = math.MaxInt, math.MaxInt },
	} {
		be := new(backend.Memory)
		r := initialised(t, be)
		good := take(t, r, "a")
		bad := good.complete()
		bad.Root.Runs = []chunk.Run{good.Root.Runs[0], good.Root.Runs[0]}
		forge(&bad.Root.Runs[1])
		b, err := canonicalJSON(bad)
		must(t, err)
		file := rootsFolder + chunk.SnapshotHash(b).String()
		must(t, be.Save(t.Context(), file, encodeSnapshotFile(b)))
		r = opened(t, be)
		list, err := r.Snapshots(t.Context())
		must(t, err)
		if _, found := checked(t, be, All()); len(list) != 1 || list[0].ID != good.ID || !finds(found, file) {
			t.Errorf("%s: %d snapshots, found %v", name, len(list), found)
		}
	}
}
