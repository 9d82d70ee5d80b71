package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

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
	ranges  map[lostRange]*touches
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
	i := tree.NewInspector(r, all.Health.Chunk, damageIn(ctx))
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
	cs, lost, err := i.Collections(ctx, s.Root)
	if err != nil && lost == 0 {
		return err
	}
	err = unlisted(s, cs, lost, err, func(collection string, d tree.Damage) error {
		touched = true
		return c.touch(id, collection, []tree.Damage{d})
	})
	if err != nil {
		return err
	}
	for _, of := range cs {
		joined := neighbours{emit: func(ds []tree.Damage) error { return c.touch(id, of.Name, ds) }}
		err := i.Collection(ctx, of, func(d tree.Damage) error {
			touched = true
			return joined.add(d)
		})
		if err == nil {
			err = joined.end()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// touch takes damage of one column to neighbours.
func (c *checkReport) touch(id, collection string, ds []tree.Damage) error {
	if c.json {
		for _, d := range ds {
			j := lostOf(collection, d)
			j.Type, j.SnapshotID = "records", id
			if err := c.printJSON(j); err != nil {
				return err
			}
		}
		return nil
	}
	of := rangeOf(collection, ds)
	t := c.ranges[of]
	if t == nil {
		t = &touches{first: id}
		c.ranges[of] = t
	}
	t.snapshots++
	t.last = id
	return nil
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
	if n := len(all.Unread); n > 0 && c.touched == 0 {
		return unfinished(checkHint, "%s damaged; %s cannot be read", plural(all.Damaged, "file"), plural(n, "snapshot"))
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
	list := slices.SortedFunc(maps.Keys(c.ranges), func(a, b lostRange) int {
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
