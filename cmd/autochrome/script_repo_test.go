package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// repoCommand looks into the script's repository, or damages it.
//
//	repo audit ACTION OUTCOME [PATTERN]  what the last audit entry is, and a pattern in its command or error
//	repo entries N                       how many audit entries there are
//	repo tamper [-remove] N              changes a byte of the nth audit entry, or removes it
//	repo truncate                        cuts the largest pack short
//	repo flip [FOLDER]                   changes a byte in the largest pack, or file of another folder
//	repo spoil KIND:N...                 changes a byte of each of the first N chunks of these kinds, all for 0
//	repo save FILE                       names and sizes of all files
//	repo age FOLDER HOURS                makes the files of a folder older for the store
//	repo past NAME DAYS...               for each, a snapshot like the newest, so many days old
func repoCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: repo WHAT ...; see repoCommand")
	}
	folder := ts.Getenv("SNAPSHOT_DIR")
	switch args[0] {
	case "audit":
		entries := auditEntries(ts, folder)
		if len(entries) == 0 {
			ts.Fatalf("there is no audit entry")
		}
		e := entries[len(entries)-1]
		if e.Action != args[1] || e.Outcome != args[2] || e.Trigger != "manual" || e.User == "" || e.Host == "" {
			ts.Fatalf("the last audit entry is %+v", e)
		}
		if len(args) > 3 && !regexp.MustCompile(args[3]).MatchString(e.Command+"\n"+e.Error) {
			ts.Fatalf("the last audit entry is %+v, want %q", e, args[3])
		}
	case "entries":
		if got := len(auditEntries(ts, folder)); got != number(ts, args[1]) {
			ts.Fatalf("%d audit entries, want %s", got, args[1])
		}
	case "tamper":
		name := fmt.Sprintf("%010d", number(ts, args[len(args)-1]))
		found, err := filepath.Glob(filepath.Join(folder, "audit", "*", name))
		ts.Check(err)
		if len(found) != 1 {
			ts.Fatalf("%d entries have the number %s", len(found), name)
		}
		if args[1] == "-remove" {
			ts.Check(os.Remove(found[0]))
			return
		}
		b, err := os.ReadFile(found[0])
		ts.Check(err)
		b[len(b)/2] ^= 1
		ts.Check(os.WriteFile(found[0], b, 0o600))
	case "truncate", "flip":
		largest, size := "", int64(0)
		in := "packs"
		if len(args) > 1 {
			in = args[1]
		}
		walk(ts, filepath.Join(folder, in), func(path string, info fs.FileInfo) {
			if info.Size() > size {
				largest, size = path, info.Size()
			}
		})
		if args[0] == "truncate" {
			ts.Check(os.Truncate(largest, size/2))
			return
		}
		b, err := os.ReadFile(largest)
		ts.Check(err)
		b[size/3] ^= 1
		ts.Check(os.WriteFile(largest, b, 0o600))
	case "spoil":
		left := map[string]int{}
		for _, arg := range args[1:] {
			kind, n, _ := strings.Cut(arg, ":")
			if left[kind] = number(ts, n); left[kind] == 0 {
				left[kind] = math.MaxInt
			}
		}
		spoil(ts, folder, left)
	case "save":
		text := ""
		walk(ts, folder, func(path string, info fs.FileInfo) { text += path + " " + info.ModTime().String() + "\n" })
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	case "age":
		walk(ts, filepath.Join(folder, args[1]), func(path string, info fs.FileInfo) {
			at := info.ModTime().Add(-time.Duration(number(ts, args[2])) * time.Hour)
			ts.Check(os.Chtimes(path, at, at))
		})
	case "past":
		for _, days := range args[2:] {
			addPast(ts, folder, args[1]+days, time.Now().AddDate(0, 0, -number(ts, days)))
		}
	default:
		ts.Fatalf("repo %s?", args[0])
	}
}

func walk(ts *testscript.TestScript, folder string, fn func(path string, info fs.FileInfo)) {
	ts.Check(filepath.Walk(folder, func(path string, info fs.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			fn(path, info)
		}
		return err
	}))
}

// auditEntries gives the entries in order, and demands that their chain is
// whole.
func auditEntries(ts *testscript.TestScript, folder string) (entries []repo.AuditEntry) {
	ctx := context.Background()
	be, err := backend.OpenLocal(folder)
	ts.Check(err)
	r, err := repo.OpenWith(ctx, be, repo.OpenOptions{Unlock: func(context.Context) (repo.Credential, error) {
		if file := ts.Getenv("AUTOCHROME_IDENTITY_FILE"); file != "" {
			return repo.NewCredential("", strings.NewReader(ts.ReadFile(file)))
		}
		return repo.NewCredential(ts.Getenv("AUTOCHROME_PASSWORD"))
	}})
	ts.Check(err)
	ts.Check(r.AuditEntries(ctx, func(e repo.AuditEntry) error {
		entries = append(entries, e)
		return nil
	}))
	problems, err := r.VerifyAudit(ctx)
	ts.Check(err)
	if len(problems) > 0 {
		ts.Fatalf("the audit chain: %+v", problems)
	}
	ts.Check(r.Close())
	return entries
}

// addPast adds a snapshot like the newest one, as both clocks would have it that
// was taken then.
func addPast(ts *testscript.TestScript, folder, name string, at time.Time) {
	ctx := context.Background()
	be, err := backend.OpenLocal(folder)
	ts.Check(err)
	r, err := repo.Open(ctx, be) // it is not encrypted
	ts.Check(err)
	s, err := r.Find(ctx, "latest", "")
	ts.Check(err)
	s.Tags = nil
	s.Name, s.Time = name, at.UTC().Truncate(time.Millisecond)
	ts.Check(r.Write(ctx, func(w *repo.Writer) error {
		s, err = w.SaveSnapshot(ctx, s)
		return err
	}))
	ts.Check(os.Chtimes(filepath.Join(folder, s.File), at, at))
	ts.Check(r.Close())
}

// spoil changes a byte of each of so many chunks of each kind.
func spoil(ts *testscript.TestScript, folder string, left map[string]int) {
	be, err := backend.OpenLocal(folder)
	ts.Check(err)
	r, err := repo.Open(context.Background(), be)
	ts.Check(err)
	defer r.Close()
	packs, err := r.Objects(context.Background(), "pack")
	ts.Check(err)
	for _, info := range packs {
		said, err := r.Object(context.Background(), "pack", info)
		if errors.Is(err, repo.ErrDamaged) {
			continue
		}
		ts.Check(err)
		text, err := json.Marshal(said)
		ts.Check(err)
		var directory struct {
			Entries []struct {
				Kind           string
				Offset, Length int
			}
		}
		ts.Check(json.Unmarshal(text, &directory))
		name := filepath.Join(folder, filepath.FromSlash(info.Name))
		file, err := os.ReadFile(name)
		ts.Check(err)
		for _, e := range directory.Entries {
			if left[e.Kind] > 0 && e.Length > 60 { // shorter ones may be the pack's salt
				file[e.Offset+e.Length/2] ^= 1
				left[e.Kind]--
			}
		}
		ts.Check(os.WriteFile(name, file, 0o600))
	}
	for kind, n := range left {
		if n > 0 && n < math.MaxInt/2 {
			ts.Fatalf("%d too few chunks of %s", n, kind)
		}
	}
}
