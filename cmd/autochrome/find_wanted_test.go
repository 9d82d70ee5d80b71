package main

import (
	"testing"
	"time"

	"autochrome/repo"
)

func TestNewestAt(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC) }
	list := []repo.Snapshot{
		{Name: "two", Time: at(2), Kind: repo.KindSnapshot},
		{Name: "one", Time: at(1), Kind: repo.KindSnapshot}, // its clock was behind
		{Name: "three", Time: at(3), Kind: repo.KindPoint},
		{Name: "bad", Time: at(4), Kind: repo.KindSnapshot, Suspect: "shrunken"},
		{Name: "before", Time: at(5), Kind: repo.KindPreRollback},
		{Name: "six", Time: at(6), Kind: repo.KindSnapshot},
	}
	for hour, want := range map[int]string{0: "", 1: "one", 2: "two", 3: "three", 4: "three", 5: "three", 6: "six", 9: "six"} {
		s, err := newestAt(ofSource{"s", append([]repo.Snapshot(nil), list...)}, repo.Snapshot.Good, at(hour))
		if s.Name != want || (err == nil) != (want != "") {
			t.Errorf("at %d: %q, %v", hour, s.Name, err)
		}
		if want == "" {
			if _, hint := explain(err); hint != "the oldest is "+called(list[1])+", of 2026-11-23 01:00:00 UTC" {
				t.Errorf("hint %q", hint)
			}
		}
	}
	if _, err := newestAt(ofSource{"s", list[3:5:5]}, repo.Snapshot.Good, at(9)); err == nil {
		t.Error("a suspect snapshot counts as good")
	}
}
