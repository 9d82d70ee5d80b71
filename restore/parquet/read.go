package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	"autochrome/chunk"
)

// Read calls fn for each record, in their order. It gives how many embeddings had
// components that are no float32 and were rounded to one, as Chroma would have
// done. An error of fn is returned as it is.
func (f *File) Read(ctx context.Context, fn func(chunk.Record) error) (rounded int64, err error) {
	inside := false // of fn, whose panics say nothing about the file
	defer func() {
		if inside {
			return
		}
		if p := recover(); p != nil {
			err = undecoded(p)
		}
	}()
	d := decoder{columns: f.columns}
	buf := make([]pq.Row, 64)
	for _, group := range f.f.RowGroups() {
		rows := group.Rows()
		for {
			if err := ctx.Err(); err != nil {
				return d.rounded, errors.Join(err, rows.Close())
			}
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				r, err := d.record(row)
				if err == nil {
					inside = true
					err = fn(r)
					inside = false
				}
				if err != nil {
					_ = rows.Close()
					return d.rounded, err
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				_ = rows.Close()
				return d.rounded, err
			}
		}
		if err := rows.Close(); err != nil {
			return d.rounded, err
		}
	}
	return d.rounded, nil
}

// decoder makes records of rows.
type decoder struct {
	columns []column
	rounded int64
}

// record reads a row, whose values come column by column.
func (d *decoder) record(row pq.Row) (r chunk.Record, err error) {
	var fields, rest []chunk.Field
	for _, c := range d.columns {
		n := 0
		for n < len(row) && row[n].Column() == c.leaf {
			n++
		}
		values := row[:n]
		row = row[n:]
		if n == 0 {
			return r, fmt.Errorf("column %q: a row has no value, not even null", c.name)
		}
		switch err := d.value(&r, c, values, &fields, &rest); {
		case err != nil && r.ID != "" && c.role != isID:
			return r, fmt.Errorf("record %q: %w", r.ID, err)
		case err != nil:
			return r, err
		}
	}
	if len(row) > 0 {
		return r, errors.New("a row has values of columns that are not there")
	}
	// What metadata_rest says counts more.
	fields = slices.DeleteFunc(fields, func(f chunk.Field) bool {
		return slices.ContainsFunc(rest, func(o chunk.Field) bool { return o.Key == f.Key })
	})
	if r.Metadata, err = chunk.NewMetadata(append(fields, rest...)); err != nil {
		return r, fmt.Errorf("record %q: %w", r.ID, err)
	}
	return r, nil
}

func (d *decoder) value(r *chunk.Record, c column, values []pq.Value, fields, rest *[]chunk.Field) (err error) {
	unfit := func(why string, args ...any) error { return &Unfit{c.name, fmt.Sprintf(why, args...)} }
	v := values[0]
	null := v.DefinitionLevel() < c.level
	if c.list {
		null = v.DefinitionLevel() < c.present
	}
	switch {
	case c.role == skipped:
		return nil
	case c.role == isID && null:
		return unfit("a record without an id")
	case c.role == isID && c.value == isText:
		if r.ID, err = textOf(v); err == nil && r.ID == "" {
			return unfit("an id is empty")
		}
		return err
	case c.role == isID && c.value == isInt32:
		r.ID = strconv.FormatInt(int64(v.Int32()), 10)
	case c.role == isID:
		r.ID = strconv.FormatInt(v.Int64(), 10)
	case null:
	case c.role == isEmbedding:
		return d.embedding(r, c, values)
	case c.role == isDocument || c.role == isURI:
		text, err := textOf(v)
		if err != nil {
			return unfit("%v", err)
		}
		if c.role == isDocument {
			r.Document = &text
		} else {
			r.URI = &text
		}
	case c.role == isRest:
		m, err := chunk.DecodeMetadataJSON(v.ByteArray())
		if err != nil {
			return unfit("%v", err)
		}
		*rest = m
	case !c.list:
		x, err := c.scalar(v)
		if err != nil {
			return unfit("%v", err)
		}
		*fields = append(*fields, chunk.Field{Key: c.name, Value: x})
	default:
		x, err := c.array(values)
		if err != nil {
			return unfit("%v", err)
		}
		*fields = append(*fields, chunk.Field{Key: c.name, Value: x})
	}
	return nil
}

// array reads a list; values has one that is null where it is empty.
func (c column) array(values []pq.Value) (chunk.Value, error) {
	out := chunk.Value{Type: chunk.Array}
	if values[0].DefinitionLevel() < c.filled {
		return out, nil
	}
	for _, v := range values {
		if v.DefinitionLevel() < c.level {
			return out, errors.New("an element of a list is null, and Chroma has none such")
		}
		x, err := c.scalar(v)
		if err != nil {
			return out, err
		}
		out.Array = append(out.Array, x)
	}
	return out, nil
}

func (c column) scalar(v pq.Value) (chunk.Value, error) {
	switch c.value {
	case isText:
		s, err := textOf(v)
		return chunk.Value{Type: chunk.String, Str: s}, err
	case isBool:
		return chunk.Value{Type: chunk.Bool, Bool: v.Boolean()}, nil
	case isInt32:
		return chunk.Value{Type: chunk.Int, Int: int64(v.Int32())}, nil
	case isInt64:
		return chunk.Value{Type: chunk.Int, Int: v.Int64()}, nil
	case isUint32:
		return chunk.Value{Type: chunk.Int, Int: int64(v.Uint32())}, nil
	case isUint64:
		if v.Uint64() > math.MaxInt64 {
			return chunk.Value{}, fmt.Errorf("%d is larger than an integer of Chroma can be", v.Uint64())
		}
		return chunk.Value{Type: chunk.Int, Int: int64(v.Uint64())}, nil
	case isFloat32:
		return floatOf(float64(v.Float()))
	}
	return floatOf(v.Double())
}

func floatOf(x float64) (chunk.Value, error) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return chunk.Value{}, fmt.Errorf("%v, and Chroma has none such", x)
	}
	return chunk.Value{Type: chunk.Float, Float: x}, nil
}

func textOf(v pq.Value) (string, error) {
	s := string(v.ByteArray())
	if strings.ToValidUTF8(s, "") != s {
		return "", fmt.Errorf("%.20q is no UTF-8", s)
	}
	return s, nil
}

// embedding reads a vector. A list that is empty is none.
func (d *decoder) embedding(r *chunk.Record, c column, values []pq.Value) error {
	if values[0].DefinitionLevel() < c.filled {
		return nil
	}
	r.Embedding = make([]float32, len(values))
	rounded := false
	for i, v := range values {
		if v.DefinitionLevel() < c.level {
			if r.Null == nil {
				r.Null = make([]bool, len(values))
			}
			r.Null[i] = true
			continue
		}
		x := float64(0)
		if c.value == isFloat32 {
			x = float64(v.Float())
			r.Embedding[i] = v.Float()
		} else {
			x = v.Double()
			r.Embedding[i] = float32(x)
			rounded = rounded || !single(x)
		}
		if y := float64(r.Embedding[i]); math.IsNaN(y) || math.IsInf(y, 0) {
			return &Unfit{c.name, fmt.Sprintf("component %d is %v, and Chroma has none such", i, x)}
		}
	}
	if rounded {
		d.rounded++
	}
	return nil
}

// single reports whether a double says no more than a float32: it is one, or the
// decimal number with the fewest digits that says one.
func single(x float64) bool {
	f := float32(x)
	if float64(f) == x {
		return true
	}
	y, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	return err == nil && y == x
}
