package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// lostRange is a column of some records of a collection, in a row.
type lostRange struct {
	collection   string
	kind         chunk.Kind
	first, count int64
	from, to     string // ids, "" where they are not known
	after, last  string // ids of the records around, or of the last of them
	before       string
	why          string
}

// lostJSON are records that lack something.
type lostJSON struct {
	Type       string   `json:"type,omitempty"` // records, in a stream of objects
	SnapshotID string   `json:"snapshot_id,omitempty"`
	Collection string   `json:"collection,omitempty"` // none: all of the snapshot
	Column     string   `json:"column"`               // nodes, groups or collections: all columns
	First      int64    `json:"first"`                // position, from 0 on
	Count      int64    `json:"count"`
	IDs        []string `json:"ids,omitempty"`       // where they can be read
	After      string   `json:"after_id,omitempty"`  // of a record before these
	Last       string   `json:"last_id,omitempty"`   // of the last of these, or of one behind
	Before     string   `json:"before_id,omitempty"` // of the first behind, where the last is not known
	Error      string   `json:"error"`
}

func lostOf(collection string, d tree.Damage) lostJSON {
	return lostJSON{Collection: collection, Column: d.Kind.String(), First: d.First, Count: d.Count, IDs: d.IDs,
		After: d.After, Last: d.Last, Before: d.Before, Error: d.Err.Error()}
}

// rangeOf joins damage of one column to neighbours.
func rangeOf(collection string, ds []tree.Damage) lostRange {
	first, last := ds[0], ds[len(ds)-1]
	of := lostRange{collection: collection, kind: first.Kind, first: first.First, after: first.After,
		last: last.Last, before: last.Before, why: first.Err.Error()}
	for _, d := range ds {
		of.count += d.Count
	}
	if len(first.IDs) > 0 && len(last.IDs) > 0 {
		of.from, of.to = first.IDs[0], last.IDs[len(last.IDs)-1]
	}
	return of
}

func (d lostRange) String() string {
	switch {
	case d.kind == chunk.Collections && d.collection == "":
		return fmt.Sprintf("the list of collections, with all of %s", plural(d.count, "record"))
	case d.kind == chunk.Collections:
		return fmt.Sprintf("%s, all of %s, with its place in the list of collections", d.collection, plural(d.count, "record"))
	case d.kind == chunk.Description:
		return d.collection + ", its description"
	}
	column := d.kind.String()
	if !d.kind.IsColumn() {
		column = "the tree"
	}
	text := fmt.Sprintf("%s, %s of %s from position %d on", d.collection, column, plural(d.count, "record"), d.first)
	if where := whereabouts(d.from, d.to, d.after, d.last, d.before); where != "" {
		text += ": " + where
	}
	return text
}

// whereabouts says which records are meant: the first and the last, or what is
// known of their neighbours.
func whereabouts(from, to, after, last, before string) string {
	switch {
	case from != "" && from == to:
		return fmt.Sprintf("%q", from)
	case from != "":
		return fmt.Sprintf("%q to %q", from, to)
	case after != "" && last != "":
		return fmt.Sprintf("behind %q, up to %q", after, last)
	case last != "":
		return fmt.Sprintf("up to %q", last)
	case after != "" && before != "":
		return fmt.Sprintf("behind %q, before %q", after, before)
	case after != "":
		return fmt.Sprintf("behind %q", after)
	case before != "":
		return fmt.Sprintf("before %q", before)
	}
	return ""
}

// neighbours joins what a collection lacks, column by column, and hands it on
// when something else comes between.
type neighbours struct {
	open map[chunk.Kind][]tree.Damage
	emit func([]tree.Damage) error
}

func (n *neighbours) add(d tree.Damage) error {
	before := n.open[d.Kind]
	if k := len(before); k > 0 && before[k-1].First+before[k-1].Count != d.First {
		if err := n.emit(before); err != nil {
			return err
		}
		before = nil
	}
	if n.open == nil {
		n.open = map[chunk.Kind][]tree.Damage{}
	}
	n.open[d.Kind] = append(before, d)
	return nil
}

func (n *neighbours) end() error {
	for _, kind := range slices.Sorted(maps.Keys(n.open)) {
		if err := n.emit(n.open[kind]); err != nil {
			return err
		}
	}
	n.open = nil
	return nil
}

// unlisted calls lost for each collection that the list of collections lacks, with
// what the snapshot's record knows of it.
func unlisted(s repo.Snapshot, cs []tree.Collection, n int, why error, lost func(collection string, d tree.Damage) error) error {
	if n == 0 {
		return nil
	}
	infos, ok := snapshot.Unlisted(s, cs, n)
	if !ok {
		rest := s.Root.Records
		for _, c := range cs {
			rest -= c.Top.Count
		}
		return lost("", tree.Damage{Kind: chunk.Collections, Count: rest, Err: why})
	}
	for _, info := range infos {
		if err := lost(info.Name, tree.Damage{Kind: chunk.Collections, Count: info.Records, Err: why}); err != nil {
			return err
		}
	}
	return nil
}

// damageIn is isDamage until somebody ends the work: then an error may tell of
// that.
func damageIn(ctx context.Context) func(error) bool {
	return func(err error) bool { return ctx.Err() == nil && isDamage(err) }
}
