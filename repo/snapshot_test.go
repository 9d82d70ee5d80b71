package repo

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
)

// fullSnapshot has something in every field.
func fullSnapshot() Snapshot {
	parent, origin := chunk.ID{7}, chunk.ID{8}
	return Snapshot{
		Format: snapshotVersion, Name: "before <b> & after", Time: time.Date(2026, 11, 23, 4, 0, 0, 5e6, time.UTC),
		Nonce: strings.Repeat("0a", nonceBytes), Kind: KindPoint, Source: "shop",
		Scope:  Scope{"default_tenant", "default_database", []string{"a", "b"}},
		Parent: &parent, CopiedFrom: &origin,
		Root:    chunk.Root{Logical: chunk.ID{1}, Collections: 2, Records: 3, Runs: []chunk.Run{{Chunk: chunk.ID{2}, First: 1, Count: 2}}},
		Capture: CaptureMoving, Suspect: "damaged", Tags: map[string]string{"env": "prod", "a": ""}, Run: "run-1",
		Collections: []CollectionInfo{{"a", "id-1", 2, 1, CaptureStill}, {"b", "", 1, 0, ""}},
		Unreadable:  []string{"c"},
		Damage:      Damage{5, []DamagedRecord{{"a", "r1", "no embedding"}}},
		Server:      Server{"http://localhost:8000", "1.4.4"}, Host: "h", User: "u", Command: "autochrome snapshot", Version: "1",
		Stats: Stats{1, 2, 3, 4},
	}
}

func TestRecord(t *testing.T) {
	want := fullSnapshot()
	b, s, err := encodeRecord(want)
	must(t, err)
	got, err := decodeSnapshotFile(encodeSnapshotFile(b), s.ID)
	must(t, err)
	want.ID = chunk.SnapshotHash(b)
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(s, want) {
		t.Errorf("read\n%+v, written\n%+v", got, want)
	}
	v := reflect.ValueOf(want)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Format" && name != "Stored" && name != "File" && name != "RecordBytes" {
			t.Errorf("fullSnapshot says nothing of %s", name)
		}
	}
	// Golden: a change here is a change of the format.
	const golden = "snapshot_20261123_040000_sg1y"
	if s.DisplayID() != golden || s.String() != golden {
		t.Errorf("display id %s, want %s, of\n%s", s.DisplayID(), golden, b)
	}
}

func TestInvalidRecords(t *testing.T) {
	for name, change := range map[string]func(*Snapshot){
		"format":           func(s *Snapshot) { s.Format = 1 },
		"name latest":      func(s *Snapshot) { s.Name = "latest" },
		"name like an id":  func(s *Snapshot) { s.Name = "snapshot_2026" },
		"name of lines":    func(s *Snapshot) { s.Name = "a\nb" },
		"name with spaces": func(s *Snapshot) { s.Name = " a" },
		"name not UTF-8":   func(s *Snapshot) { s.Name = "\xff" },
		"long name":        func(s *Snapshot) { s.Name = strings.Repeat("x", maxName+1) },
		"time zone":        func(s *Snapshot) { s.Time = s.Time.In(time.FixedZone("x", 3600)) },
		"time of no day":   func(s *Snapshot) { s.Time = time.Time{} },
		"microseconds":     func(s *Snapshot) { s.Time = s.Time.Add(1000) },
		"nonce":            func(s *Snapshot) { s.Nonce = "AA" },
		"kind":             func(s *Snapshot) { s.Kind = "other" },
		"no source":        func(s *Snapshot) { s.Source = "" },
		"no collection":    func(s *Snapshot) { s.Scope.Collections = []string{} },
		"zero parent":      func(s *Snapshot) { s.Parent = &chunk.ID{} },
		"zero origin":      func(s *Snapshot) { s.CopiedFrom = &chunk.ID{} },
		"no root":          func(s *Snapshot) { s.Root.Logical = chunk.ID{} },
		"negative":         func(s *Snapshot) { s.Root.Records = -1 },
		"run":              func(s *Snapshot) { s.Root.Runs[0].Count = 0 },
		"run too long":     func(s *Snapshot) { s.Root.Runs[0].Count = chunk.MaxRows },
		"run of 2^56":      func(s *Snapshot) { s.Root.Runs[0].Count = 1 << 56 },
		"run from 2^62":    func(s *Snapshot) { s.Root.Runs[0].First = 1 << 62 },
		"capture":          func(s *Snapshot) { s.Capture = "" },
		"its collection's": func(s *Snapshot) { s.Collections[0].Capture = "x" },
		"records":          func(s *Snapshot) { s.Collections[0].Records = -1 },
		"2^48 records, 1":  func(s *Snapshot) { s.Root.Records = chunk.MaxRecords + 1 },
		"of a collection":  func(s *Snapshot) { s.Collections[0].Records = chunk.MaxRecords + 1 },
		"damage":           func(s *Snapshot) { s.Damage.Total = 0 },
		"much damage":      func(s *Snapshot) { s.Damage = Damage{1000, make([]DamagedRecord, MaxDamageNamed+1)} },
		"figures":          func(s *Snapshot) { s.Stats.Millis = -1 },
		"tag":              func(s *Snapshot) { s.Tags["\t"] = "" },
	} {
		s := fullSnapshot()
		change(&s)
		if _, _, err := encodeRecord(s); !errors.Is(err, ErrInvalid) || strings.Count(err.Error(), ErrInvalid.Error()+": ") != 1 {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestStrictRecord refuses what says the same in another way, and what a newer
// program may say.
func TestStrictRecord(t *testing.T) {
	b, _, err := encodeRecord(fullSnapshot())
	must(t, err)
	for name, text := range map[string]string{
		"white space":   string(b) + " ",
		"unknown field": `{"a":1,` + string(b[1:]),
		"newer":         strings.Replace(string(b), `"format":0`, `"format":1`, 1),
		"other case":    strings.Replace(string(b), `"name"`, `"Name"`, 1),
		"empty tags":    strings.Replace(string(b), `"tags":{"a":"","env":"prod"}`, `"tags":{}`, 1),
		"local time":    strings.Replace(string(b), `04:00:00.005Z`, `04:00:00.005+00:00`, 1),
		"null":          "null", "no JSON": "x", "nothing": "",
	} {
		if text == string(b) {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := parseRecord([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err = parseRecord([]byte(strings.Replace(string(b), `"format":0`, `"format":1`, 1)))
	mustContain(t, err, "format 1", "format 0")
}

func TestSuffix(t *testing.T) {
	for last, want := range map[[3]byte]string{
		{0, 0, 0}: "0000", {0xff, 0xff, 0xff}: "zzzz", {0x0f, 0xff, 0xff}: "zzzz", {0xf0, 0, 1}: "0001", {0, 4, 0x20}: "0110",
	} {
		var id chunk.ID
		copy(id[29:], last[:])
		if got := Suffix(id); got != want {
			t.Errorf("%x: %s, want %s", last, got, want)
		}
	}
}
