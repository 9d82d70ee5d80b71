package snapshot

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"os"

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
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(id)))
	if _, err := w.Write(length[:n]); err != nil {
		return err
	}
	_, err := w.Write(id)
	return err
}

// next appends the next n ids, fewer at the end.
func (l *idList) next(dst [][]byte, n int) ([][]byte, error) {
	for range n {
		length, err := binary.ReadUvarint(l.in)
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		id := make([]byte, length)
		if _, err := io.ReadFull(l.in, id); err != nil {
			return dst, err
		}
		dst = append(dst, id)
	}
	return dst, nil
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
