package guard

import (
	"encoding/binary"
	"os"

	"autochrome/chunk"
	"autochrome/internal/tempfile"
	"autochrome/tree"
)

// recentSize bounds the scratch file of recent rows, in bytes: some thousand
// changes of a hundred embeddings each.
const recentSize = 256 << 20

// recent keeps the rows that were stored last in a scratch file of bounded size,
// where a row can be read by itself. A chunk is read and checked as a whole; but
// where the same row groups are changed again and again at a few rows, these lie
// in as many chunks as there were changes. It is a tree.Recent; not safe for
// concurrent use.
type recent struct {
	file   *os.File
	size   int64 // of the file; its oldest rows are written over
	end    int64 // of all that was ever written, which lies in the file modulo size
	chunks map[chunk.ID]recentChunk
	order  []chunk.ID // of chunks, the oldest first
	buf    []byte
	marks  []uint32
}

// recentChunk says where the rows of a chunk lie: for each row where it ends, as
// four bytes, of which the first bit says that it is absent; behind them the
// rows.
type recentChunk struct {
	at   int64
	rows int
	dim  int
	kind chunk.Kind
}

const recentAbsent = 1 << 31

// newRecent makes a scratch file of so many bytes, which goes with close or with
// the process.
func newRecent(size int64) (*recent, error) {
	f, err := tempfile.New("autochrome-rows-*")
	if err != nil {
		return nil, err
	}
	return &recent{file: f, size: size, chunks: map[chunk.ID]recentChunk{}}, nil
}

// close removes the scratch file.
func (r *recent) close() error { return tempfile.Close(r.file) }

// Add implements tree.Recent. Where it fails the rows are not there.
func (r *recent) Add(id chunk.ID, rows *chunk.Rows) {
	if _, there := r.chunks[id]; there {
		return
	}
	b := r.buf[:0]
	end := 0
	for i := range rows.Len() {
		row, present := rows.Row(i)
		end += len(row)
		mark := uint32(end)
		if !present {
			mark |= recentAbsent
		}
		b = binary.LittleEndian.AppendUint32(b, mark)
	}
	for i := range rows.Len() {
		row, _ := rows.Row(i)
		b = append(b, row...)
	}
	r.buf = b
	if int64(len(b)) > r.size/2 || end >= recentAbsent {
		return
	}
	if left := r.size - r.end%r.size; left < int64(len(b)) {
		r.end += left
	}
	r.forget(r.end + int64(len(b)) - r.size)
	if _, err := r.file.WriteAt(b, r.end%r.size); err != nil {
		return
	}
	r.chunks[id] = recentChunk{at: r.end, rows: rows.Len(), dim: rows.Dim(), kind: rows.Kind()}
	r.order = append(r.order, id)
	r.end += int64(len(b))
}

// forget drops what begins before a place.
func (r *recent) forget(before int64) {
	for len(r.order) > 0 && r.chunks[r.order[0]].at < before {
		delete(r.chunks, r.order[0])
		r.order = r.order[1:]
	}
}

// AppendTo implements tree.Recent.
func (r *recent) AppendTo(rows *chunk.Rows, run tree.Run) bool {
	c, ok := r.chunks[run.Chunk]
	if !ok || c.kind != rows.Kind() || run.First < 0 || run.Count <= 0 || run.Count > c.rows-run.First ||
		rows.Len() > 0 && rows.Dim() != c.dim {
		return false
	}
	before := min(run.First, 1) // where the row before ends, the first one begins
	ends, ok := r.read(c.at+4*int64(run.First-before), 4*(before+run.Count))
	if !ok {
		return false
	}
	start := 0
	if before > 0 {
		start, ends = int(binary.LittleEndian.Uint32(ends)&^recentAbsent), ends[4:]
	}
	r.marks = r.marks[:0]
	at := start
	for ; len(ends) > 0; ends = ends[4:] {
		mark := binary.LittleEndian.Uint32(ends)
		r.marks = append(r.marks, mark)
		end := int(mark &^ recentAbsent)
		if end < at || c.kind == chunk.Embeddings && mark&recentAbsent == 0 && end-at != 4*c.dim && end-at != 4*c.dim+(c.dim+7)/8 {
			return false // somebody wrote to the file
		}
		at = end
	}
	if int64(at) > r.size {
		return false
	}
	data, ok := r.read(c.at+4*int64(c.rows)+int64(start), at-start)
	if !ok {
		return false
	}
	if rows.Len() == 0 {
		rows.Reset(c.dim)
	}
	at = start
	for _, mark := range r.marks {
		end := int(mark &^ recentAbsent)
		if mark&recentAbsent != 0 {
			rows.AppendAbsent()
		} else {
			rows.Append(data[at-start : end-start])
		}
		at = end
	}
	return true
}

// read gives bytes of the file, valid until the next call.
func (r *recent) read(at int64, n int) ([]byte, bool) {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	_, err := r.file.ReadAt(r.buf[:n], at%r.size)
	return r.buf[:n], err == nil
}
