package tree

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"autochrome/chunk"
)

// foundGroups is how many groups a groupFinder keeps, with the columns that
// were asked for.
const foundGroups = 8

// groupFinder gives groups of a collection by the position of their first
// record. Groups are asked for in order mostly.
type groupFinder struct {
	reader *Reader
	c      Collection
	cur    *cursor
	next   int64 // position of the next group of cur
	kept   *simplelru.LRU[int64, *foundGroup]
}

// foundGroup is a group with the columns that were asked for.
type foundGroup struct {
	Group
	reader  *Reader
	columns [chunk.NumColumns]*chunk.Rows
}

func newGroupFinder(r *Reader, c Collection) *groupFinder {
	kept, err := simplelru.NewLRU[int64, *foundGroup](foundGroups, nil)
	if err != nil {
		panic(err) // the count is positive
	}
	return &groupFinder{reader: r, c: c, kept: kept}
}

// at gives the group that begins with record start.
func (f *groupFinder) at(ctx context.Context, start int64) (*foundGroup, error) {
	if g, ok := f.kept.Get(start); ok {
		return g, nil
	}
	if f.cur == nil || start < f.next || start > f.next+8*chunk.MaxGroup {
		cur, err := f.reader.seek(ctx, f.c, 0, start)
		if err != nil {
			return nil, err
		}
		f.cur = cur
	}
	for {
		e, at, ok, err := f.cur.next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok || at > start {
			return nil, fmt.Errorf("no group begins at record %d", start)
		}
		f.next = at + e.count
		if at == start {
			g := &foundGroup{Group: *e.group, reader: f.reader}
			f.kept.Add(start, g)
			return g, nil
		}
	}
}

// column gives one column of the group, which the caller does not change.
func (g *foundGroup) column(ctx context.Context, kind chunk.Kind) (*chunk.Rows, error) {
	c := &g.columns[kind.Column()]
	if *c == nil {
		rows, err := g.reader.Column(ctx, g.Group, kind)
		if err != nil {
			return nil, err
		}
		*c = rows
	}
	return *c, nil
}

// record gives a record with the columns named, or all.
func (f *groupFinder) record(ctx context.Context, l location, kinds []chunk.Kind) (chunk.Record, error) {
	if l.count == 0 {
		return chunk.Record{}, errors.New("the record is not on this side")
	}
	g, err := f.at(ctx, l.start)
	if err != nil {
		return chunk.Record{}, err
	}
	if len(kinds) == 0 {
		kinds = chunk.Columns[:]
	}
	ids, err := g.column(ctx, chunk.IDs)
	if err != nil {
		return chunk.Record{}, err
	}
	one := chunk.NewRecords(0)
	one.Columns[0].AppendRows(ids, l.row, 1)
	for _, k := range kinds {
		if k == chunk.IDs {
			continue
		}
		rows, err := g.column(ctx, k)
		if err != nil {
			return chunk.Record{}, err
		}
		c := chunk.NewRows(k, rows.Dim())
		c.AppendRows(rows, l.row, 1)
		one.Columns[k.Column()] = c
	}
	for _, c := range one.Columns {
		if c.Len() == 0 {
			c.AppendAbsent()
		}
	}
	return one.Record(0)
}
