package repo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"autochrome/chunk"
)

// present is the present time of these tests: a Tuesday.
var present = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// past describes snapshots by lines of a letter and an age, such as "a 3d" or
// "b 5h point run=a", where a is a base. Further words: suspect, before (a rollback), unused, held,
// ended, source=, scope=, tag=NAME:VALUE, of=LETTER (a supplement), own=AGE
// (where the writer's clock said otherwise). Ages are as periods, or negative.
func past(t testing.TB, text string) (list []Snapshot, notes map[chunk.ID]Notes, name func(chunk.ID) string) {
	t.Helper()
	notes = map[chunk.ID]Notes{}
	letters := map[chunk.ID]string{}
	byLetter := map[string]Snapshot{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		s := snapshotOf()
		s.ID = chunk.ID{0: 1, 29: byte(len(letters) >> 16), 30: byte(len(letters) >> 8), 31: byte(len(letters))}
		s.Stored = ago(t, words[1])
		s.Time = s.Stored
		n := Notes{}
		for _, w := range words[2:] {
			key, value, _ := strings.Cut(w, "=")
			switch key {
			case "own":
				s.Time = ago(t, value)
			case "point":
				s.Kind = KindPoint
			case "base":
				s.Tags = map[string]string{TagRunBase: "true"}
			case "run":
				s.Run = value
				if base, ok := byLetter[value]; ok {
					s.Run = RunName(base)
				}
			case "suspect":
				n[KeySuspect] = Annotation{Value: "shrunken"}
			case "before":
				s.Kind = KindPreRollback
			case "unused":
				n[TagKey(TagRollback)] = Annotation{Value: RollbackUnused}
			case "of":
				s.Tags = map[string]string{TagSupplement: byLetter[value].DisplayID()}
			case "held":
				n[KeyHold] = Annotation{Value: value}
			case "released":
				n[KeyHold] = Annotation{Removed: true}
			case "ended":
				n[KeyRunEnded] = Annotation{Value: "success"}
			case "source":
				s.Source = value
			case "scope":
				s.Scope.Collections = []string{value}
			case "tag":
				k, v, _ := strings.Cut(value, ":")
				n[TagKey(k)] = Annotation{Value: v}
			default:
				t.Fatalf("%q?", w)
			}
		}
		letters[s.ID], byLetter[words[0]], notes[s.ID] = words[0], s, n
		list = append(list, s)
	}
	return list, notes, func(id chunk.ID) string { return letters[id] }
}

func ago(t testing.TB, text string) time.Time {
	t.Helper()
	if after, ok := strings.CutPrefix(text, "-"); ok {
		p, err := ParsePeriod(after)
		must(t, err)
		return present.AddDate(p.Years, p.Months, p.Days).Add(time.Duration(p.Hours) * time.Hour)
	}
	if text == "0" {
		return present
	}
	p, err := ParsePeriod(text)
	must(t, err)
	return p.Before(present)
}

func keptBy(p Policy, list []Snapshot, notes map[chunk.ID]Notes) (kept []Snapshot) {
	for _, d := range p.Apply(list, notes, present) {
		if d.Kept() {
			kept = append(kept, d.Snapshot)
		}
	}
	return kept
}

const week = 7 * 24 * time.Hour

func TestRetention(t *testing.T) {
	period := func(text string) Period {
		p, err := ParsePeriod(text)
		must(t, err)
		return p
	}
	prod := "prod"
	for _, c := range []struct {
		name   string
		policy Policy
		past   string
		want   string
	}{
		{"younger than a week", Policy{Age: week}, "a 30d\n b 8d\n c 7d\n d 6d23h\n e 1h", "d e"},
		{"the last good one stays", Policy{Age: week}, "a 40d\n b 30d\n c 20d", "c"},
		{"of each source", Policy{Age: week}, "a 40d\n b 30d source=x\n c 20d", "b c"},
		{"of each scope", Policy{Age: week}, "a 40d\n b 30d scope=docs\n c 20d scope=docs", "a c"},
		{"and the last of all", Policy{Age: week}, "a 40d\n b 30d\n c 25d suspect\n d 20d suspect", "b d"},
		{"suspect without a good one", Policy{Age: week}, "a 40d suspect\n b 30d suspect", "b"},
		{"a state before a rollback is not the last good one", Policy{Age: week}, "a 40d\n b 30d\n c 20d before unused", "b"},

		{"last", Policy{Last: 2}, "a 4d\n b 3d\n c 2d\n d 1d", "c d"},
		{"suspect ones push out nothing", Policy{Last: 2}, "a 4d\n b 3d\n c 2d\n d 1d suspect\n e 1h suspect\n f 0 suspect", "b c e f"},
		{"states before rollbacks push out nothing", Policy{Last: 1}, "a 4d\n b 3d\n c 2d before unused\n d 1d before unused", "b d"},
		{"points push out nothing", Policy{Last: 2}, "a 9d\n b 8d\n c 7d base ended\n d 6d12h point run=c\n e 6d point run=c", "b c d e"},
		{"unlimited", Policy{Last: Unlimited}, "a 4y\n b 3y\n c 2y", "a b c"},
		{"hourly", Policy{Hourly: 2}, "a 5h\n b 3h\n c 1h\n d 1h\n e 0", "d e"},
		{"daily, and the oldest", Policy{Daily: 7}, "a 3d2h\n b 3d1h\n c 3d\n d 2d1h\n e 2d\n f 1h\n g 0", "a c e g"},
		{"daily counts days that have one", Policy{Daily: 2}, "a 30d\n b 20d\n c 10d", "b c"},
		{"weekly: a week begins on Monday", Policy{Weekly: 2}, "a 9d\n b 2d\n c 1d\n d 0", "b d"},
		{"monthly", Policy{Monthly: 2}, "a 3m\n b 2m\n c 1m1d\n d 1m\n e 1d", "d e"},
		{"yearly", Policy{Yearly: 1}, "a 2y\n b 1y\n c 1m", "c"},
		{"the union", Policy{Last: 1, Daily: 2, Tags: []TagRule{{Name: "env", Value: &prod}}},
			"a 9d tag=env:prod\n b 8d tag=env:dev\n c 1d1h\n d 1d\n e 1h\n f 0", "a d f"},
		{"tag of any value", Policy{Tags: []TagRule{{Name: "env"}}}, "a 9d tag=env:prod\n b 8d tag=env:dev\n c 7d\n d 6d", "a b d"},
		{"within", Policy{Within: period("1m2d")}, "a 2m10d\n b 2m1d\n c 1m", "b c"},
		{"within of each source by itself", Policy{Within: period("2d")}, "a 13d source=x\n b 12d source=x\n c 11d source=x\n d 3d\n e 0", "a b c e"},
		{"within does not count from a suspect one", Policy{Within: period("2d")}, "a 13d\n b 12d\n c 11d\n d 0 suspect", "a b c d"},
		{"within does not count from the future", Policy{Within: period("2d")}, "a 3d\n b 1d\n c 0 own=-9y", "b c"},

		{"held", Policy{Last: 1}, "a 9d held=audit\n b 8d held\n c 7d released\n d 6d", "a b d"},
		{"state before the last rollback", Policy{Last: 1, Age: time.Hour},
			"a 9d\n b 8d before\n c 7d before of=b\n d 6d before\n e 5d before of=d\n f 4d before of=d\n g 3d before unused\n h 2d", "d e f g h"},

		{"a slow clock", Policy{Age: week}, "a 30d\n b 3d own=30d\n c 1h", "b c"},
		{"a fast clock", Policy{Age: week}, "a 30d\n b 30d own=3d\n c 1h", "b c"},
		{"a clock that stands still", Policy{Daily: 3}, "a 9d own=1y\n b 8d own=1y\n c 7d own=1y\n d 6d own=1y", "a b c d"},
		{"copies of one hour", Policy{Daily: 2}, "a 0 own=9d\n b 0 own=8d\n c 0 own=7d", "a b c"},

		{"base and last point of a run that goes on", Policy{Age: week}, "a 30d base\n b 29d point run=a\n c 20d point run=a\n d 1h", "a c d"},
		{"all points of a young run that goes on", Policy{Age: week}, "a 6d base\n b 5d point run=a\n c 5d point run=a", "a b c"},
		{"a run that ended goes as a whole", Policy{Age: week}, "a 30d base ended\n b 29d point run=a\n c 20d point run=a\n d 1h", "d"},
		{"but not before its last point", Policy{Age: week}, "a 30d base ended\n b 29d point run=a\n c 6d point run=a\n d 1h", "a b c d"},
		{"points of the last day", Policy{Last: 1}, "a 23h base ended\n b 22h point run=a\n c 21h point run=a\n d 20h point run=a\n e 1h", "b c d e"},
		{"points without their base", Policy{Age: week}, "a 9d point run=a\n b 8d point run=a\n c 1d point run=s\n d 1d point run=s\n e 1h", "c d e"},
		{"a point that is held, and one with a tag", Policy{Tags: []TagRule{{Name: "k"}}}, "a 30d base ended\n b 29d point run=a held\n c 28d point run=a tag=k:v\n d 27d point run=a\n e 1h", "b c e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, notes, name := past(t, c.past)
			var kept []string
			for _, s := range keptBy(c.policy, list, notes) {
				kept = append(kept, name(s.ID))
			}
			if got := strings.Join(kept, " "); got != c.want {
				t.Errorf("kept %s, want %s", got, c.want)
				for _, d := range c.policy.Apply(list, notes, present) {
					t.Logf("%s: %v", name(d.Snapshot.ID), d.Reasons)
				}
			}
		})
	}
}

func TestRetentionReasons(t *testing.T) {
	p := Policy{Age: week, Last: 1, Daily: 9, Within: Period{Days: 1}}
	list, notes, _ := past(t, "a 8d held=audit\n b 7d\n c 1d\n d 1h before\n e 0")
	var got []string
	for _, d := range p.Apply(list, notes, present) {
		got = append(got, strings.Join(d.Reasons, ", "))
	}
	want := []string{
		"daily, held: audit",
		"daily",
		"younger than 7 days, within 1d, daily",
		"younger than 7 days, within 1d, last, daily, state before the last rollback",
		"last good one of its source, younger than 7 days, within 1d, last, daily",
	}
	if !slices.Equal(got, want) {
		t.Errorf("reasons\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A thousand points of a finished run: after a day the last and fifteen or
// sixteen others stay, spread over the whole time, and stay the same ones.
func TestPointsThinOut(t *testing.T) {
	text := "b 2d base ended\n"
	for i := range 1000 {
		text += fmt.Sprintf("p%d 1d10h point run=b\n", i)
	}
	list, notes, _ := past(t, text)
	for i := range list[1:] {
		at := list[0].Time.Add(time.Duration(i+1) * time.Second)
		list[i+1].Time, list[i+1].Stored = at, at
	}
	p := Policy{Age: week}
	once := keptBy(p, list, notes)
	if n := len(once); n < 17 || n > 18 || once[0].ID != list[0].ID || once[n-1].ID != list[1000].ID {
		t.Fatalf("%d of 1001 kept, %v to %v", n, once[0], once[n-1])
	}
	for i := range once[1:] {
		if gap := once[i+1].Time.Sub(once[i].Time); gap > time.Second*1000/spreadPoints*2 {
			t.Errorf("nothing is kept for %v after %v", gap, once[i])
		}
	}
	if again := keptBy(p, once, notes); len(again) != len(once) {
		t.Errorf("%d kept the first time, %d the second", len(once), len(again))
	}
}

// copies gives what copies in a repository with other ids are: all that the
// snapshots and what is said about them say, under other identities.
func copies(list []Snapshot, notes map[chunk.ID]Notes) ([]Snapshot, map[chunk.ID]Notes) {
	out, said := slices.Clone(list), map[chunk.ID]Notes{}
	for i := range out {
		origin := out[i].ID
		out[i].CopiedFrom = &origin
		for at := range out[i].ID {
			out[i].ID[at] ^= 0x55
		}
		said[out[i].ID] = notes[origin]
	}
	return out, said
}

// A copy keeps what the original keeps: also the points of its runs and the
// supplements of the states before rollbacks, which name these as they were
// called where they were made.
func TestRetentionOfCopies(t *testing.T) {
	for text, want := range map[string]string{
		"b 3d base\n p 3d point run=b\n q 2d point run=b\n c 0":       "b q c",
		"b 3d base ended\n p 3d point run=b\n q 2d point run=b\n c 0": "c",
		"a 4d\n d 3d before\n s 3d of=d before\n c 0":                 "d s c",
	} {
		list, notes, name := past(t, text)
		for what, p := range map[string]Policy{"daily": {Daily: 1}, "age": {Age: time.Hour}} {
			list, notes := list, notes
			for range 2 {
				var got []string
				for _, s := range keptBy(p, list, notes) {
					got = append(got, name(s.Origin()))
				}
				if strings.Join(got, " ") != want {
					t.Errorf("%q, %s: %v are kept, want %s", text, what, got, want)
				}
				list, notes = copies(list, notes)
			}
		}
	}
}

func TestIrreplaceable(t *testing.T) {
	list, notes, name := past(t, "a 9d\n b 8d\n c 7d suspect\n d 6d before\n e 5d source=x suspect\n f 4d source=y\n g 3d source=y suspect")
	for remove, want := range map[string]string{
		"a": "", "b": "", "c": "", "d": "", "a b": "b", "a b c d": "b", "e": "e", "f": "f", "g": "", "f g": "f", "b f": "f",
	} {
		set := map[chunk.ID]bool{}
		for _, s := range list {
			set[s.ID] = slices.Contains(strings.Fields(remove), name(s.ID))
		}
		var got []string
		for _, s := range Irreplaceable(list, notes, set) {
			got = append(got, name(s.ID))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %s irreplaceable are %v, want %s", remove, got, want)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	at := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"1y2m3d4h": "2025-01-28 08:00", "7d": "2026-03-24 12:00", "48h": "2026-03-29 12:00", "1m": "2026-03-03 12:00", "2y12h": "2024-03-31 00:00",
	} {
		p, err := ParsePeriod(text)
		if err != nil || p.Before(at).Format("2006-01-02 15:04") != want || p.String() != text {
			t.Errorf("%s: %v before, %v, %v", text, p.Before(at), p, err)
		}
	}
	for _, text := range []string{"", "0d", "7", "d", "1h1d", "1w", "-1d", "1.5d", "1d 2h", "999999d", "1D"} {
		_, err := ParsePeriod(text)
		wantErr(t, err, ErrInvalid)
	}
}
