package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is columns of text. Under a heading, cells of numbers stand to the
// right.
type table struct {
	heading bool     // is the first row
	spare   []string // columns that are left out where there is no room, the first one first
	rows    [][]string
}

func heading(cells ...any) *table {
	t := &table{heading: true}
	t.add(cells...)
	return t
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = printable(fmt.Sprint(c))
	}
	t.rows = append(t.rows, row)
}

// write prints the table, cut to the width of w where that is a terminal.
func (t *table) write(w io.Writer) error { return t.writeIn(w, widthOf(w)) }

// writeIn prints the table in so many columns of a terminal; 0 is no terminal.
func (t *table) writeIn(w io.Writer, width int) error {
	narrower := t
	widths := narrower.widths()
	for rest := t.spare; !narrower.fit(widths, width); rest = rest[1:] {
		if len(rest) == 0 {
			return t.writeApart(w, width)
		}
		narrower = narrower.without(rest[0])
		widths = narrower.widths()
	}
	t = narrower
	var b strings.Builder
	for n, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.number(n, i) {
				line.WriteString(pad + cell + "  ")
			} else {
				line.WriteString(cell + pad + "  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// widths are those of the widest cells.
func (t *table) widths() (widths []int) {
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// without is the table without the column that has a heading.
func (t *table) without(head string) *table {
	out := &table{heading: t.heading}
	column := slices.Index(t.rows[0], head)
	for _, row := range t.rows {
		out.rows = append(out.rows, slices.Delete(slices.Clone(row), column, column+1))
	}
	return out
}

// number reports whether a cell stands to the right: a number, or a heading
// over one.
func (t *table) number(row, column int) bool {
	if !t.heading {
		return false
	}
	if row == 0 && len(t.rows) > 1 {
		row = 1
	}
	_, err := strconv.ParseFloat(strings.TrimRight(t.rows[row][column], " kMGTB"), 64)
	return err == nil
}

// size prints a number of bytes.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for f >= 999.5 && i < len(units)-1 {
		f /= 1000
		i++
	}
	if i == 0 || f >= 99.5 {
		return fmt.Sprintf("%.0f %s", f, units[i])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}

// plural is "1 record", "2 records".
func plural[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
