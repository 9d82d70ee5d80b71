package parquet

import (
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"

	"autochrome/chunk"
)

// Layout says what a file is to hold, before its first row.
type Layout struct {
	Dimension int               // 0: not known, no record has an embedding
	Columns   []Column          // of metadata, from a Survey
	Rest      bool              // likewise
	Notes     map[string]string // kept in the file as they are
}

// Writer writes one file. The same records and layout give the same bytes.
type Writer struct {
	w       *pq.GenericWriter[any]
	out     []*pq.ColumnWriter
	layout  Layout
	byKey   map[string]int // place of a key in layout.Columns
	values  [][]pq.Value   // by column: of rows that are gathered
	rest    chunk.Metadata // of the record in hand
	pending int            // bytes of what is gathered
	bytes   int            // of the row group in hand
	rows    int            // likewise
	limit   int            // of bytes of a row group
}

// gathered is how many bytes of rows go to the columns together.
const gathered = 256 << 10

// NewWriter begins a file.
func NewWriter(to io.Writer, l Layout) (*Writer, error) {
	fields := layout{l.Dimension, l.Columns, l.Rest}.fields()
	options := []pq.WriterOption{
		schema(fields), pq.CreatedBy("autochrome", "1", "parquet-go"), pq.KeyValueMetadata(arrowKey, arrowSchemaOf(fields)),
		// Nobody looks for a vector or a text by its bounds.
		pq.SkipPageBounds(embeddingColumn, "list", "element"), pq.SkipPageBounds(documentColumn), pq.SkipPageBounds(restColumn),
	}
	for key, value := range l.Notes {
		options = append(options, pq.KeyValueMetadata(key, value))
	}
	config, err := pq.NewWriterConfig(options...)
	if err != nil {
		return nil, err
	}
	w := &Writer{w: pq.NewGenericWriter[any](to, config), layout: l, byKey: map[string]int{}, values: make([][]pq.Value, len(fields)), limit: groupBytes}
	w.out = w.w.ColumnWriters()
	for i, c := range l.Columns {
		w.byKey[c.Key] = i
	}
	return w, nil
}

// Columns before those of metadata, by their place.
const (
	placeID = iota
	placeEmbedding
	placeDocument
	placeURI
	placeMetadata
)

// Write adds a record. An error of a key or value that the layout has no place
// for is a bug of who made it.
func (w *Writer) Write(r chunk.Record) error {
	before := w.pending
	w.put(placeID, pq.ByteArrayValue([]byte(r.ID)).Level(0, 0, placeID), len(r.ID))
	w.embedding(r)
	w.text(placeDocument, r.Document)
	w.text(placeURI, r.URI)
	if err := w.metadata(r); err != nil {
		return err
	}
	w.bytes += w.pending - before
	w.rows++
	if w.pending >= gathered {
		if err := w.hand(); err != nil {
			return err
		}
	}
	if w.bytes >= w.limit || w.rows >= groupRows {
		return w.endGroup()
	}
	return nil
}

func (w *Writer) put(column int, v pq.Value, size int) {
	w.values[column] = append(w.values[column], v)
	w.pending += size + 1
}

func (w *Writer) null(column int) { w.put(column, pq.Value{}.Level(0, 0, column), 0) }

func (w *Writer) text(column int, s *string) {
	if s == nil {
		w.null(column)
		return
	}
	w.put(column, pq.ByteArrayValue([]byte(*s)).Level(0, 1, column), len(*s))
}

func (w *Writer) embedding(r chunk.Record) {
	if r.Embedding == nil {
		w.null(placeEmbedding)
		return
	}
	repeated := 0
	for i, x := range r.Embedding {
		v, level := pq.FloatValue(x), listValue
		if r.Null != nil && r.Null[i] {
			v, level = pq.Value{}, listFilled
		}
		w.values[placeEmbedding] = append(w.values[placeEmbedding], v.Level(repeated, level, placeEmbedding))
		repeated = 1
	}
	w.pending += 4 * len(r.Embedding)
}

func (w *Writer) metadata(r chunk.Record) error {
	w.rest = w.rest[:0]
	next := 0 // both are sorted by key
	for _, f := range r.Metadata {
		i, ok := w.byKey[f.Key]
		if !ok {
			w.rest = append(w.rest, f)
			continue
		}
		for ; next < i; next++ {
			w.null(placeMetadata + next)
		}
		next++
		if !w.value(placeMetadata+i, w.layout.Columns[i], f.Value) {
			w.rest = append(w.rest, f)
		}
	}
	for ; next < len(w.layout.Columns); next++ {
		w.null(placeMetadata + next)
	}
	at := placeMetadata + len(w.layout.Columns)
	switch {
	case len(w.rest) == 0 && w.layout.Rest:
		w.null(at)
	case len(w.rest) > 0 && !w.layout.Rest:
		return fmt.Errorf("record %q has metadata that was not surveyed", r.ID)
	case len(w.rest) > 0:
		text := string(chunk.AppendMetadataJSON(nil, w.rest))
		w.text(at, &text)
	}
	return nil
}

// value puts a value into a column of metadata, as near as the column has it, and
// reports whether it is exact there.
func (w *Writer) value(at int, c Column, v chunk.Value) (exact bool) {
	fit, ok := fits(v)
	exact = ok && fit == Column{Type: c.Type, Array: c.Array}
	rounded := ok && fit.Array == c.Array && fit.Type == chunk.Int && c.Type == chunk.Float
	switch {
	case c.Array && isEmpty(v):
		w.put(at, pq.Value{}.Level(0, listPresent, at), 0)
		return true
	case !exact && !rounded:
		w.null(at)
	case !c.Array:
		w.put(at, scalar(c.Type, v).Level(0, 1, at), 8+len(v.Str))
	default:
		repeated := 0
		for _, e := range v.Array {
			w.put(at, scalar(c.Type, e).Level(repeated, listValue, at), 8+len(e.Str))
			repeated = 1
		}
	}
	return exact
}

func scalar(t chunk.Type, v chunk.Value) pq.Value {
	switch {
	case t == chunk.String:
		return pq.ByteArrayValue([]byte(v.Str))
	case t == chunk.Bool:
		return pq.BooleanValue(v.Bool)
	case t == chunk.Int:
		return pq.Int64Value(v.Int)
	case v.Type == chunk.Int:
		return pq.DoubleValue(float64(v.Int))
	}
	return pq.DoubleValue(v.Float)
}

// hand gives the columns what was gathered.
func (w *Writer) hand() error {
	for i, values := range w.values {
		if len(values) == 0 {
			continue
		}
		if _, err := w.out[i].WriteRowValues(values); err != nil {
			return err
		}
		clear(values) // they refer to texts
		w.values[i] = values[:0]
	}
	w.pending = 0
	return nil
}

func (w *Writer) endGroup() error {
	if err := w.hand(); err != nil {
		return err
	}
	w.bytes, w.rows = 0, 0
	return w.w.Flush()
}

// Close ends the file; it does not close what it is written to.
func (w *Writer) Close() error {
	if err := w.hand(); err != nil {
		return err
	}
	return w.w.Close()
}
