package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/restore/parquet"
	"autochrome/tree"
)

// noteCollection is the note in a Parquet file that says what the collection is:
// collection.json on one line.
const noteCollection = "autochrome.collection"

// ErrManyCollections: one Parquet file holds one collection.
var ErrManyCollections = fmt.Errorf("one Parquet file holds the records of one collection")

// ExportTable writes one collection as a Parquet file, which says itself what the
// collection is. Batch and Recipients mean nothing here.
func ExportTable(ctx context.Context, r *repo.Repository, s repo.Snapshot, to io.Writer, o Options) (Written, error) {
	e := newExport(r, s, o)
	collections, err := e.chosen(ctx)
	if err != nil {
		return Written{}, err
	}
	if len(collections) != 1 {
		return Written{}, ErrManyCollections
	}
	e.begin(1)
	sum := sha256.New()
	out := &count{to: io.MultiWriter(to, sum)}
	c := collections[0]
	if _, _, err = e.table(ctx, c, out); err != nil {
		return Written{}, fmt.Errorf("collection %q: %w", c.Name, err)
	}
	e.m.Collections = append(e.m.Collections, ManifestCollection{description: description{Name: c.Name}, Count: c.Top.Count})
	e.m.TotalChunks = c.Top.Count
	return Written{e.m, hex.EncodeToString(sum.Sum(nil)), out.n, out.n}, nil
}

// table writes a collection's records as a Parquet file and gives the first and
// the last id. It goes through the metadata twice: first for the columns.
func (e *export) table(ctx context.Context, c tree.Collection, to io.Writer) (first, last string, err error) {
	var info ManifestCollection
	text, err := e.describe(ctx, c, &info)
	if err != nil {
		return "", "", err
	}
	var note bytes.Buffer
	if err := json.Compact(&note, text); err != nil {
		return "", "", err
	}
	l := parquet.Layout{Notes: map[string]string{noteCollection: note.String()}}
	if info.Dimension != nil {
		l.Dimension = *info.Dimension
	}
	if l.Columns, l.Rest, err = e.survey(ctx, c); err != nil {
		return "", "", err
	}
	w, err := parquet.NewWriter(to, l)
	if err != nil {
		return "", "", err
	}
	err = e.each(ctx, c, func(r chunk.Record) error {
		if last = r.ID; first == "" {
			first = r.ID
		}
		return w.Write(r)
	})
	if err == nil {
		err = w.Close()
	}
	return first, last, err
}

// survey finds the columns that a collection's metadata needs.
func (e *export) survey(ctx context.Context, c tree.Collection) ([]parquet.Column, bool, error) {
	var s parquet.Survey
	err := e.reader.Groups(ctx, c, func(_ int64, g tree.Group) error {
		rows, err := e.reader.Column(ctx, g, chunk.Metadatas)
		if err != nil {
			return err
		}
		for i := range rows.Len() {
			row, ok := rows.Row(i)
			if !ok {
				continue
			}
			m, err := chunk.DecodeMetadata(row)
			if err != nil {
				return err
			}
			s.Add(m)
		}
		return ctx.Err()
	})
	columns, rest := s.Columns()
	return columns, rest, err
}

// each calls fn for each record of a collection, and tells how far it is.
func (e *export) each(ctx context.Context, c tree.Collection, fn func(chunk.Record) error) error {
	done := int64(0)
	return e.reader.Groups(ctx, c, func(_ int64, g tree.Group) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		recs, err := e.reader.Records(ctx, g)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			record, err := recs.Record(i)
			if err == nil {
				err = fn(record)
			}
			if err != nil {
				return err
			}
		}
		if done += int64(g.Count); e.o.Progress != nil {
			e.o.Progress(c.Name, done, c.Top.Count)
		}
		return nil
	})
}
