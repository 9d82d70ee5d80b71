package parquet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"autochrome/chunk"
)

// maxPage bounds a page, packed and unpacked: a page has whole rows, and a row of
// one column has this much at most.
const maxPage = chunk.MaxRow

// checkPages reads the heads of all pages and unpacks each page once into
// nothing: the library believes what a head says and unpacks without a bound.
func checkPages(in io.ReaderAt, size int64, f *pq.File) error {
	u := &unpacker{}
	defer u.close()
	for _, group := range f.Metadata().RowGroups {
		for _, c := range group.Columns {
			m := c.MetaData
			first := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				first = min(first, m.DictionaryPageOffset)
			}
			switch {
			case c.FilePath != "":
				return errors.New("it refers to another file")
			case first < int64(len(Magic)) || m.TotalCompressedSize < 0 || m.TotalCompressedSize > size-first:
				return fmt.Errorf("column %q: its pages lie outside of the file", m.PathInSchema)
			}
			if err := u.column(io.NewSectionReader(in, first, m.TotalCompressedSize), m.Codec, m.NumValues); err != nil {
				return fmt.Errorf("column %q: %w", m.PathInSchema, err)
			}
		}
	}
	return nil
}

// unpacker unpacks pages into nothing.
type unpacker struct {
	gzip *gzip.Reader
	zstd *zstd.Decoder
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}

// column looks at the pages of a column until it has seen its values.
func (u *unpacker) column(in io.Reader, codec format.CompressionCodec, values int64) error {
	b := bufio.NewReaderSize(in, 64<<10)
	protocol := thrift.CompactProtocol{}
	head := thrift.NewDecoder(protocol.NewReader(b))
	for values > 0 {
		var h format.PageHeader
		if err := head.Decode(&h); err != nil {
			return err
		}
		n := int64(h.CompressedPageSize)
		if n < 0 || n > maxPage || h.UncompressedPageSize < 0 || int64(h.UncompressedPageSize) > maxPage {
			return fmt.Errorf("a page of %d bytes, %d unpacked, and %d are the most", n, h.UncompressedPageSize, maxPage)
		}
		levels, packed := int64(0), true
		switch {
		case h.DataPageHeaderV2.Valid:
			v := h.DataPageHeaderV2.V
			levels = int64(v.DefinitionLevelsByteLength) + int64(v.RepetitionLevelsByteLength)
			packed = !v.IsCompressed.Valid || v.IsCompressed.V
			values -= int64(v.NumValues)
		case h.DataPageHeader.Valid:
			values -= int64(h.DataPageHeader.V.NumValues)
		}
		if levels < 0 || levels > n || levels > int64(h.UncompressedPageSize) {
			return errors.New("a page is shorter than its levels")
		}
		page := io.LimitReader(b, n)
		if _, err := io.CopyN(io.Discard, page, levels); err != nil {
			return err
		}
		if packed && codec != format.Uncompressed && n > levels {
			if err := u.page(page, codec, int64(h.UncompressedPageSize)-levels); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, page); err != nil {
			return err
		}
	}
	return nil
}

var errPacked = errors.New("a page unpacks to something else than it says")

// page unpacks one page, of size bytes.
func (u *unpacker) page(in io.Reader, codec format.CompressionCodec, size int64) (err error) {
	var out io.Reader
	switch codec {
	case format.Snappy: // which says its length first, and keeps to it
		head := make([]byte, binary.MaxVarintLen64)
		n, err := io.ReadFull(in, head)
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		if length, k := binary.Uvarint(head[:n]); k <= 0 || length != uint64(size) {
			return errPacked
		}
		return nil
	case format.Gzip:
		if u.gzip == nil {
			u.gzip, err = gzip.NewReader(in)
		} else {
			err = u.gzip.Reset(in)
		}
		out = u.gzip
	case format.Zstd:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxPage))
		} else {
			err = u.zstd.Reset(in)
		}
		out = u.zstd
	default:
		return fmt.Errorf("it is packed with %s; zstd, snappy and gzip can be read", codec)
	}
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(out, size+1))
	if err == nil && n != size {
		err = errPacked
	}
	return err
}
