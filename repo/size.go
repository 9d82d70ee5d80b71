package repo

import (
	"context"
	"slices"
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
	err := r.store.List(ctx, "", func(info backend.Info) error {
		folder, _, found := strings.Cut(info.Name, "/")
		if !found {
			folder = ""
		}
		if found && !slices.Contains(ownFolders, folder+"/") || !found && info.Name != configName {
			return nil
		}
		f := s.Folders[folder]
		s.Folders[folder] = FolderSize{f.Files + 1, f.Bytes + info.Size}
		s.Files++
		s.Bytes += info.Size
		return nil
	})
	return s, err
}

// ChunkSize gives the length of a chunk's stored form and its kind, and whether
// an index names it.
func (r *Repository) ChunkSize(id chunk.ID) (size int64, kind chunk.Kind, ok bool) {
	at, ok := r.index().Lookup(id)
	return at.Length, at.Kind, ok
}
