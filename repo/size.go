package repo

import (
	"context"
	"errors"
	"strings"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

// FolderSize is how much lies in a folder.
type FolderSize struct {
	Files int64
	Bytes int64
}

// Size is how much a repository takes.
type Size struct {
	FolderSize                       // of all together
	Folders    map[string]FolderSize // packs, index, roots, lists and so on; "" is autochrome.json
}

// Size asks the store how much the repository takes. What stands beside it,
// archives of earlier scripts, is not counted.
func (r *Repository) Size(ctx context.Context) (Size, error) {
	s := Size{Folders: map[string]FolderSize{}}
	add := func(info backend.Info) error {
		folder, _, found := strings.Cut(info.Name, "/")
		if !found {
			folder = ""
		}
		f := s.Folders[folder]
		s.Folders[folder] = FolderSize{f.Files + 1, f.Bytes + info.Size}
		s.Files++
		s.Bytes += info.Size
		return nil
	}
	config, err := r.listConfig(ctx)
	if err != nil {
		return s, err
	}
	for _, info := range config {
		_ = add(info) // never fails
	}
	for _, folder := range ownFolders {
		if err := r.store.List(ctx, folder, add); err != nil {
			return s, err
		}
	}
	return s, nil
}

// listConfig lists autochrome.json, without its time: to list all that stands
// beside it might fail on what is nobody's business.
func (r *Repository) listConfig(ctx context.Context) ([]backend.Info, error) {
	b, err := loadConfig(ctx, r.store)
	switch {
	case errors.Is(err, backend.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return []backend.Info{{Name: configName, Size: int64(len(b))}}, nil
}

// ChunkSize gives the length of a chunk's stored form and its kind, and whether
// an index names it.
func (r *Repository) ChunkSize(id chunk.ID) (size int64, kind chunk.Kind, ok bool) {
	at, ok := r.index().Lookup(id)
	return at.Length, at.Kind, ok
}
