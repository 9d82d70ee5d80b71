package chroma

import (
	"math"
	"strconv"

	"autochrome/chunk"
)

// row reads one record's metadata into rows. No keys are no metadata.
func (d *decoder) row(i int, rows *chunk.Rows) int {
	i = d.fields(i)
	if i < 0 {
		return -1
	}
	var ok bool
	var err error
	if d.scratch, ok, err = d.metadata.AppendTo(d.scratch[:0]); err != nil {
		return d.fail(i, "metadatas: %v", err)
	}
	if ok {
		rows.Append(d.scratch)
	} else {
		rows.AppendAbsent()
	}
	return i
}

// fields reads an object of metadata into d.metadata.
func (d *decoder) fields(i int) int {
	const where = "metadatas"
	d.metadata.Reset()
	return d.object(i, where, d.field)
}

func (d *decoder) field(key []byte, i int) int {
	const where = "metadatas"
	d.metadata.Key(key)
	switch {
	case isNull(d.b, i):
		d.metadata.Null()
		return i + len("null")
	case i < len(d.b) && d.b[i] == '[':
		if end := d.array(i); end >= 0 || d.err != nil {
			return end
		}
	case i < len(d.b) && d.b[i] == '{':
	default:
		return d.scalar(i, where)
	}
	end := d.skip(i, where)
	if end < 0 {
		return -1
	}
	text, err := chunk.CanonicalJSON(d.b[i:end])
	if err != nil {
		return d.fail(i, "metadatas: %v", err)
	}
	d.metadata.JSON(text)
	return end
}

// array reads an array of scalars. It gives -1 without an error where the
// array holds something else, which is kept as JSON.
func (d *decoder) array(i int) int {
	d.metadata.BeginArray()
	i = skipSpace(d.b, i+1)
	if i < len(d.b) && d.b[i] == ']' {
		d.metadata.EndArray()
		return i + 1
	}
	for {
		if i < len(d.b) && (d.b[i] == '[' || d.b[i] == '{' || d.b[i] == 'n') {
			d.metadata.CancelArray()
			return -1
		}
		if i = d.scalar(i, "metadatas"); i < 0 {
			return -1
		}
		var got byte
		if got, i = d.next(i, ',', ']', "metadatas"); i < 0 {
			return -1
		}
		if got == ']' {
			d.metadata.EndArray()
			return i
		}
		i = skipSpace(d.b, i)
	}
}

// scalar reads a string, number or bool. A number is an int when it is written
// as one and fits into 64 bits: Chroma keeps 1 and 1.0 apart.
func (d *decoder) scalar(i int, where string) int {
	if i >= len(d.b) {
		return d.fail(i, "%s: a value expected", where)
	}
	switch d.b[i] {
	case '"':
		text, end := d.text(i, where)
		if end >= 0 {
			d.metadata.String(text)
		}
		return end
	case 't', 'f':
		for _, v := range [...]bool{true, false} {
			if end := literalAt(d.b, i, strconv.FormatBool(v)); end >= 0 {
				d.metadata.Bool(v)
				return end
			}
		}
	}
	end, integer := numberAt(d.b, i)
	if end < 0 {
		return d.fail(i, "%s: a value expected", where)
	}
	if integer {
		if v, err := strconv.ParseInt(string(d.b[i:end]), 10, 64); err == nil {
			d.metadata.Int(v)
			return end
		}
	}
	v, err := strconv.ParseFloat(string(d.b[i:end]), 64)
	if err != nil || math.IsInf(v, 0) {
		return d.fail(i, "%s: a number beyond the range of a float64", where)
	}
	d.metadata.Float(v)
	return end
}

// decodeMetadata reads the metadata of a collection: the same values as those
// of a record.
func decodeMetadata(text []byte) (chunk.Metadata, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	d := &decoder{b: text}
	if d.fields(0) < 0 {
		return nil, d.err
	}
	row, ok, err := d.metadata.AppendTo(nil)
	if err != nil || !ok {
		return nil, err
	}
	return chunk.DecodeMetadata(row)
}
