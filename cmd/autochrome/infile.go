package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/restore/archive"
)

// archiveEndings are those of files that may be named where a snapshot may be.
var archiveEndings = []string{".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".age"}

// isArchive reports whether a word is an archive, and no snapshot.
func isArchive(word string) bool {
	if word == "-" {
		return true
	}
	for _, end := range archiveEndings {
		if strings.HasSuffix(word, end) {
			return true
		}
	}
	return false
}

// isPipe reports whether a path is something that can be read but once: a named
// pipe, or what a shell makes of <(…).
func isPipe(path string) bool {
	i, err := os.Stat(path)
	return err == nil && !i.Mode().IsRegular() && !i.IsDir()
}

func decryptFlag() cli.Flag {
	return &cli.StringFlag{Name: "decrypt-with", Usage: "`FILE` with the age identity that opens an encrypted archive"}
}

// identities reads --decrypt-with; nil: there is none.
func (s *session) identities() (archive.Identities, error) {
	path := s.flags.String("decrypt-with")
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("", "--decrypt-with: %v", err)
	}
	defer f.Close()
	ids, err := archive.ParseIdentities(f)
	if err != nil {
		return nil, usage("", "--decrypt-with %s: %v", path, err)
	}
	return ids, nil
}

// openArchive opens an archive, or standard input where it is "-".
func (s *session) openArchive(path string) (io.ReadCloser, error) {
	if path == "-" {
		if s.inTerminal {
			return nil, usage("name a file, or send an archive: … | autochrome import -", "no archive comes from a terminal")
		}
		return io.NopCloser(s.in), nil
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage("", "%s: there is no such file", path)
	case err != nil:
		return nil, err
	}
	if i, err := f.Stat(); err == nil && i.IsDir() {
		_ = f.Close()
		return nil, usage("of a folder of archives: autochrome import --series "+path, "%s is a folder", path)
	}
	return f, nil
}

// sumBeside compares an archive with the sum that stands beside it in a file.
// checked is false where there is none, and where reading would take something
// out of a pipe.
func sumBeside(ctx context.Context, path string) (checked bool, wrong *archive.FileError, err error) {
	if path == "-" || isPipe(path) || isPipe(path+sumSuffix) {
		return false, nil, nil
	}
	text, err := os.ReadFile(path + sumSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	want, _, _ := strings.Cut(string(text), " ")
	if b, err := hex.DecodeString(want); err != nil || len(b) != sha256.Size {
		return true, &archive.FileError{File: filepath.Base(path) + sumSuffix, Err: errors.New("it is not of the form SUM  FILE")}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, bufio.NewReaderSize(untilDone{ctx, f}, 1<<20)); err != nil {
		return false, nil, err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return true, &archive.FileError{File: filepath.Base(path), Err: fmt.Errorf("its SHA-256 is %s, and %s%s says %s", got, filepath.Base(path), sumSuffix, want)}, nil
	}
	return true, nil, nil
}

// untilDone stops reading when the context ends.
type untilDone struct {
	ctx context.Context
	io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}
