package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"autochrome/repo"
	"autochrome/restore"
)

// restoreArchive restores an archive straight into a server: through a
// repository in a temporary folder, which goes away afterwards. What would be
// written over would be recorded there, so nothing is.
func (s *session) restoreArchive(ctx context.Context, path string, names []string, into restore.Into) error {
	if into.Over != restore.OverNothing {
		return usage("import it first, and restore the snapshot: autochrome import "+path,
			"--merge and --replace need a repository to record in what is written over, and an archive is none")
	}
	o, err := s.importOptions()
	if err != nil {
		return err
	}
	if err := s.isThere(path); err != nil {
		return err
	}
	return withTemporaryRepository(ctx, func(r *repo.Repository) error {
		res, err := s.importFrom(ctx, r, path, o)
		if err != nil {
			return err
		}
		if why := res.Snapshot.Suspect; why != "" {
			s.warn("%s is suspect: %s", path, why)
		}
		return s.restore(ctx, r, res.Snapshot.ID.String(), names, into, &repo.AuditEntry{})
	})
}

// withTemporaryRepository gives fn a repository that only its owner can read,
// and removes it afterwards.
func withTemporaryRepository(ctx context.Context, fn func(*repo.Repository) error) (err error) {
	folder, err := os.MkdirTemp("", "autochrome-archive-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	r, err := makeRepository(ctx, filepath.Join(folder, "repository"), repo.InitOptions{})
	if err != nil {
		return err
	}
	return errors.Join(fn(r), r.Close())
}
