package snapshot

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"os"
	"slices"

	"autochrome/chunk"
	"autochrome/internal/tempfile"
)

// idList is the ids of a collection in the server's order, in a scratch file:
// a million of them take 40 MB.
type idList struct {
	file  *os.File
	in    *bufio.Reader
	count int
	sum   hash.Hash

	batch [][]byte // what next gave
	bytes []byte   // and where it lies
}

// listIDs asks for the ids of a collection. The caller closes the list.
func listIDs(ctx context.Context, src Source, serverID string) (*idList, error) {
	f, err := tempfile.New("autochrome-ids-*")
	if err != nil {
		return nil, err
	}
	l := &idList{file: f, sum: chunk.NewFileHash()}
	out := bufio.NewWriterSize(io.MultiWriter(f, l.sum), 64<<10)
	err = src.IDs(ctx, serverID, func(id []byte) error {
		l.count++
		return writeID(out, id)
	})
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	l.in = bufio.NewReaderSize(f, 64<<10)
	return l, nil
}

func writeID(w *bufio.Writer, id []byte) error {
	if _, err := w.Write(binary.AppendUvarint(w.AvailableBuffer(), uint64(len(id)))); err != nil {
		return err
	}
	_, err := w.Write(id)
	return err
}

// next gives the next n ids, fewer at the end. They stand until it is called again.
func (l *idList) next(n int) ([][]byte, error) {
	l.batch, l.bytes = l.batch[:0], l.bytes[:0]
	for range n {
		length, err := binary.ReadUvarint(l.in)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		// An id stays where it is when those behind it need other memory.
		begin := len(l.bytes)
		l.bytes = slices.Grow(l.bytes, int(length))[:begin+int(length)]
		id := l.bytes[begin:]
		if _, err := io.ReadFull(l.in, id); err != nil {
			return nil, err
		}
		l.batch = append(l.batch, id)
	}
	return l.batch, nil
}

// unchanged asks for the ids again and reports whether they are the same in
// the same order.
func (l *idList) unchanged(ctx context.Context, src Source, serverID string) (bool, error) {
	sum := chunk.NewFileHash()
	out := bufio.NewWriterSize(sum, 64<<10)
	err := src.IDs(ctx, serverID, func(id []byte) error { return writeID(out, id) })
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return false, err
	}
	return string(sum.Sum(nil)) == string(l.sum.Sum(nil)), nil
}

func (l *idList) close() { _ = tempfile.Close(l.file) }
