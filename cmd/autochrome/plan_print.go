package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"autochrome/chunk"
	"autochrome/restore"
)

// printPlan shows a plan as a table.
func printPlan(w io.Writer, id string, p *restore.Plan, drop bool) error {
	if p.Empty() {
		what := "the database"
		if p.Part {
			what = "what is asked for"
		}
		_, err := fmt.Fprintf(w, "nothing to do: %s is as in %s%s\n", what, id, movedIn(p))
		return err
	}
	if _, err := fmt.Fprintf(w, "to be as in %s:\n", id); err != nil {
		return err
	}
	t := heading("COLLECTION", "ADD", "UPDATE", "DELETE", "MOVED", "WHAT")
	for _, c := range p.Collections {
		t.add(c.Name, c.Added, c.Updated, c.Deleted, c.Moved, what(c))
	}
	extra := "not in the snapshot: kept, unless --drop-extra"
	if drop {
		extra = "not in the snapshot: dropped"
	}
	for _, name := range p.Extra {
		t.add(name, "-", "-", "-", "-", extra)
	}
	for _, l := range p.Left {
		t.add(l.Name, "-", "-", "-", "-", "beside "+l.Of+" since an earlier swap: dropped")
	}
	if err := t.write(w); err != nil {
		return err
	}
	return printNeeds(w, p.Needs)
}

// printNeeds says what a plan takes, and what of it cannot be had.
func printNeeds(w io.Writer, n *restore.Needs) error {
	if n == nil { // it did not come to that
		return nil
	}
	_, err := fmt.Fprintf(w, "%s, %s, about %s\n", plural(n.Requests, "writing request"), size(n.Bytes), about(n.Millis))
	if err != nil || n.Unwritable == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w, "the server will not hold as in the snapshot:"); err != nil {
		return err
	}
	named := table{}
	addUnwritable(&named, n.Inexact, n.Refused)
	if more := n.Unwritable - len(n.Inexact) - len(n.Refused); more > 0 {
		named.add(fmt.Sprintf("and %d more", more))
	}
	return named.write(w)
}

// addUnwritable names what a server does not hold as it shall.
func addUnwritable(t *table, inexact []chunk.Inexact, refused []chunk.Refused) {
	for _, x := range inexact {
		held := fmt.Sprintf("%s is held as %s", x.Want, x.Stored)
		if x.Distance != "" {
			held += " (" + x.Distance + ")"
		}
		t.add("inexact", x.Collection, x.ID, x.Where, held)
	}
	for _, x := range refused {
		t.add("refused", x.Collection, x.ID, x.Reason)
	}
}

// about rounds a time that is an estimate.
func about(millis int64) string {
	d := time.Duration(millis) * time.Millisecond
	switch {
	case d < time.Second:
		return "1 s or less"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h", int(d.Hours()+0.5))
}

func movedIn(p *restore.Plan) string {
	n := 0
	for _, c := range p.Collections {
		n += c.Moved
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s at another place in the order)", plural(n, "record"))
}

// what says what a plan does with a collection besides its records.
func what(c restore.CollectionPlan) string {
	var words []string
	switch c.Action {
	case restore.Keep:
		words = append(words, "nothing")
		if c.Reason != "" {
			words[0] += ": " + c.Reason
		}
	case restore.Create:
		words = append(words, "created")
	case restore.Recreate:
		words = append(words, "made anew: "+c.Reason)
	}
	if c.Swap {
		words = append(words, "made beside and exchanged, "+plural(c.Records(), "record"))
	}
	if c.RenamedFrom != "" {
		words = append(words, "renamed from "+c.RenamedFrom)
	}
	if len(c.Fields) > 0 && c.Action == restore.Change {
		words = append(words, "set "+join(c.Fields))
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
