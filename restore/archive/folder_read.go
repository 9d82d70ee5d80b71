package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/restore/parquet"
)

// IsFolder reports whether a path is a folder that ImportFolder may take: of
// tables, or an archive that was unpacked.
func IsFolder(path string) bool { return hasFile(path, manifestName) || hasFile(path, vdfName) }

// IsTables reports whether a path is a folder that ExportFolder wrote.
func IsTables(path string) bool { return hasFile(path, manifestName) && hasFile(path, vdfName) }

// IsTable reports whether a path is a Parquet file, by how it begins. Nothing is
// read of a pipe, which would lack that afterwards.
func IsTable(path string) bool {
	if i, err := os.Stat(path); err != nil || !i.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(parquet.Magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == parquet.Magic
}

func hasFile(folder, name string) bool {
	i, err := os.Stat(filepath.Join(folder, name))
	return err == nil && i.Mode().IsRegular()
}

// ImportFolder is Import of a folder of tables: one that ExportFolder wrote, or one
// of vector-io's.
func ImportFolder(ctx context.Context, r *repo.Repository, folder string, o ImportOptions) (Imported, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Imported{}, err
	}
	defer root.Close()
	return importing(ctx, r, o, func(b *building, res *Imported) (*scanned, error) {
		if foreign(root) {
			return readVDF(ctx, root, b, res)
		}
		s, err := scanFolder(ctx, root, false, b)
		if err != nil {
			return nil, err
		}
		return s, s.whole(res)
	})
}

// VerifyFolder is Verify of a folder of tables that ExportFolder wrote.
func VerifyFolder(ctx context.Context, folder string) (Checked, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Checked{}, err
	}
	defer root.Close()
	if foreign(root) {
		return checked(nil, wrong("", "it is a folder of vector-io's, without a manifest and sums; import takes it"), nil)
	}
	count := &counter{}
	s, err := scanFolder(ctx, root, true, count)
	return checked(s, err, count)
}

// foreign: a folder has no manifest of ours.
func foreign(root *os.Root) bool {
	_, err := root.Stat(manifestName)
	return errors.Is(err, fs.ErrNotExist)
}

// folderReader is one reading of a folder.
type folderReader struct {
	*scanner
	root *os.Root // no link leads out of it
}

// scanFolder is scan of a folder of tables.
func scanFolder(ctx context.Context, root *os.Root, tolerant bool, to sink) (*scanned, error) {
	f := &folderReader{scanner: &scanner{scanned: &scanned{}, to: to, folders: map[string]bool{}, tolerant: tolerant}, root: root}
	return f.scanned, f.read(ctx)
}

// read reads the files in the order of the manifest, which is that of an archive.
func (f *folderReader) read(ctx context.Context) error {
	if err := f.noted(f.small(manifestName)); err != nil {
		return err
	}
	if f.manifest == nil { // which files there shall be is not known
		f.cut = true
		return nil
	}
	// The sums are in the order of an archive, in which the manifest comes later.
	first := f.files[0]
	f.files = nil
	for _, name := range []string{readmeName, vdfName} {
		if _, err := f.root.Stat(name); err == nil {
			if err := f.noted(f.small(name)); err != nil {
				return err
			}
		}
	}
	for _, c := range f.manifest.Collections {
		if err := f.noted(f.small(c.Folder + "/" + descriptionName)); err != nil {
			return err
		}
		for _, b := range f.manifest.Batches {
			if path.Dir(b.File) != c.Folder {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f.noted(f.batchFile(ctx, b)); err != nil {
				return err
			}
		}
	}
	if err := f.endCollection(); err != nil {
		return err
	}
	f.files = append(f.files, first)
	if _, err := f.root.Stat(sumsName); err == nil {
		if err := f.noted(f.small(sumsName)); err != nil {
			return err
		}
	}
	return f.strangers()
}

// small reads a file that is no table.
func (f *folderReader) small(name string) error {
	file, size, err := openIn(f.root, name)
	if err != nil {
		return err
	}
	defer file.Close()
	if size > maxFile {
		return wrong(name, "%d bytes, and %d are the most", size, maxFile)
	}
	body, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return err
	}
	return f.file(name, body)
}

// openIn opens a plain file below a folder.
func openIn(root *os.Root, name string) (*os.File, int64, error) {
	file, err := root.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, wrong(name, "it is missing")
	case err != nil:
		return nil, 0, &FileError{name, err}
	}
	i, err := file.Stat()
	if err == nil && !i.Mode().IsRegular() {
		err = wrong(name, "it is no plain file")
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, i.Size(), nil
}

// batchFile reads a file of records. A table is decoded only where its sum is
// right.
func (f *folderReader) batchFile(ctx context.Context, b Batch) error {
	if !isBatch.MatchString(b.File) {
		return wrong(b.File, "no file of records has such a name")
	}
	if !isTable(b.File) {
		return f.small(b.File)
	}
	file, size, err := openIn(f.root, b.File)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	f.files = append(f.files, seenFile{name: b.File, sum: sum, size: size})
	if b.SHA256 != nil && *b.SHA256 != sum {
		f.files[len(f.files)-1].unread = true
		return wrong(b.File, "its SHA-256 is not the one in the manifest")
	}
	return f.batch(b.File, func(fn func(chunk.Record) error) error {
		t, err := parquet.Open(file, size, parquet.Names{})
		if err == nil {
			_, err = t.Read(ctx, fn) // none of ours is rounded
		}
		return err
	})
}

// strangers finds files of collections and records that the manifest does not
// name. Others are left alone: folders gather what is none of ours.
func (f *folderReader) strangers() error {
	seen := map[string]bool{}
	for _, file := range f.files {
		seen[file.name] = true
	}
	for _, b := range f.manifest.Batches {
		seen[b.File] = true // it was looked for
	}
	return fs.WalkDir(f.root.FS(), collectionsName, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == collectionsName {
			return nil
		}
		if err != nil {
			return err
		}
		if !d.IsDir() && !seen[name] && (isBatch.MatchString(name) || isDescription.MatchString(name)) {
			return f.noted(wrong(name, "the manifest does not name it"))
		}
		return nil
	})
}
