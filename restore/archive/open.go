package archive

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"autochrome/restore/parquet"
)

const (
	ageMagic  = "age-encryption.org/v1"
	gzipMagic = "\x1f\x8b"
	zstdMagic = "\x28\xb5\x2f\xfd"
	tarMagic  = "ustar"
	tarAt     = 257 // where it stands

	// maxWindow bounds the memory that a zstd file may ask for.
	maxWindow = 128 << 20
)

// Identities open encrypted archives; nil: there are none.
type Identities []age.Identity

// ParseIdentities reads a file of age identities, as age-keygen makes them.
func ParseIdentities(r io.Reader) (Identities, error) {
	ids, err := age.ParseIdentities(r)
	if err != nil { // age's error may quote the line
		return nil, errors.New("it is not a file of age identities (AGE-SECRET-KEY-1…, as age-keygen makes them)")
	}
	return ids, nil
}

var errTable = wrong("", "it is a Parquet file, which has no sums and is read from its end: import takes it by its name")

// opened is what was packed: a tar file, or records as lines.
type opened struct {
	io.Reader
	lines bool
	close func()
}

// open finds out how an archive is packed, and unpacks it.
func open(in io.Reader, identities Identities) (*opened, error) {
	b := bufio.NewReaderSize(in, 256<<10)
	if head, _ := b.Peek(len(ageMagic)); string(head) == ageMagic {
		if identities == nil {
			return nil, ErrSealed
		}
		opened, err := age.Decrypt(b, identities...)
		if none := new(age.NoIdentityMatchError); errors.As(err, &none) {
			return nil, ErrSealed
		}
		if err != nil {
			return nil, &FileError{Err: err}
		}
		b = bufio.NewReaderSize(opened, 256<<10)
	}
	head, err := b.Peek(len(zstdMagic))
	switch {
	case len(head) == 0 && (err == nil || err == io.EOF):
		return nil, wrong("", "it is empty")
	case len(head) == 0:
		return nil, damaged("", err)
	case string(head) == parquet.Magic:
		return nil, errTable
	case bytes.HasPrefix(head, []byte(gzipMagic)):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, damaged("", err)
		}
		return unpacked(z, func() { _ = z.Close() })
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, damaged("", err)
		}
		return unpacked(z, z.Close)
	}
	return unpacked(b, func() {})
}

// unpacked looks at what an archive is once it is unpacked.
func unpacked(in io.Reader, close func()) (*opened, error) {
	b := bufio.NewReaderSize(in, 256<<10)
	head, err := b.Peek(tarAt + len(tarMagic))
	switch {
	case len(head) == tarAt+len(tarMagic) && string(head[tarAt:]) == tarMagic:
		return &opened{b, false, close}, nil
	case bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")):
		return &opened{b, true, close}, nil
	}
	close()
	if err != nil && err != io.EOF {
		return nil, damaged("the beginning of the archive", err)
	}
	return nil, wrong("", "it is neither gzip, zstd nor tar")
}
