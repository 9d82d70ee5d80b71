package main

import (
	"bufio"
	"fmt"
	"math"
	"strconv"
	"strings"

	"autochrome/chunk"
	"autochrome/restore"
	"autochrome/tree"
)

// diffText prints a comparison for a person: records as they come, and a table
// of the collections at the end.
type diffText struct {
	*differing
	recordText
	headed bool
}

// head says what is compared, once, before anything else.
func (d *diffText) head() {
	if !d.headed && !d.quiet {
		d.line("from %s", printable(d.a.long))
		d.line("to   %s:", printable(d.b.long))
	}
	d.headed = true
}

func (d *diffText) record(x restore.RecordDiff) error {
	d.head()
	return d.recordText.record(x)
}

// recordText prints records that differ.
type recordText struct {
	out    *bufio.Writer
	within string // the collection whose records are printed
}

// line adds a line. The writer keeps an error until it is flushed.
func (d *recordText) line(format string, args ...any) {
	_, _ = d.out.WriteString(harmless(fmt.Sprintf(format, args...)) + "\n")
}

var opSigns = map[tree.Op]string{tree.Added: "+", tree.Removed: "-", tree.Changed: "~", tree.Moved: ">"}

func (d *recordText) record(x restore.RecordDiff) error {
	if d.within != x.Collection {
		d.within = x.Collection
		d.line("%s", printable(x.Collection))
	}
	id := "  " + opSigns[x.Op] + " " + printable(x.ID)
	switch {
	case x.Op == tree.Moved:
		d.line("%s  at another place in the order", id)
		return nil
	case x.Moved:
		d.line("%s  also at another place in the order", id)
	case x.Op != tree.Changed:
		d.line("%s%s", id, sketch(x))
		return nil
	default:
		d.line("%s", id)
	}
	detail := func(what string, v restore.ValueDiff) {
		before, after := shortened(v)
		d.line("      %s: %s → %s", printable(what), before, after)
	}
	for _, m := range x.Metadata {
		detail("metadata "+m.Name, m)
	}
	for _, v := range []*restore.ValueDiff{x.Document, x.URI} {
		if v != nil {
			detail(v.Name, *v)
		}
	}
	if x.Embedding != nil {
		d.line("      embedding: %s", apart(*x.Embedding))
	}
	return nil
}

// sketch shows a record that only one side has, in one line.
func sketch(x restore.RecordDiff) string {
	var b strings.Builder
	add := func(what string, v restore.ValueDiff) {
		if v.Before == nil {
			v.Before, v.After = v.After, nil
		}
		text, _ := shortened(v)
		b.WriteString("  " + printable(what) + text)
	}
	if x.Document != nil {
		add("", *x.Document)
	}
	if x.URI != nil {
		add("uri ", *x.URI)
	}
	for _, m := range x.Metadata {
		add(m.Name+"=", m)
	}
	return b.String()
}

// apart says how far two embeddings are from one another.
func apart(e restore.EmbeddingDiff) string {
	side := func(n, null int) string {
		switch {
		case n == 0:
			return "none"
		case null > 0:
			return fmt.Sprintf("%s, %d without a value", plural(n, "component"), null)
		}
		return plural(n, "component")
	}
	switch {
	case !e.Comparable:
		return side(e.Before, e.NullBefore) + " → " + side(e.After, e.NullAfter)
	case e.Largest == 0:
		return "only the sign of a zero"
	case math.IsNaN(e.Cosine):
		return fmt.Sprintf("a zero vector on one side; largest change %s, in component %d", brief(e.Largest), e.At)
	}
	return fmt.Sprintf("cosine distance %s; largest change %s, in component %d", brief(e.Cosine), brief(e.Largest), e.At)
}

// brief writes a number for a person.
func brief(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }

const (
	shownRunes  = 60 // of a text
	shownCommon = 15 // of what two texts begin with
)

// shortened shows both sides of a value. Of long texts it shows where they
// begin to differ.
func shortened(v restore.ValueDiff) (before, after string) {
	skip := 0
	var a, b []rune
	texts := v.Before != nil && v.After != nil && v.Before.Type == chunk.String && v.After.Type == chunk.String
	if texts {
		a, b = []rune(v.Before.Str), []rune(v.After.Str)
		for skip < len(a) && skip < len(b) && a[skip] == b[skip] {
			skip++
		}
		if skip = max(0, skip-shownCommon); max(len(a), len(b)) <= shownRunes {
			skip = 0
		}
	}
	return excerpt(v.Before, skip), excerpt(v.After, skip)
}

// excerpt shows a value from a rune on; nil is none.
func excerpt(v *chunk.Value, skip int) string {
	if v == nil {
		return "none"
	}
	text, quoted := []rune(v.Str), v.Type == chunk.String
	if !quoted {
		text = []rune(string(chunk.AppendValueJSON(nil, *v)))
	}
	text = text[min(skip, len(text)):]
	end := ""
	if len(text) > shownRunes {
		text, end = text[:shownRunes], "…"
	}
	s := string(text)
	if quoted {
		s = string(chunk.AppendJSONString(nil, s))
	}
	if skip > 0 {
		s = "…" + s
	}
	return printable(s) + end
}

// collection does nothing: the table comes at the end.
func (d *diffText) collection(restore.CollectionDiff) error { return nil }

func (d *diffText) end(rep restore.DiffReport) error {
	d.head()
	records, moved := int64(0), int64(0)
	t := heading("COLLECTION", "ADDED", "REMOVED", "CHANGED", "MOVED", "WHAT")
	for _, c := range rep.Collections {
		records, moved = records+c.After, moved+c.Moved
		if d.quiet && !c.Same() {
			d.line("%s", printable(c.Name))
		}
		if !c.Same() || c.Moved > 0 {
			t.add(c.Name, c.Added, c.Removed, c.Changed, c.Moved, d.differs(c))
		}
	}
	if d.quiet {
		return nil
	}
	if rep.Same() {
		order := ""
		if moved > 0 {
			order = fmt.Sprintf(" (%s at another place in the order)", plural(moved, "record"))
		}
		d.line("no difference in %s of %s%s", plural(records, "record"), plural(len(rep.Collections), "collection"), order)
	} else {
		if d.within != "" {
			d.line("")
		}
		if err := t.writeIn(d.out, widthOf(d.session.out)); err != nil {
			return err
		}
	}
	if len(rep.NotCompared) > 0 {
		d.line("not compared, since one side did not look for them: %s", printable(join(rep.NotCompared)))
	}
	return nil
}

// differs says what differs besides the number of records.
func (d *diffText) differs(c restore.CollectionDiff) string {
	var words []string
	switch c.In {
	case restore.OnlyA:
		words = append(words, "only in "+d.a.short)
	case restore.OnlyB:
		words = append(words, "only in "+d.b.short)
	}
	if c.RenamedFrom != "" {
		words = append(words, "renamed from "+c.RenamedFrom)
	}
	for _, f := range c.Fields {
		before, after := shortened(f)
		words = append(words, fmt.Sprintf("%s %s → %s", f.Name, before, after))
	}
	var columns []string
	for _, k := range chunk.Columns {
		if n := c.Columns[k.String()]; n > 0 {
			columns = append(columns, fmt.Sprintf("%s of %d", k, n))
		}
	}
	if len(columns) > 0 {
		words = append(words, strings.Join(columns, ", "))
	}
	return strings.Join(words, "; ")
}
