package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"autochrome/chunk"
)

// unknownDimension is how many records of a collection may come before the first
// that has an embedding, and so tells the dimension, and unknownBytes how much
// memory they may take. They are kept until then.
const (
	unknownDimension = 10_000
	unknownBytes     = 64 << 20
)

// linePrefix begins the name of a line in a FileError.
const linePrefix = "line "

// lineReader takes records that come without a manifest: those of a collection
// stand together.
type lineReader struct {
	*scanner
	names   map[string]bool
	pending []chunk.Record // of the collection in hand, whose dimension is not known
	bytes   int            // of these
	begun   bool           // it is
}

func newLineReader(to sink) *lineReader {
	return &lineReader{scanner: &scanner{scanned: &scanned{}, to: to}, names: map[string]bool{}}
}

// readLines reads records as lines into a sink. The manifest that it gives says
// what is known: the names of the collections.
func readLines(ctx context.Context, in io.Reader, collection string, to sink) (*scanned, int64, error) {
	l, content := newLineReader(to), int64(0)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxFile)
	n := 0
	for lines.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		text := lines.Bytes()
		content += int64(len(text)) + 1
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if err := l.line(text, collection); err != nil {
			return nil, 0, own(err, fmt.Sprint(linePrefix, n))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, 0, damaged(fmt.Sprint("what stands behind line ", n), err)
	}
	if len(l.collections) == 0 {
		return nil, 0, wrong("", "there is no record in it")
	}
	return l.scanned, content, l.finish("lines", time.Now())
}

// finish ends the last collection. The manifest says what is known.
func (l *lineReader) finish(id string, at time.Time) error {
	if err := l.end(); err != nil {
		return err
	}
	l.manifest = &Manifest{SnapshotID: id, Timestamp: at, Status: Created}
	return nil
}

// lineError is an error in a record, and not of the sink.
type lineError struct{ error }

// own gives an error in a record the name of the file or line.
func own(err error, file string) error {
	if own := new(lineError); errors.As(err, &own) {
		return &FileError{file, own.error}
	}
	return err
}

func (e *lineError) Unwrap() error { return e.error }

func (l *lineReader) line(text []byte, name string) error {
	var more dataPipes
	r, err := chunk.DecodeRecordJSON(text, func(field string, value json.RawMessage) error {
		if field == "collection" && !more.is {
			return json.Unmarshal(value, &name)
		}
		return more.field(field, value)
	})
	if err == nil {
		err = more.finish(&r)
	}
	if err != nil {
		return &lineError{err}
	}
	return l.take(name, r)
}

// collection begins a collection of which this is known.
func (l *lineReader) collection(d description) error {
	if err := l.end(); err != nil {
		return err
	}
	if l.names[d.Name] {
		return &lineError{fmt.Errorf("collection %q stands twice", d.Name)}
	}
	l.names[d.Name] = true
	l.collections = append(l.collections, seenCollection{d: d})
	l.begun, l.ids = false, map[[16]byte]struct{}{}
	return nil
}

// take takes a record of a collection.
func (l *lineReader) take(name string, r chunk.Record) error {
	if name == "" {
		return &lineError{fmt.Errorf("record %q names no collection", r.ID)}
	}
	if n := len(l.collections); n == 0 || l.collections[n-1].d.Name != name {
		if l.names[name] {
			return &lineError{fmt.Errorf("record %q stands apart from the others of collection %q", r.ID, name)}
		}
		if err := l.collection(description{Name: name}); err != nil {
			return err
		}
	}
	c := &l.collections[len(l.collections)-1]
	if dim := len(r.Embedding); dim > 0 && c.d.Dimension == nil {
		c.d.Dimension = &dim
	}
	if err := l.record(c, r); err != nil {
		return &lineError{err}
	}
	if l.begun {
		return l.to.add(r)
	}
	l.pending = append(l.pending, r)
	l.bytes += size(r)
	switch {
	case c.d.Dimension != nil:
		return l.begin()
	case len(l.pending) > unknownDimension || l.bytes > unknownBytes:
		return &lineError{fmt.Errorf("the first %d records of collection %q have no embedding, so its dimension is not known; put one that has before them", len(l.pending), name)}
	}
	return nil
}

// begin hands on the collection, and the records that waited for its dimension.
func (l *lineReader) begin() error {
	c := l.collections[len(l.collections)-1].d
	d, err := c.read()
	if err != nil {
		return &lineError{err}
	}
	if err := l.to.begin(c.Name, c.Source, d); err != nil {
		return err
	}
	l.begun = true
	for _, r := range l.pending {
		if err := l.to.add(r); err != nil {
			return err
		}
	}
	l.pending, l.bytes = nil, 0
	return nil
}

func (l *lineReader) end() error {
	if len(l.collections) == 0 {
		return nil
	}
	if !l.begun {
		if err := l.begin(); err != nil {
			return err
		}
	}
	return l.to.end()
}
