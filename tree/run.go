package tree

import (
	"encoding/binary"
	"errors"
	"slices"

	"autochrome/chunk"
	"autochrome/internal/wire"
)

// Run is count rows of one chunk: where rows lie.
type Run = chunk.Run

// Root is a whole tree. It stands in a snapshot's record.
type Root = chunk.Root

// appendRun adds a run and joins it with the last one where they touch.
func appendRun(runs []Run, r Run) []Run {
	if n := len(runs); n > 0 {
		if last := &runs[n-1]; last.Chunk == r.Chunk && last.First+last.Count == r.First {
			last.Count += r.Count
			return runs
		}
	}
	return append(runs, r)
}

// appendRuns writes runs: a table of the distinct chunks in order of first
// use, then for each run its place in the table, first row and count.
func appendRuns(dst []byte, runs []Run) []byte {
	var table []chunk.ID
	for _, r := range runs {
		if !slices.Contains(table, r.Chunk) {
			table = append(table, r.Chunk)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(table)))
	for _, id := range table {
		dst = append(dst, id[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	for _, r := range runs {
		dst = binary.AppendUvarint(dst, uint64(slices.Index(table, r.Chunk)))
		dst = binary.AppendUvarint(dst, uint64(r.First))
		dst = binary.AppendUvarint(dst, uint64(r.Count))
	}
	return dst
}

// readRuns reads runs that hold total rows together.
func readRuns(d *wire.Reader, total int) []Run {
	table := make([]chunk.ID, d.Int(min(total, len(d.Rest)/chunk.IDSize)))
	for i := range table {
		copy(table[i][:], d.Take(chunk.IDSize))
		if table[i].IsZero() || slices.Contains(table[:i], table[i]) {
			d.Fail(errors.New("bad table of chunks"))
		}
	}
	runs := make([]Run, 0, d.Int(total))
	used, sum := 0, 0
	for range cap(runs) {
		i, first, count := d.Int(total), d.Int(chunk.MaxRows), d.Int(total)
		if d.Err != nil || i >= len(table) || i > used || count == 0 || count > chunk.MaxRows-first {
			d.Fail(errors.New("bad run"))
			return nil
		}
		if i == used {
			used++
		}
		sum += count
		r := Run{Chunk: table[i], First: first, Count: count}
		if joined := appendRun(runs, r); len(joined) == len(runs) {
			d.Fail(errors.New("two runs that are one"))
		} else {
			runs = joined
		}
	}
	if used != len(table) || sum != total {
		d.Fail(errors.New("runs do not add up"))
	}
	return runs
}
