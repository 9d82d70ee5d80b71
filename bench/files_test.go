package bench

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
)

// files gives the lengths of a folder's files by their names.
func files(b *testing.B, folder string) map[string]int64 {
	b.Helper()
	out := map[string]int64{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			out[name] = info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// added gives the files that are new since before. Autochrome rewrites none.
func added(b *testing.B, folder string, before map[string]int64) map[string]int64 {
	b.Helper()
	out := files(b, folder)
	maps.DeleteFunc(out, func(name string, _ int64) bool { _, was := before[name]; return was })
	return out
}

func sum(files map[string]int64) (bytes int64) {
	for _, n := range files {
		bytes += n
	}
	return bytes
}

// storedChunks counts the chunks of packs by their kind, and their stored
// bytes, as the index files among these tell.
type storedChunks struct {
	count map[chunk.Kind]int
	bytes map[chunk.Kind]int64
}

func chunksOf(b *testing.B, folder string, files map[string]int64) storedChunks {
	b.Helper()
	s := storedChunks{map[chunk.Kind]int{}, map[chunk.Kind]int64{}}
	for name := range files {
		if !strings.HasPrefix(name, "index/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			b.Fatal(err)
		}
		packs, err := index.DecodeFile(data)
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range packs {
			for _, e := range p.Entries {
				s.count[e.Kind]++
				s.bytes[e.Kind] += int64(e.Length)
			}
		}
	}
	return s
}

// columns is the bytes of the five columns' chunks.
func (s storedChunks) columns() (bytes int64) {
	for _, k := range chunk.Columns {
		bytes += s.bytes[k]
	}
	return bytes
}

func kilo(n int64) float64 { return float64(n) / 1e3 }
func mega(n int64) float64 { return float64(n) / 1e6 }
