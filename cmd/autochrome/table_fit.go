package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// narrow is the width from which on columns are made narrower.
const narrow = 20

// widthOf is the width of a terminal; 0 where w is none, and has no bound.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// fit makes columns of sentences narrower until a table with a heading has the
// width, the widest first. Ids and other words are never cut: somebody may copy
// them. It gives false where the width does not suffice.
func (t *table) fit(widths []int, width int) bool {
	if !t.heading || width <= 0 {
		return true
	}
	all := -2 // behind the last column there is nothing
	for _, w := range widths {
		all += w + 2
	}
	for ; all > width; all-- {
		widest := -1
		for i, w := range widths {
			if w > narrow && t.sentences(i) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// writeApart prints each row of a table as a paragraph of its own: the first
// cell, and below it the others behind what stands over them.
func (t *table) writeApart(w io.Writer, width int) error {
	var b strings.Builder
	for _, row := range t.rows[1:] {
		b.WriteString(row[0] + "\n")
		line := ""
		for i, cell := range row[1:] {
			if cell == "" {
				continue
			}
			item := strings.ToLower(t.rows[0][i+1]) + " " + cell
			switch {
			case line == "":
				line = "  " + item
			case utf8.RuneCountInString(line)+len(", ")+utf8.RuneCountInString(item) < width:
				line += ", " + item
			default:
				b.WriteString(line + ",\n")
				line = "  " + item
			}
		}
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sentences reports whether a column has more than words that are not cut.
func (t *table) sentences(column int) bool {
	for _, row := range t.rows[1:] {
		if column < len(row) && utf8.RuneCountInString(row[column]) > narrow && !strings.Contains(row[column], " ") {
			return false
		}
	}
	return column > 0
}

// cut shortens a cell.
func cut(cell string, width int) string {
	if utf8.RuneCountInString(cell) <= width {
		return cell
	}
	return string([]rune(cell)[:width-1]) + "…"
}
