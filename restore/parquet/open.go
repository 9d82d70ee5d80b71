package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	pq "github.com/parquet-go/parquet-go"
)

// maxFooter bounds the description at the end of a file.
const maxFooter = 64 << 20

// Magic begins and ends a file.
const Magic = "PAR1"

// Names say which columns of a file are what. The zero value is as Writer names
// them.
type Names struct {
	ID        string
	Embedding string
}

func (n Names) orDefault() Names {
	if n.ID == "" {
		n.ID = idColumn
	}
	if n.Embedding == "" {
		n.Embedding = embeddingColumn
	}
	return n
}

// File is a file that is open.
type File struct {
	f       *pq.File
	columns []column
}

// Unfit is an error of a column or a value that cannot become part of a record.
type Unfit struct {
	Column string
	Why    string
}

func (e *Unfit) Error() string { return fmt.Sprintf("column %q: %s", e.Column, e.Why) }

// Open reads what a file says about itself. Its columns must be those of records:
// what would be lost is an error (Unfit).
func Open(in io.ReaderAt, size int64, names Names) (f *File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = undecoded(p)
		}
	}()
	if err := checkEnds(in, size); err != nil {
		return nil, err
	}
	file, err := pq.OpenFile(in, size, pq.SkipBloomFilters(true), pq.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	f = &File{f: file}
	names = names.orDefault()
	found := map[role]bool{}
	at := 0
	for _, field := range file.Root().Columns() {
		c, err := columnOf(field, at, names)
		if err != nil {
			return nil, err
		}
		if c.role != skipped && c.role != inMetadata && found[c.role] {
			return nil, &Unfit{c.name, "it stands twice"}
		}
		found[c.role] = true
		f.columns = append(f.columns, c)
		at++ // each of those that columnOf takes has one leaf
	}
	if !found[isID] {
		return nil, &Unfit{names.ID, "there is no such column"}
	}
	if !found[isEmbedding] {
		return nil, &Unfit{names.Embedding, "there is no such column"}
	}
	return f, checkPages(in, size, file)
}

// checkEnds looks at both ends of a file before anything believes the length of
// its footer.
func checkEnds(in io.ReaderAt, size int64) error {
	var head [4]byte
	var tail [8]byte
	if size < int64(len(head)+len(tail)) {
		return errors.New("it is cut short")
	}
	if _, err := in.ReadAt(head[:], 0); err != nil {
		return err
	}
	if string(head[:]) != Magic {
		return errors.New("it is no Parquet file, or an encrypted one")
	}
	if _, err := in.ReadAt(tail[:], size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	if string(tail[4:]) != Magic {
		return errors.New("it is cut short: the end of a Parquet file is missing")
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:])); n > maxFooter || n > size-int64(len(head)+len(tail)) {
		return fmt.Errorf("its footer has %d bytes", n)
	}
	return nil
}

// undecoded makes an error of a panic: the library meets hostile files with one
// here and there.
func undecoded(p any) error {
	return fmt.Errorf("it cannot be decoded: %.200s", strings.ReplaceAll(fmt.Sprint(p), "\n", " "))
}

// Rows is the number of records.
func (f *File) Rows() int64 { return f.f.NumRows() }

// Note gives one of Layout.Notes.
func (f *File) Note(key string) (string, bool) { return f.f.Lookup(key) }
