package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
)

// files calls fn for each file of a tar stream. What is in body is valid until
// it returns. Whatever is no plain file of an archive is refused, and so is
// what cannot have been written: bytes between files, a missing end.
func files(ctx context.Context, in io.Reader, fn func(name string, body []byte) error) error {
	gaps := &gapReader{from: in}
	t := tar.NewReader(gaps)
	seen := map[string]bool{}
	var body bytes.Buffer
	last := ""
	fail := func(name string, err error) error {
		if e := ctx.Err(); e != nil {
			return e
		}
		return damaged(name, err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fail(after(last), err)
		}
		name, skip, err := safe(h)
		if err != nil {
			return &FileError{h.Name, err}
		}
		if skip {
			continue
		}
		if seen[name] {
			return wrong(name, "it is in the archive twice")
		}
		seen[name] = true
		if last = name; h.Size > maxFile {
			return wrong(name, "%d bytes, and %d are the most", h.Size, maxFile)
		}
		body.Reset()
		if body.Cap() > 4*batchBytes {
			body = bytes.Buffer{} // one as large is rare
		}
		if _, err := io.Copy(&body, t); err != nil {
			return fail(name, err)
		}
		gaps.zeros = -h.Size & 511
		if err := fn(name, body.Bytes()); err != nil {
			return err
		}
	}
	gaps.zeros = maxTrailer
	n, err := io.Copy(io.Discard, io.LimitReader(gaps, maxTrailer))
	if err == nil && n == maxTrailer {
		err = errTrailing
	}
	if err != nil {
		return fail(after(last), err)
	}
	if gaps.tail < 1024 {
		return fail(after(last), io.ErrUnexpectedEOF)
	}
	return nil
}

// after names a place in an archive.
func after(file string) string {
	if file == "" {
		return "the beginning of the archive"
	}
	return "what stands behind " + file
}

// safe gives a file's name in an archive. Folders are skipped.
func safe(h *tar.Header) (name string, skip bool, err error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return "", true, nil
	}
	name = strings.TrimPrefix(h.Name, "./")
	folder := h.Typeflag == tar.TypeDir
	if folder {
		name = strings.TrimSuffix(name, "/")
		if name == "" || name == "." {
			return "", true, nil
		}
	}
	switch {
	case name == "" || strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) || path.Clean(name) != name || name == ".." || strings.HasPrefix(name, "../"):
		return "", false, errors.New("its name leads out of the archive")
	case folder:
		return "", true, nil
	case h.Typeflag != tar.TypeReg:
		return "", false, errors.New("it is a link or something else that is no plain file")
	case !belongs(name):
		return "", false, errors.New("it does not belong in an archive")
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse") {
			return "", false, errors.New("it has holes; an archive has plain files only")
		}
	}
	return name, false, nil
}

var (
	errGap      = errors.New("bytes that are not zero stand between two files")
	errTrailing = errors.New("something stands behind the end")
)

// gapReader demands that gaps between files are zeros, which archive/tar skips,
// and counts the zeros that it has read last.
type gapReader struct {
	from  io.Reader
	zeros int64 // that come next
	tail  int64
}

func (g *gapReader) Read(p []byte) (int, error) {
	n, err := g.from.Read(p)
	gap := p[:min(int64(n), g.zeros)]
	g.zeros -= int64(len(gap))
	if len(bytes.Trim(gap, "\x00")) > 0 {
		return 0, errGap
	}
	if rest := bytes.TrimRight(p[:n], "\x00"); len(rest) > 0 {
		g.tail = int64(n - len(rest))
	} else {
		g.tail += int64(n)
	}
	return n, err
}
