package repo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// BenchmarkOpen opens a repository of a million chunks in a folder: ten
// thousand packs, named by 160 index files.
func BenchmarkOpen(b *testing.B) {
	ctx := b.Context()
	be, err := backend.OpenLocal(b.TempDir())
	must(b, err)
	initialised(b, be)
	src := rand.NewChaCha8([32]byte{1})
	random := func() (id chunk.ID) { _, _ = src.Read(id[:]); return id }
	for range 160 {
		var packs []index.Pack
		for range indexAfter {
			p := index.Pack{ID: random(), Size: 8 << 20}
			for i := range 98 {
				p.Entries = append(p.Entries, index.Entry{ID: random(), Kind: chunk.Documents, Offset: 5 + uint32(i)*8000, Length: 8000})
			}
			packs = append(packs, p)
		}
		file := index.AppendFile(nil, packs)
		must(b, be.Save(ctx, indexFile(index.FileName(file)), file))
	}
	b.ResetTimer()
	for range b.N {
		r := opened(b, be)
		b.ReportMetric(float64(r.index().Len()), "chunks")
	}
}

// benchTexts are what BenchmarkSave and BenchmarkLoad store: one group's
// documents each.
func benchChunks(n int) (ids []chunk.ID, all [][]byte, bytes int64) {
	for i := range n {
		rows := chunk.NewRows(chunk.Embeddings, 384)
		src := rand.New(rand.NewPCG(uint64(i), 1))
		v := make([]float32, 384)
		for range 160 {
			for k := range v {
				v[k] = float32(src.NormFloat64()) / 20
			}
			rows.AppendVector(v, nil)
		}
		b := rows.AppendCanonical(nil)
		ids, all, bytes = append(ids, chunk.Plain().ID(b)), append(all, b), bytes+int64(len(b))
		text := chunk.NewRows(chunk.Documents, 0)
		for k := range 160 {
			text.AppendString(fmt.Sprintf("document %d of group %d says %d", k, i, src.Uint64()))
		}
		b = text.AppendCanonical(nil)
		ids, all, bytes = append(ids, chunk.Plain().ID(b)), append(all, b), bytes+int64(len(b))
	}
	return ids, all, bytes
}

func saveAll(ctx context.Context, b *testing.B, r *Repository, ids []chunk.ID, all [][]byte) {
	must(b, r.Write(ctx, func(w *Writer) error {
		for i, id := range ids {
			if err := w.Save(ctx, id, all[i]); err != nil {
				return err
			}
		}
		_, err := w.SaveSnapshot(ctx, snapshotOf(ids...))
		return err
	}))
}

// benchWorlds are a plain repository, and an encrypted one with the same ids.
func benchWorlds(b *testing.B) map[string]InitOptions {
	_, recipient := newIdentity(b)
	plain, err := Init(b.Context(), new(backend.Memory), InitOptions{})
	must(b, err)
	return map[string]InitOptions{"plain": {}, "encrypted": {Keys: []NewKey{{Recipient: recipient}}, Like: plain}}
}

func BenchmarkSave(b *testing.B) {
	ids, all, bytes := benchChunks(100)
	for name, o := range benchWorlds(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(bytes)
			for range b.N {
				be, err := backend.OpenLocal(b.TempDir())
				must(b, err)
				r, err := Init(b.Context(), be, o)
				must(b, err)
				saveAll(b.Context(), b, r, ids, all)
			}
		})
	}
}

// BenchmarkSeal is what encryption adds to BenchmarkSave: a stored form is
// sealed, and opened again to be read back.
func BenchmarkSeal(b *testing.B) {
	e := newEnvelope([secretBytes]byte{1})
	stored := make([]byte, 200<<10) // a group's embeddings of 384 dimensions
	b.SetBytes(int64(len(stored)))
	var buf []byte
	for range b.N {
		buf = e.seal(buf[:0], sealedDirectory, func(dst []byte) []byte { return append(dst, stored...) })
		if _, err := e.open(buf, sealedDirectory); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncode is what of BenchmarkSave the codec takes.
func BenchmarkEncode(b *testing.B) {
	_, all, bytes := benchChunks(100)
	b.SetBytes(bytes)
	var buf []byte
	for range b.N {
		for _, c := range all {
			buf = chunk.Encode(buf[:0], c)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	ids, all, bytes := benchChunks(100)
	be, err := backend.OpenLocal(b.TempDir())
	must(b, err)
	r := initialised(b, be)
	saveAll(b.Context(), b, r, ids, all)
	for name, order := range map[string]func(i int) int{
		"forward":  func(i int) int { return i },
		"backward": func(i int) int { return len(ids) - 1 - i },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(bytes)
			for range b.N {
				r.reader = readAhead{}
				for i := range ids {
					_, err := r.Load(b.Context(), ids[order(i)])
					must(b, err)
				}
			}
		})
	}
}

// BenchmarkPoint takes small points, as a guarded migration does.
func BenchmarkPoint(b *testing.B) {
	be, err := backend.OpenLocal(b.TempDir())
	must(b, err)
	r := initialised(b, be)
	must(b, r.Write(b.Context(), func(w *Writer) error {
		for i := range b.N {
			ids, err := save(b.Context(), w, noise(uint64(i), 1000))
			must(b, err)
			_, err = w.SavePoint(b.Context(), snapshotOf(ids...))
			must(b, err)
		}
		return nil
	}))
}

// BenchmarkSnapshots reads ten thousand records from memory.
func BenchmarkSnapshots(b *testing.B) {
	be := new(backend.Memory)
	initialised(b, be)
	for i := range 10000 {
		s := fullSnapshot()
		s.Nonce = fmt.Sprintf("%032x", i)
		record, s, err := encodeRecord(s)
		must(b, err)
		must(b, be.Save(b.Context(), rootFile(s.ID), encodeSnapshotFile(record)))
	}
	b.ResetTimer()
	for range b.N {
		list, err := opened(b, be).Snapshots(b.Context())
		must(b, err)
		if len(list) != 10000 {
			b.Fatal(len(list))
		}
	}
}
