package main

import (
	"bufio"
	"encoding/json"
	"math"

	"autochrome/chunk"
	"autochrome/restore"
	"autochrome/tree"
)

// diffJSON prints a comparison as one object a line.
type diffJSON struct {
	*differing
	out *bufio.Writer
}

// sidesJSON is a value on both sides; a side that does not have it is left out.
type sidesJSON struct {
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// diffRecordJSON is a record that differs.
type diffRecordJSON struct {
	Type       string               `json:"type"` // record
	Collection string               `json:"collection"`
	ID         string               `json:"id"`
	Op         string               `json:"op"`              // added, removed, changed, moved
	Moved      bool                 `json:"moved,omitempty"` // besides being changed
	Columns    []string             `json:"columns,omitempty"`
	Metadata   map[string]sidesJSON `json:"metadata,omitempty"`
	Document   *sidesJSON           `json:"document,omitempty"`
	URI        *sidesJSON           `json:"uri,omitempty"`
	Embedding  *embeddingJSON       `json:"embedding,omitempty"`
}

// embeddingJSON is how far two embeddings are apart. The distance is missing
// where it has no meaning.
type embeddingJSON struct {
	Before         int      `json:"before"` // components; 0: there is no embedding
	After          int      `json:"after"`
	NullBefore     int      `json:"null_before,omitempty"` // components without a value
	NullAfter      int      `json:"null_after,omitempty"`
	CosineDistance *float64 `json:"cosine_distance,omitempty"`
	LargestChange  *float64 `json:"largest_change,omitempty"`
	Component      *int     `json:"component,omitempty"` // with the largest change
}

// diffCollectionJSON is a collection that was compared.
type diffCollectionJSON struct {
	Type        string               `json:"type"` // collection
	Collection  string               `json:"collection"`
	Equal       bool                 `json:"equal"`
	In          restore.Side         `json:"in"` // both, a, b
	RenamedFrom string               `json:"renamed_from,omitempty"`
	Fields      map[string]sidesJSON `json:"fields,omitempty"` // of its description
	Before      int64                `json:"before"`           // records
	After       int64                `json:"after"`
	diffCounts
	Columns map[string]int64 `json:"columns,omitempty"`
}

type diffCounts struct {
	Added   int64 `json:"added"`
	Removed int64 `json:"removed"`
	Changed int64 `json:"changed"`
	Moved   int64 `json:"moved"`
}

// diffSummaryJSON is the last object.
type diffSummaryJSON struct {
	Type        string `json:"type"` // summary
	A           string `json:"a"`
	B           string `json:"b"`
	Equal       bool   `json:"equal"`
	Collections int    `json:"collections"` // that were compared
	diffCounts
	NotCompared []string `json:"not_compared"` // one side has them, the other did not look for them
	Moving      bool     `json:"moving"`       // records came or went while the live database was read
	Duration    int64    `json:"duration_ms"`
}

func (d *diffJSON) record(x restore.RecordDiff) error { return writeJSON(d.out, recordJSON(x)) }

func recordJSON(x restore.RecordDiff) diffRecordJSON {
	j := diffRecordJSON{
		Type: "record", Collection: x.Collection, ID: x.ID, Op: x.Op.String(), Moved: x.Moved,
		Metadata: valuesJSON(x.Metadata),
	}
	if x.Op == tree.Changed {
		j.Columns = columnNames(x.Columns)
	}
	if x.Document != nil {
		j.Document = bothSides(*x.Document)
	}
	if x.URI != nil {
		j.URI = bothSides(*x.URI)
	}
	if e := x.Embedding; e != nil {
		j.Embedding = &embeddingJSON{Before: e.Before, After: e.After, NullBefore: e.NullBefore, NullAfter: e.NullAfter}
		if e.Comparable {
			j.Embedding.LargestChange, j.Embedding.Component = &e.Largest, &e.At
			if !math.IsNaN(e.Cosine) {
				j.Embedding.CosineDistance = &e.Cosine
			}
		}
	}
	return j
}

func columnNames(set tree.ColumnSet) []string {
	var names []string
	for _, k := range chunk.Columns {
		if set.Has(k) {
			names = append(names, k.String())
		}
	}
	return names
}

func (d *diffJSON) collection(c restore.CollectionDiff) error {
	return writeJSON(d.out, diffCollectionJSON{
		Type: "collection", Collection: c.Name, Equal: c.Same(), In: c.In, RenamedFrom: c.RenamedFrom,
		Fields: valuesJSON(c.Fields), Before: c.Before, After: c.After,
		diffCounts: diffCounts{c.Added, c.Removed, c.Changed, c.Moved}, Columns: c.Columns,
	})
}

func (d *diffJSON) end(rep restore.DiffReport) error {
	j := diffSummaryJSON{
		Type: "summary", A: d.a.id, B: d.b.id, Equal: rep.Same(), Collections: len(rep.Collections),
		NotCompared: orEmpty(rep.NotCompared), Moving: d.a.state.Moving || d.b.state.Moving, Duration: d.millis(),
	}
	for _, c := range rep.Collections {
		j.Added, j.Removed, j.Changed, j.Moved = j.Added+c.Added, j.Removed+c.Removed, j.Changed+c.Changed, j.Moved+c.Moved
	}
	return writeJSON(d.out, j)
}

func valuesJSON(list []restore.ValueDiff) map[string]sidesJSON {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]sidesJSON, len(list))
	for _, v := range list {
		out[v.Name] = *bothSides(v)
	}
	return out
}

func bothSides(v restore.ValueDiff) *sidesJSON {
	var s sidesJSON
	if v.Before != nil {
		s.Before = chunk.AppendValueJSON(nil, *v.Before)
	}
	if v.After != nil {
		s.After = chunk.AppendValueJSON(nil, *v.After)
	}
	return &s
}
