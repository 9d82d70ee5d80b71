package main

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTableFits(t *testing.T) {
	id := "snapshot_20261124_033825_2t25"
	make := func() *table {
		x := heading("ID", "N", "OF", "REMARKS", "COMMAND")
		x.add("an id of many words that is never cut", 5, id, "äöü "+strings.Repeat("remark ", 10), strings.Repeat("command ", 20))
		x.add("b", 6, "", "", "short")
		return x
	}
	widths := func(width int) []int {
		x := make()
		out := []int{37, 1, 29, 74, 160}
		x.fit(out, width)
		return out
	}
	for width, want := range map[int][]int{
		0:    {37, 1, 29, 74, 160}, // no terminal
		309:  {37, 1, 29, 74, 160}, // exactly
		308:  {37, 1, 29, 74, 159},
		200:  {37, 1, 29, 62, 63},
		30:   {37, 1, 29, 20, 20}, // as narrow as it gets
		1000: {37, 1, 29, 74, 160},
	} {
		if got := widths(width); !slices.Equal(got, want) {
			t.Errorf("in %d: widths %v, want %v", width, got, want)
		}
	}
	var b strings.Builder
	if err := make().write(&b); err != nil || !strings.Contains(b.String(), id) || strings.Contains(b.String(), "…") {
		t.Errorf("not for a terminal: %v\n%s", err, b.String())
	}
	b.Reset()
	x := heading("ID", "RECORDS", "NAME", "REMARKS")
	x.add(id, 5, "first", "two words")
	x.add("b", 6, "", "")
	if err := x.writeApart(&b, 30); err != nil || b.String() != id+"\n  records 5, name first,\n  remarks two words\nb\n  records 6\n" {
		t.Errorf("apart: %v\n%s", err, b.String())
	}
	if got := cut("äöüß", 3); got != "äö…" || utf8.RuneCountInString(cut("abc", 3)) != 3 {
		t.Errorf("cut to %q", got)
	}
}

func TestTableSparesColumns(t *testing.T) {
	id := "snapshot_20261124_033825_2t25"
	x := heading("ID", "TIME", "RECORDS", "STORED", "NAME")
	x.spare = []string{"STORED", "RECORDS"}
	x.add(id, "2026-11-24 03:38:25", 100, "1 MB", "first")
	for width, want := range map[int]string{
		0:  "ID TIME RECORDS STORED NAME",
		80: "ID TIME RECORDS STORED NAME",
		72: "ID TIME RECORDS NAME",
		60: "ID TIME NAME",
		50: id,
	} {
		var b strings.Builder
		if err := x.writeIn(&b, width); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(b.String(), "\n")
		if got := strings.Join(strings.Fields(first), " "); got != want {
			t.Errorf("in %d columns it begins %q, want %q", width, got, want)
		}
		if width == 50 && !strings.Contains(b.String(), "stored 1 MB") {
			t.Errorf("as a paragraph it has not all: %s", b.String())
		}
	}
}
