package archive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/restore/parquet"
)

// theTable names a Parquet file that stands alone, in a FileError.
const theTable = "the table"

var errUnnamed = errors.New("it names no collection")

// ImportTable is Import of a single Parquet file. What the collection is it says
// itself where ExportTable wrote it; else its name is that of the options. The
// snapshot is suspect: nothing shows that it is whole.
func ImportTable(ctx context.Context, r *repo.Repository, in io.ReaderAt, size int64, o ImportOptions) (Imported, error) {
	return importing(ctx, r, o, func(b *building, res *Imported) (*scanned, error) {
		res.Content = size
		t, err := parquet.Open(in, size, parquet.Names{})
		if err != nil {
			return nil, &FileError{theTable, err}
		}
		l := newLineReader(b)
		d := description{Name: o.Collection}
		if note, ok := t.Note(noteCollection); ok {
			if err := json.Unmarshal([]byte(note), &d); err != nil {
				return nil, &FileError{noteCollection, err}
			}
			if o.Collection != "" {
				d.Name = o.Collection
			}
		}
		if d.Name == "" {
			return nil, &FileError{theTable, errUnnamed}
		}
		if err := l.table(ctx, theTable, t, d, res); err != nil {
			return nil, err
		}
		if err := l.finish("table", time.Now()); err != nil {
			return nil, err
		}
		l.manifest.Source = d.Source
		return l.scanned, nil
	})
}

// table takes the records of a Parquet file into a collection, and begins that
// where it is not the one in hand.
func (l *lineReader) table(ctx context.Context, file string, t *parquet.File, d description, res *Imported) error {
	if n := len(l.collections); n == 0 || l.collections[n-1].d.Name != d.Name {
		if err := l.collection(d); err != nil {
			return own(err, file)
		}
	}
	var inSink error
	rounded, err := t.Read(ctx, func(r chunk.Record) error {
		if err := l.take(d.Name, r); err != nil {
			inSink = own(err, file)
			return inSink
		}
		return nil
	})
	res.Rounded += rounded
	switch {
	case inSink != nil:
		return inSink
	case err != nil && ctx.Err() == nil:
		return &FileError{file, err}
	}
	return err
}
