package archive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"autochrome/restore/parquet"
)

// readVDF reads a folder that vector-io wrote, into a sink. Each namespace of each
// index is a collection. What a collection is otherwise, such a folder does not
// say, but for its metric.
func readVDF(ctx context.Context, root *os.Root, to *building, res *Imported) (*scanned, error) {
	meta, err := vdfOf(root)
	if err != nil {
		return nil, err
	}
	l := newLineReader(to)
	incomplete := ""
	for _, index := range slices.Sorted(maps.Keys(meta.Indexes)) {
		for _, n := range meta.Indexes[index] {
			name := index
			if n.Namespace != "" { // as vector-io names them
				name += "_" + n.Namespace
			}
			if err := l.namespace(ctx, root, meta, n, name, res); err != nil {
				return nil, err
			}
			if n.Exported < n.Total {
				incomplete = fmt.Sprintf("vector-io exported %d of %d records of %q", n.Exported, n.Total, name)
			}
		}
	}
	if len(l.collections) == 0 {
		return nil, wrong(vdfName, "it names no index")
	}
	at, err := vdfTime(meta.Exported)
	if err != nil {
		return nil, &FileError{vdfName, err}
	}
	if err := l.finish("vdf", at); err != nil {
		return nil, err
	}
	if incomplete != "" {
		l.manifest.Error = &incomplete
	}
	return l.scanned, nil
}

// vdfOf reads VDF_META.json.
func vdfOf(root *os.Root) (meta vdfMeta, err error) {
	f, _, err := openIn(root, vdfName)
	if err != nil {
		return meta, err
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return meta, err
	}
	if err := json.Unmarshal(body, &meta); err != nil {
		return meta, &FileError{vdfName, err}
	}
	if meta.Indexes == nil {
		return meta, wrong(vdfName, "the field \"indexes\" is missing")
	}
	return meta, nil
}

// vdfTime reads a time as Python writes it, with or without a zone.
func vdfTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("exported_at is %q, which is no time", text)
}

// namespace reads one collection.
func (l *lineReader) namespace(ctx context.Context, root *os.Root, meta vdfMeta, n vdfNamespace, name string, res *Imported) error {
	names := parquet.Names{ID: meta.IDColumn, Embedding: "vector"}
	switch len(n.Vectors) {
	case 0:
	case 1:
		names.Embedding = n.Vectors[0]
	default:
		return wrong(vdfName, "collection %q has %d columns of vectors, and a record has one", name, len(n.Vectors))
	}
	d := description{Name: name, Configuration: n.configuration(meta.From)}
	if n.Dimensions > 0 {
		d.Dimension = &n.Dimensions
	}
	files, err := tablesIn(root, n.Path)
	if err != nil {
		return err
	}
	if err := l.collection(d); err != nil {
		return own(err, vdfName)
	}
	for _, file := range files {
		if err := l.tableFile(ctx, root, file, names, d, res); err != nil {
			return err
		}
	}
	if got := l.collections[len(l.collections)-1].records; got != n.Exported {
		return wrong(vdfName, "collection %q has %d records, and exported_vector_count says %d", name, got, n.Exported)
	}
	return nil
}

func (l *lineReader) tableFile(ctx context.Context, root *os.Root, name string, names parquet.Names, d description, res *Imported) error {
	f, size, err := openIn(root, name)
	if err != nil {
		return err
	}
	defer f.Close()
	res.Content += size
	t, err := parquet.Open(f, size, names)
	if err != nil {
		return &FileError{name, err}
	}
	return l.table(ctx, name, t, d, res)
}

// configuration says the metric as Chroma's own does. vector-io writes "cosine" of
// any collection of Chroma whose metadata does not name a space, also where it is
// another: that says nothing.
func (n vdfNamespace) configuration(from string) json.RawMessage {
	if n.Metric == nil || from == vdfChroma && *n.Metric == "cosine" {
		return nil
	}
	for _, m := range metrics {
		if strings.EqualFold(*n.Metric, m.metric) || *n.Metric == m.space {
			return json.RawMessage(`{"hnsw":{"space":"` + m.space + `"}}`)
		}
	}
	return nil
}

// tablesIn gives the Parquet files at a path, 2.parquet before 10.parquet.
func tablesIn(root *os.Root, folder string) ([]string, error) {
	name := path.Clean(strings.ReplaceAll(folder, "\\", "/"))
	if !fs.ValidPath(name) {
		return nil, wrong(vdfName, "data_path %q leads out of the folder", folder)
	}
	i, err := root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, wrong(name, "it is missing; VDF_META.json names it")
	case err != nil:
		return nil, &FileError{name, err}
	case !i.IsDir():
		return []string{name}, nil
	}
	entries, err := fs.ReadDir(root.FS(), name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".parquet") {
			files = append(files, path.Join(name, e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	return files, nil
}
