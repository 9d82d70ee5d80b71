package repo

import (
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

// listed gives snapshots as Snapshots does, one a minute.
func listed(changes ...func(*Snapshot)) []Snapshot {
	var list []Snapshot
	for i, change := range changes {
		s := snapshotOf()
		s.Time = time.Date(2026, 11, 23, 4, i, 0, 0, time.UTC)
		s.Stored = s.Time
		s.ID = chunk.ID{0xab, 0xcd, 0xef, 0x01, byte(i), 31: byte(i)}
		if change != nil {
			change(&s)
		}
		list = append(list, s)
	}
	return list
}

func TestFind(t *testing.T) {
	list := listed(
		nil,
		func(s *Snapshot) { s.Name = "nightly" },
		func(s *Snapshot) { s.Name = "nightly" },
		func(s *Snapshot) { s.Name, s.Suspect = "nightly", "shrunken" },
		func(s *Snapshot) { s.Name = "Before 2.0" },
		func(s *Snapshot) { s.Kind = KindPoint },
		func(s *Snapshot) { s.Kind = KindPreRollback },
		func(s *Snapshot) { s.Name = "bad" },
		func(s *Snapshot) { s.Time = s.Time.Add(-time.Minute) }, // the same minute as before
	)
	list[8].ID[31] = 0
	notes := map[chunk.ID]Notes{
		list[7].ID: {KeySuspect: {Value: "looks wrong"}},
		list[8].ID: {KeySuspect: {}},
	}
	for _, test := range []struct {
		word string
		want int // -1: none, -2: several
		says string
	}{
		{"latest", 5, ""},
		{"nightly", 2, ""},
		{"Before 2.0", 4, ""},
		{"before 2.0", -1, "Before 2.0"},
		{"bad", 7, ""},
		{list[0].DisplayID(), 0, ""},
		{strings.ToUpper(list[0].DisplayID()), 0, ""},
		{"snapshot_20261123_0400", 0, ""},
		{"20261123_0402", 2, ""},
		{"20261123_040600", 6, ""},
		{"20261123_040700", -2, list[7].DisplayID()},
		{list[7].DisplayID(), 7, ""},
		{list[8].DisplayID(), 8, ""},
		{"2026", -2, "and 4 more"},
		{"abcdef0103", 3, ""},
		{"ABCDEF0103", 3, ""},
		{list[3].ID.String(), 3, ""},
		{"abcdef01", -2, ""},
		{"abcdef", -1, ""},
		{"snapshot_", -2, list[8].DisplayID()},
		{"snap", -2, "and 4 more"},
		{"snapshots", -1, ""},
		{"", -1, "autochrome snapshot list"},
		{"nightlt", -1, "nightly"},
		{"20261123_050000_0000", -1, "did you mean snapshot_20261123_0"},
		{"something else", -1, "autochrome snapshot list"},
		{strings.Repeat("x", 10000), -1, ""},
	} {
		t.Run(test.word[:min(len(test.word), 40)], func(t *testing.T) {
			got, err := find(list, notes, test.word, "")
			var e *FindError
			switch {
			case test.want >= 0 && (err != nil || got.ID != list[test.want].ID):
				t.Errorf("found %v, %v, want %v", got, err, list[test.want])
			case test.want == -1:
				wantErr(t, err, ErrNoSnapshot)
			case test.want == -2:
				wantErr(t, err, ErrAmbiguous)
			}
			if test.want < 0 && (!errors.As(err, &e) || e.Word != test.word) {
				t.Errorf("error %v", err)
			}
			if test.says != "" {
				mustContain(t, err, test.says)
			}
		})
	}
}

// TestFindCopy: a copy with an id of its own is also found by the one that it had,
// unless that means another snapshot here.
func TestFindCopy(t *testing.T) {
	elsewhere, here := chunk.ID{31: 77}, chunk.ID{31: 78}
	copied := func(of chunk.ID) func(*Snapshot) { return func(s *Snapshot) { s.CopiedFrom = &of } }
	same := func(s *Snapshot) { s.ID, s.Time = here, s.Time.Add(-time.Minute) }
	list := listed(copied(elsewhere), copied(here), same)
	for word, want := range map[string]int{
		list[0].DisplayID():  0,
		list[0].OriginalID(): 0,
		strings.TrimPrefix(list[0].OriginalID(), displayPrefix): 0,
		list[1].DisplayID():  1,
		list[1].OriginalID(): 2,
	} {
		if got, err := find(list, nil, word, ""); err != nil || got.ID != list[want].ID {
			t.Errorf("%s: found %v, %v, want %v", word, got, err, list[want])
		}
	}
}

// TestFindImported: an archive that is imported is not the latest for that.
func TestFindImported(t *testing.T) {
	imported := func(minutes int) func(*Snapshot) {
		return func(s *Snapshot) {
			s.Kind, s.Time = KindImported, s.Time.Add(time.Duration(minutes)*time.Minute)
		}
	}
	for name, test := range map[string]struct {
		list []Snapshot
		want int
	}{
		"older":       {listed(nil, nil, imported(-60)), 1},
		"newer":       {listed(nil, nil, imported(60)), 2},
		"alone":       {listed(imported(0), imported(-60)), 0},
		"one by one":  {listed(imported(0), imported(0)), 1},
		"own is late": {listed(imported(-60), nil, imported(-90)), 1},
	} {
		if got, err := find(test.list, nil, "latest", ""); err != nil || got.ID != test.list[test.want].ID {
			t.Errorf("%s: found %v, %v", name, got, err)
		}
	}
}

func TestFindSource(t *testing.T) {
	list := listed(
		func(s *Snapshot) { s.Source, s.Name = "a", "x" },
		func(s *Snapshot) { s.Source, s.Name = "b", "x" },
		func(s *Snapshot) { s.Source, s.Suspect = "c", "damaged" },
	)
	for _, test := range []struct {
		word, source string
		want         error
		says         string
		at           int
	}{
		{"latest", "", ErrAmbiguous, `"a", "b", "c"`, 0},
		{"latest", "a", nil, "", 0},
		{"latest", "b", nil, "", 1},
		{"latest", "c", ErrNoSnapshot, list[2].DisplayID(), 0},
		{"latest", "d", ErrNoSnapshot, `"d"`, 0},
		{"x", "", ErrAmbiguous, `"a", "b"`, 0},
		{"x", "b", nil, "", 1},
		{"x", "c", ErrNoSnapshot, "", 0},
		{list[1].DisplayID(), "a", nil, "", 1},
	} {
		s, err := find(list, nil, test.word, test.source)
		if !errors.Is(err, test.want) || err == nil && s.ID != list[test.at].ID {
			t.Errorf("%s of %q: %v, %v", test.word, test.source, s, err)
		}
		if test.says != "" {
			mustContain(t, err, test.says)
		}
	}
	_, err := find(nil, nil, "latest", "")
	wantErr(t, err, ErrNoSnapshot)
	mustContain(t, err, "autochrome snapshot create")
}

// TestOrderOfSnapshots: children follow their parents whatever the clocks say.
func TestOrderOfSnapshots(t *testing.T) {
	list := listed(nil, nil, nil, nil, nil, nil)
	child := func(i, of int) { list[i].Parent = &list[of].ID }
	child(1, 0)
	child(0, 5) // the store's clock went back
	child(4, 3)
	list[2].Stored = list[4].Stored // the same second
	list[2].Time = list[4].Time.Add(time.Second)
	unknown := chunk.ID{99}
	list[3].Parent = &unknown
	want := []chunk.ID{list[5].ID, list[0].ID, list[1].ID, list[3].ID, list[4].ID, list[2].ID}
	for range 20 {
		shuffled := slices.Clone(list)
		rand.Shuffle(len(list), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		var got []chunk.ID
		for _, s := range inOrder(shuffled) {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
	child(5, 1) // impossible, but must end
	if got := inOrder(list); len(got) != len(list) {
		t.Errorf("%d of %d", len(got), len(list))
	}
}

func TestSources(t *testing.T) {
	ctx := t.Context()
	m := &backend.Memory{Clock: tick()}
	r := initialised(t, m)
	var newest Snapshot
	must(t, r.Write(ctx, func(w *Writer) error {
		ids, err := save(ctx, w, "x")
		must(t, err)
		for i := range 5 {
			s := snapshotOf(ids...)
			s.Source = fmt.Sprint("source ", i%2)
			s, err := w.SaveSnapshot(ctx, s)
			must(t, err)
			if i%2 == 0 {
				newest = s
			}
		}
		return nil
	}))
	for _, r := range []*Repository{r, opened(t, m)} {
		sources, err := r.Sources(ctx)
		must(t, err)
		if len(sources) != 2 || sources[0].Snapshots != 3 || sources[0].Newest.ID != newest.ID || sources[1].Name != "source 1" {
			t.Errorf("sources %+v", sources)
		}
		s, ok, err := r.Newest(ctx, "source 0")
		if s.ID != newest.ID || !ok || err != nil {
			t.Errorf("newest %v, %v, %v", s, ok, err)
		}
		if _, ok, err := r.Newest(ctx, "source 9"); ok || err != nil {
			t.Errorf("a source that is not there: %v, %v", ok, err)
		}
		s, err = r.Find(ctx, "latest", "source 0")
		if s.ID != newest.ID || err != nil {
			t.Errorf("latest %v, %v", s, err)
		}
		must(t, r.Annotate(ctx, Annotation{Snapshot: newest.ID, Key: KeySuspect, Value: "x"}))
		s, err = r.Find(ctx, "latest", "source 0")
		if s.ID == newest.ID || err != nil {
			t.Errorf("latest is the suspect %v, %v", s, err)
		}
		must(t, r.Annotate(ctx, Annotation{Snapshot: newest.ID, Key: KeySuspect, Removed: true}))
	}
}
