package backend_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var sink []byte // keeps what is loaded on the heap

// BenchmarkLocalLoad loads 1,000 parts of 64 KiB from four files of 16 MiB,
// and compares with handles that are kept open: what a pool would save.
func BenchmarkLocalLoad(b *testing.B) {
	const parts, part, size = 1000, 64 << 10, 16 << 20
	l := openLocal(b)
	defer l.Close()
	var names []string
	var files []*os.File
	for i := range 4 {
		name := fmt.Sprintf("packs/%02x/pack", i)
		if err := l.Save(b.Context(), name, make([]byte, size)); err != nil {
			b.Fatal(err)
		}
		f, err := os.Open(filepath.Join(l.Location(), name))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		names, files = append(names, name), append(files, f)
	}
	run := func(name string, load func(i int, offset int64) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(parts * part)
			r := rand.New(rand.NewPCG(1, 1))
			for b.Loop() {
				for range parts {
					if err := load(r.IntN(4), r.Int64N(size-part)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	run("Open", func(i int, offset int64) error {
		_, err := l.Load(b.Context(), names[i], offset, part)
		return err
	})
	run("Kept", func(i int, offset int64) error {
		data := make([]byte, part)
		_, err := files[i].ReadAt(data, offset)
		sink = data
		return err
	})
}

func BenchmarkLocalSave(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l := openLocal(b)
			defer l.Close()
			data := make([]byte, size)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				if err := l.Save(b.Context(), fmt.Sprintf("packs/%02x/%d", i%256, i), data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
