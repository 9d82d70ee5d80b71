package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"autochrome/restore/parquet"
)

// ErrArchive: a file is no archive, or not one that is whole.
var ErrArchive = errors.New("no whole archive")

// ErrSealed: an archive is encrypted, and no identity at hand opens it.
var ErrSealed = errors.New("the archive is encrypted")

// FileError names the file of an archive that is not as it should be. It is
// ErrArchive.
type FileError struct {
	File string // "" is the archive as a whole
	Err  error
}

func (e *FileError) Error() string {
	if e.File == "" {
		return "the archive: " + e.Err.Error()
	}
	return e.File + ": " + e.Err.Error()
}

// Hint says what to do next where that is not the same for all archives.
func (e *FileError) Hint() string {
	if bad := new(parquet.Unfit); errors.As(e.Err, &bad) {
		return "nothing was stored; leave the column out or write it as another type, for example with DuckDB: COPY (SELECT * EXCLUDE (COLUMN) FROM 'FILE') TO 'NEW.parquet'"
	}
	if e.Err == errUnnamed {
		return "nothing was stored; --collection names the collection of a Parquet file that another program wrote"
	}
	if strings.HasPrefix(e.File, linePrefix) {
		return "nothing was stored; mend the line; --collection names the collection of lines that name none"
	}
	return ""
}

// Is makes it ErrArchive.
func (e *FileError) Is(target error) bool { return target == ErrArchive }

func (e *FileError) Unwrap() error { return e.Err }

// damaged is the error of reading an archive. That a disk cannot be read says
// nothing about what is on it.
func damaged(file string, err error) error {
	if bad := new(fs.PathError); errors.As(err, &bad) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the archive is cut short")
	}
	return &FileError{file, err}
}

func wrong(file, format string, args ...any) *FileError {
	return &FileError{file, fmt.Errorf(format, args...)}
}
