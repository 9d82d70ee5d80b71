package archive

import (
	"context"
	"hash"

	"autochrome/chunk"
	"autochrome/tree"
)

// batches writes a collection's records as JSON.
func (e *export) batches(ctx context.Context, c tree.Collection, folder string, of hash.Hash) error {
	var b Batch
	files, done := 0, int64(0)
	e.buf = e.buf[:0]
	end := func() error {
		if b.Count == 0 {
			return nil
		}
		e.buf = append(e.buf, "\n]\n"...)
		files++
		b.Collection, b.File, b.Bytes = c.Name, batchName(folder, files), int64(len(e.buf))
		sum, err := e.file(b.File, e.buf, of)
		b.SHA256 = &sum
		e.m.Batches = append(e.m.Batches, b)
		b, e.buf = Batch{}, e.buf[:0]
		if cap(e.buf) > 2*batchBytes {
			e.buf = nil // a record as large is rare
		}
		return err
	}
	err := e.reader.Groups(ctx, c, func(_ int64, g tree.Group) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		recs, err := e.reader.Records(ctx, g)
		if err != nil {
			return err
		}
		for i := range recs.Len() {
			record, err := recs.Record(i)
			if err != nil {
				return err
			}
			at := len(e.buf)
			e.buf = append(e.buf, between(b.Count)...)
			e.buf = chunk.AppendRecordJSON(e.buf, record, false)
			if b.Count > 0 && len(e.buf) > batchBytes {
				e.buf = e.buf[:at]
				if err := end(); err != nil {
					return err
				}
				e.buf = append(e.buf, between(0)...)
				e.buf = chunk.AppendRecordJSON(e.buf, record, false)
			}
			if b.Count == 0 {
				b.FirstID = record.ID
			}
			b.LastID = record.ID
			if b.Count++; b.Count == e.o.Batch {
				if err := end(); err != nil {
					return err
				}
			}
		}
		if done += int64(g.Count); e.o.Progress != nil {
			e.o.Progress(c.Name, done, c.Top.Count)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return end()
}

// between stands before a record of an array.
func between(n int) string {
	if n == 0 {
		return "[\n"
	}
	return ",\n"
}
