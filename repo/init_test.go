package repo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

func TestInit(t *testing.T) {
	m := new(backend.Memory)
	_, err := Open(t.Context(), m)
	wantErr(t, err, ErrNoRepository)
	r, err := Init(t.Context(), m, InitOptions{Created: time.Date(2026, 11, 23, 4, 0, 0, 5, time.UTC)})
	must(t, err)
	if len(r.ID()) != 32 || r.Location() != "memory" {
		t.Errorf("id %q at %q", r.ID(), r.Location())
	}
	if again := opened(t, m); again.ID() != r.ID() {
		t.Errorf("opened %q, made %q", again.ID(), r.ID())
	}
	_, err = Init(t.Context(), m, InitOptions{})
	wantErr(t, err, ErrExists)
	b, err := backend.LoadAll(t.Context(), m, configName)
	must(t, err)
	want := "{\n  \"format\": 1,\n  \"id\": \"" + r.ID() + "\",\n  \"created\": \"2026-11-23T04:00:00Z\",\n  \"ids\": \"plain\""
	sum := chunk.FileHash([]byte(want + "\n}\n"))
	if want += ",\n  \"sum\": \"" + sum.String() + "\"\n}\n"; string(b) != want {
		t.Errorf("%s holds %s, want %s", configName, b, want)
	}
	must(t, r.Close())
}

// TestInitFolder says what may stand in a folder.
func TestInitFolder(t *testing.T) {
	for name, test := range map[string]struct {
		found []string
		ok    bool
		says  string
	}{
		"empty":       {nil, true, ""},
		"archives":    {[]string{"snapshots/a.tar.gz", "manifests/b.json", "logs/c.log"}, true, ""},
		"system":      {[]string{"lost+found/", ".DS_Store", "System Volume Information/x", ".Trash-1000/", "tmp-abc"}, true, ""},
		"other":       {[]string{"snapshots/a", "README.md"}, false, "README.md"},
		"hidden":      {[]string{".git/config"}, false, ".git"},
		"many":        {[]string{"a", "b", "c", "d", "e", "f", "g"}, false, "a, b, c, d, e and 2 more"},
		"half a repo": {[]string{"packs/aa/x", "roots/y"}, false, "without its autochrome.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range test.found {
				path := filepath.Join(dir, f)
				must(t, os.MkdirAll(filepath.Dir(path), 0o755))
				if strings.HasSuffix(f, "/") {
					must(t, os.MkdirAll(path, 0o755))
				} else {
					must(t, os.WriteFile(path, nil, 0o644))
				}
			}
			be, err := backend.OpenLocal(dir)
			must(t, err)
			r, err := Init(t.Context(), be, InitOptions{})
			if test.ok {
				must(t, err)
				must(t, r.Close())
				return
			}
			defer be.Close()
			wantErr(t, err, ErrNotEmpty)
			mustContain(t, err, dir, test.says)
			_, err = Open(t.Context(), be)
			wantErr(t, err, ErrNoRepository)
		})
	}
}

func TestInitMemory(t *testing.T) {
	m := new(backend.Memory)
	must(t, m.Save(t.Context(), "manifests/a", nil))
	must(t, m.Save(t.Context(), "other/a", nil))
	_, err := Init(t.Context(), m, InitOptions{})
	wantErr(t, err, ErrNotEmpty)
	must(t, m.Remove(t.Context(), "other/a"))
	initialised(t, m)
}

// TestInitRace lets two find the place empty.
func TestInitRace(t *testing.T) {
	m := new(backend.Memory)
	var second error
	b := faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
		if op.Kind == faulty.Create {
			_, second = Init(t.Context(), m, InitOptions{})
		}
	}, nil))
	_, err := Init(t.Context(), b, InitOptions{})
	must(t, second)
	wantErr(t, err, ErrExists)
}

func TestConfig(t *testing.T) {
	for name, test := range map[string]struct {
		config string
		want   error
		says   string
	}{
		"newer format":  {`{"format":7,"what":"ever"}`, ErrFormat, "format 7"},
		"format 0":      {`{"format":0,"what":"ever"}`, ErrFormat, "new repository"},
		"other ids":     {`{"format":1,"id":"x","ids":"other","keys":1}`, ErrFormat, `"other"`},
		"envelope":      {`{"format":1,"id":"x","ids":"keyed","envelope":"other"}`, ErrFormat, `"other"`},
		"not encrypted": {`{"format":1,"id":"00112233445566778899aabbccddeeff","created":"2026-11-23T04:00:00Z","ids":"keyed"}`, ErrDamaged, "encrypted"},
		"empty":         {``, ErrDamaged, ""},
		"no format":     {`{"ids":"plain"}`, ErrDamaged, "format"},
		"unknown field": {`{"format":1,"id":"00112233445566778899aabbccddeeff","created":"2026-11-23T04:00:00Z","ids":"plain","x":1}`, ErrDamaged, "x"},
		"bad id":        {`{"format":1,"id":"0011","created":"2026-11-23T04:00:00Z","ids":"plain"}`, ErrDamaged, "id"},
		"two values":    {`{"format":1,"id":"00112233445566778899aabbccddeeff","created":"2026-11-23T04:00:00Z","ids":"plain"} {}`, ErrDamaged, ""},
		"no checksum":   {`{"format":1,"id":"00112233445566778899aabbccddeeff","created":"2026-11-23T04:00:00Z","ids":"plain"}`, ErrDamaged, "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			m := new(backend.Memory)
			must(t, m.Save(t.Context(), configName, []byte(test.config)))
			_, err := Open(t.Context(), m)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if test.says != "" {
				mustContain(t, err, test.says)
			}
		})
	}
}
