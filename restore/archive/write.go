package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"filippo.io/age"

	"autochrome/internal/deflate"
)

// writer packs files: tar, gzip, and age where there are recipients.
type writer struct {
	tar    *tar.Writer
	gzip   *deflate.Writer
	packed count // what gzip gave
	age    io.WriteCloser
	out    count // what was written
	sum    hash.Hash

	modified time.Time
}

// count counts the bytes that go through.
type count struct {
	to io.Writer
	n  int64
}

func (c *count) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

func newWriter(to io.Writer, modified time.Time, recipients []age.Recipient) (*writer, error) {
	w := &writer{sum: sha256.New(), modified: modified.UTC().Truncate(time.Second)}
	if last := time.Unix(1<<33-1, 0); w.modified.After(last) {
		w.modified = last // of what eleven octal digits hold
	}
	w.out.to = io.MultiWriter(to, w.sum)
	w.packed.to = &w.out
	if len(recipients) > 0 {
		var err error
		if w.age, err = age.Encrypt(&w.out, recipients...); err != nil {
			return nil, fmt.Errorf("encrypt: %w", err)
		}
		w.packed.to = w.age
	}
	w.gzip = deflate.NewWriter(&w.packed)
	w.tar = tar.NewWriter(w.gzip)
	return w, nil
}

// add writes a file and gives its sum.
func (w *writer) add(name string, body []byte) (sum string, err error) {
	err = w.tar.WriteHeader(&tar.Header{
		Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644, ModTime: w.modified,
	})
	if err == nil {
		_, err = w.tar.Write(body)
	}
	hashed := sha256.Sum256(body)
	return hex.EncodeToString(hashed[:]), err
}

// sumsLine is a line as sha256sum writes it.
func sumsLine(name, sum string) string { return sum + "  " + name + "\n" }

// flush gives how many bytes all files until now take, packed.
func (w *writer) flush() (int64, error) {
	if err := w.tar.Flush(); err != nil {
		return 0, err
	}
	err := w.gzip.Flush()
	return w.packed.n, err
}

func (w *writer) close() error {
	err := w.tar.Close()
	if e := w.gzip.Close(); err == nil {
		err = e
	}
	if w.age != nil && err == nil {
		err = w.age.Close()
	}
	return err
}
