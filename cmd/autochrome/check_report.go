package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// checkReport prints what a check finds: files as they are found, and then what
// their damage touches, the same in many snapshots once.
type checkReport struct {
	*session
	failed  error // to print
	touched int   // snapshots
	shown   int   // lines about files
	more    int   // files that were not shown
	ranges  map[damagedRange]*touches
}

// damagedRange is a column of some records of a collection, in a row.
type damagedRange struct {
	collection   string
	kind         chunk.Kind
	first, count int64
	from, to     string // ids, "" where they are not known
	after, last  string // ids of the records around
	why          string
}

// touches are the snapshots that a range is damaged in.
type touches struct {
	snapshots   int
	first, last string
}

// findingJSON is one file that check --json found something about.
type findingJSON struct {
	Type    string `json:"type"` // file
	File    string `json:"file"`
	Damaged bool   `json:"damaged"`
	Chunks  int    `json:"chunks,omitempty"` // that are affected
	Text    string `json:"text"`
}

// touchedJSON are records that check --json found to lack something.
type touchedJSON struct {
	Type       string   `json:"type"` // records
	SnapshotID string   `json:"snapshot_id"`
	Collection string   `json:"collection,omitempty"` // none: all of the snapshot
	Column     string   `json:"column"`               // nodes or groups: all columns
	First      int64    `json:"first"`                // position, from 0 on
	Count      int64    `json:"count"`
	IDs        []string `json:"ids,omitempty"`      // where they can be read
	After      string   `json:"after_id,omitempty"` // of a record before these
	Last       string   `json:"last_id,omitempty"`  // of the last of these, or of one behind
	Error      string   `json:"error"`
}

func (c *checkReport) printed(err error) { c.failed = cmp.Or(c.failed, err) }

// found prints a file.
func (c *checkReport) found(f repo.Finding) {
	text := f.Remark
	if f.Err != nil {
		text = f.Err.Error()
	}
	if c.json {
		c.printed(c.printJSON(findingJSON{"file", f.File, f.Err != nil, f.Chunks, text}))
		return
	}
	if c.shown++; c.shown > maxDamage {
		c.more++
		return
	}
	word := "damaged"
	if f.Err == nil {
		word = "remark"
	}
	if f.Chunks > 0 {
		text += "; " + plural(f.Chunks, "chunk")
	}
	c.printed(c.print("%s: %s: %s", word, f.File, printable(text)))
}

// snapshots walks the trees of all snapshots.
func (c *checkReport) snapshots(ctx context.Context, r *repo.Repository, all repo.Checked, bar *progress) error {
	i := tree.NewInspector(r, all.Health.Chunk)
	for n, s := range all.List {
		bar.show("check snapshots", n, len(all.List))
		if err := c.snapshot(ctx, i, s); err != nil {
			return fmt.Errorf("%v: %w", s.DisplayID(), err)
		}
	}
	return nil
}

func (c *checkReport) snapshot(ctx context.Context, i *tree.Inspector, s repo.Snapshot) error {
	id, touched := s.DisplayID(), false
	defer func() {
		if touched {
			c.touched++
		}
	}()
	cs, err := i.Collections(ctx, s.Root)
	if err != nil {
		if ctx.Err() != nil || !isDamage(err) {
			return err
		}
		touched = true
		return c.touch(id, "", []tree.Damage{{Kind: chunk.Collections, Count: s.Root.Records, Err: err}})
	}
	for _, of := range cs {
		open := map[chunk.Kind][]tree.Damage{} // what goes on, by column
		err := i.Collection(ctx, of, func(d tree.Damage) error {
			if ctx.Err() != nil || !isDamage(d.Err) {
				return d.Err
			}
			touched = true
			before := open[d.Kind]
			if n := len(before); n > 0 && before[n-1].First+before[n-1].Count != d.First {
				if err := c.touch(id, of.Name, before); err != nil {
					return err
				}
				before = nil
			}
			open[d.Kind] = append(before, d)
			return nil
		})
		if err != nil {
			return err
		}
		for _, kind := range slices.Sorted(maps.Keys(open)) {
			if err := c.touch(id, of.Name, open[kind]); err != nil {
				return err
			}
		}
	}
	return nil
}

// touch takes damage of one column to neighbours.
func (c *checkReport) touch(id, collection string, ds []tree.Damage) error {
	if c.json {
		for _, d := range ds {
			err := c.printJSON(touchedJSON{"records", id, collection, d.Kind.String(), d.First, d.Count, d.IDs, d.After, d.Last, d.Err.Error()})
			if err != nil {
				return err
			}
		}
		return nil
	}
	first, last := ds[0], ds[len(ds)-1]
	of := damagedRange{collection: collection, kind: first.Kind, first: first.First, after: first.After, last: last.Last, why: first.Err.Error()}
	for _, d := range ds {
		of.count += d.Count
	}
	if len(first.IDs) > 0 && len(last.IDs) > 0 {
		of.from, of.to = first.IDs[0], last.IDs[len(last.IDs)-1]
	}
	t := c.ranges[of]
	if t == nil {
		t = &touches{first: id}
		c.ranges[of] = t
	}
	t.snapshots++
	t.last = id
	return nil
}

func (d damagedRange) String() string {
	switch {
	case d.kind == chunk.Collections:
		return fmt.Sprintf("the list of collections, with all of %s", plural(d.count, "record"))
	case d.kind == chunk.Description:
		return d.collection + ", its description"
	}
	column := d.kind.String()
	if !d.kind.IsColumn() {
		column = "the tree"
	}
	text := fmt.Sprintf("%s, %s of %s from position %d on", d.collection, column, plural(d.count, "record"), d.first)
	switch {
	case d.from != "" && d.from == d.to:
		text += fmt.Sprintf(": %q", d.from)
	case d.from != "":
		text += fmt.Sprintf(": %q to %q", d.from, d.to)
	case d.after != "":
		text += fmt.Sprintf(": behind %q, up to %q", d.after, d.last)
	default:
		text += fmt.Sprintf(": up to %q", d.last)
	}
	return text
}

func (t *touches) String() string {
	switch t.snapshots {
	case 1:
		return "in " + t.first
	case 2:
		return "in " + t.first + " and " + t.last
	}
	return fmt.Sprintf("in %s, from %s to %s", plural(t.snapshots, "snapshot"), t.first, t.last)
}

// finish prints what damage touches, and the end.
func (c *checkReport) finish(all repo.Checked) error {
	damaged := all.Damaged > 0 || c.touched > 0
	if c.json {
		j := checkedJSON{"summary", all, c.touched, c.millis(), "ok"}
		if damaged {
			j.Status = "damaged"
		}
		c.printed(c.printJSON(j))
	} else {
		c.text(all)
	}
	if c.failed != nil || !damaged {
		return c.failed
	}
	if c.touched == 0 {
		return unfinished(checkHint, "%s damaged; no snapshot lacks anything", plural(all.Damaged, "file"))
	}
	return unfinished(checkHint, "%s damaged; %d of %s %s something", plural(all.Damaged, "file"), c.touched,
		plural(all.Snapshots, "snapshot"), map[bool]string{true: "lacks", false: "lack"}[c.touched == 1])
}

const checkHint = "what is not named can be restored as before; autochrome repair index makes the index again, repair packs saves what is left of damaged packs, other files come back from a copy"

func (c *checkReport) text(all repo.Checked) {
	if c.more > 0 {
		c.printed(c.print("and %s more: --json has all", plural(c.more, "file")))
	}
	list := slices.SortedFunc(maps.Keys(c.ranges), func(a, b damagedRange) int {
		return cmp.Or(cmp.Compare(a.collection, b.collection), cmp.Compare(a.first, b.first), cmp.Compare(a.kind, b.kind), cmp.Compare(a.why, b.why))
	})
	for _, d := range list[:min(maxDamage, len(list))] {
		c.printed(c.print("lost: %s: %v", printable(d.String()), c.ranges[d]))
		c.detail("  %s", printable(d.why))
	}
	if more := len(list) - maxDamage; more > 0 {
		c.printed(c.print("and %d more: --json has all", more))
	}
	if c.quiet {
		return
	}
	read := ""
	if all.Read.Packs > 0 {
		read = fmt.Sprintf("; %s of them, %s, read to the last byte", plural(all.Read.Packs, "pack"), size(all.Read.Bytes))
	}
	c.printed(c.print("%s, %s in %s (%s)%s: checked in %s", plural(all.Snapshots, "snapshot"), plural(all.Indexed, "chunk"),
		plural(all.Packs.Packs, "pack"), size(all.Packs.Bytes), read, took(c.begun)))
}
