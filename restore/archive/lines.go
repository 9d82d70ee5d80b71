package archive

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"autochrome/chunk"
	"autochrome/repo"
)

// ExportLines writes a snapshot's records as lines of JSON, each with the name of
// its collection. What the collections are, and those without records, is not in
// it, and there are no sums: it is for other programs, an archive is for keeping.
// Batch and Recipients mean nothing here.
func ExportLines(ctx context.Context, r *repo.Repository, s repo.Snapshot, to io.Writer, o Options) (Written, error) {
	e := newExport(r, s, o)
	collections, err := e.chosen(ctx)
	if err != nil {
		return Written{}, err
	}
	e.begin(len(collections))
	sum := sha256.New()
	out := &count{to: io.MultiWriter(to, sum)}
	buffered := bufio.NewWriterSize(out, 256<<10)
	for _, c := range collections {
		head := append(chunk.AppendJSONString([]byte(`{"collection":`), c.Name), ',')
		err := e.each(ctx, c, func(r chunk.Record) error {
			e.buf = chunk.AppendRecordJSON(e.buf[:0], r, false)
			_, _ = buffered.Write(head) // Flush gives the error
			_, _ = buffered.Write(e.buf[1:])
			return buffered.WriteByte('\n')
		})
		if err != nil {
			return Written{}, fmt.Errorf("collection %q: %w", c.Name, err)
		}
		e.m.Collections = append(e.m.Collections, ManifestCollection{description: description{Name: c.Name}, Count: c.Top.Count})
		e.m.TotalChunks += c.Top.Count
	}
	err = buffered.Flush()
	return Written{e.m, hex.EncodeToString(sum.Sum(nil)), out.n, out.n}, err
}
