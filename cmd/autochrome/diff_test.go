package main

import (
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/restore"
)

// TestShortened: of long texts the place is shown where they begin to differ.
func TestShortened(t *testing.T) {
	text := func(s string) *chunk.Value { return &chunk.Value{Type: chunk.String, Str: s} }
	long := strings.Repeat("0123456789", 30)
	for _, x := range []struct {
		a, b          *chunk.Value
		before, after string
	}{
		{text("old"), text("new"), `"old"`, `"new"`},
		{nil, text(""), `none`, `""`},
		{&chunk.Value{Type: chunk.Int, Int: 1}, &chunk.Value{Type: chunk.Float, Float: 1}, "1", "1.0"},
		{text(long + "abc"), text(long + "xyz"), `…"567890123456789` + `abc"`, `…"567890123456789` + `xyz"`},
		{text(long), nil, `"` + long[:60] + `"…`, "none"},
		{text(long), text(long[:100]), `…"` + long[85:145] + `"…`, `…"` + long[85:100] + `"`},
		{text("\x1b[31m"), text("\u2028🦊"), `"\u001b[31m"`, `"\u2028🦊"`},
		{&chunk.Value{Type: chunk.Array, Array: []chunk.Value{*text("a"), {Type: chunk.Bool}}}, nil, `["a",false]`, "none"},
	} {
		before, after := shortened(restore.ValueDiff{Before: x.a, After: x.b})
		if before != x.before || after != x.after {
			t.Errorf("have %s → %s\nwant %s → %s", before, after, x.before, x.after)
		}
	}
}
