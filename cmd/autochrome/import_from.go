package main

import (
	"context"
	"fmt"
	"os"

	"autochrome/repo"
	"autochrome/restore/archive"
)

// isExport reports whether a word is something that was exported, and no snapshot.
func isExport(word string) bool {
	return isArchive(word) || isPipe(word) || archive.IsFolder(word) || archive.IsTable(word)
}

// isThere fails where there is nothing at a path that could be imported.
func (s *session) isThere(path string) error {
	if archive.IsFolder(path) || isPipe(path) {
		return nil
	}
	in, err := s.openArchive(path)
	if err != nil {
		return err
	}
	return in.Close()
}

// importFrom imports an archive, records as lines, a Parquet file or a folder of
// them.
func (s *session) importFrom(ctx context.Context, r *repo.Repository, path string, o archive.ImportOptions) (res archive.Imported, err error) {
	if archive.IsFolder(path) {
		if res, err = archive.ImportFolder(ctx, r, path, o); err != nil {
			return res, fmt.Errorf("%s: %w", path, err)
		}
		return res, nil
	}
	in, err := s.openArchive(path)
	if err != nil {
		return res, err
	}
	defer in.Close()
	if _, wrong, err := sumBeside(ctx, path); err != nil {
		return res, err
	} else if wrong != nil {
		return res, wrong
	}
	if file, ok := in.(*os.File); ok && archive.IsTable(path) {
		var i os.FileInfo
		if i, err = file.Stat(); err == nil {
			res, err = archive.ImportTable(ctx, r, file, i.Size(), o)
		}
	} else {
		res, err = archive.Import(ctx, r, untilDone{ctx, in}, o)
	}
	if err != nil {
		return res, fmt.Errorf("%s: %w", path, err)
	}
	return res, nil
}
