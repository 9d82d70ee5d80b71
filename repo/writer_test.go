package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

func TestSaveAndLoad(t *testing.T) {
	for name, how := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			m := new(backend.Memory)
			r := initialised(t, m)
			all := texts("text", 100)
			var s Snapshot
			must(t, r.Write(ctx, func(w *Writer) error {
				for _, text := range all {
					id, b := document(text)
					if w.Has(id) || r.Has(id) {
						t.Fatal("has what was not saved")
					}
					must(t, w.Save(ctx, id, b))
					must(t, w.Save(ctx, id, b)) // changes nothing
					got, err := w.Load(ctx, id)
					if !w.Has(id) || r.Has(id) || err != nil || !bytes.Equal(got, b) {
						t.Fatalf("on its way: %q, %v", got, err)
					}
				}
				ids, _ := save(ctx, w, all...)
				var err error
				s, err = how(w, ctx, snapshotOf(ids...))
				must(t, err)
				loads(t, w, s)
				if st := w.Stats(); st.Kinds[chunk.Documents].Chunks != 100 || s.Stats.ChunksStored != 100 {
					t.Errorf("counted %+v and %+v", st, s.Stats)
				}
				return nil
			}))
			loads(t, r, s)
			if got := whole(t, m); len(got) != 1 || got[0] != s.ID {
				t.Errorf("snapshots %v, want %v", got, s.ID)
			}
			again, err := opened(t, m).Find(ctx, "latest", "")
			must(t, err)
			if again.Stats.BytesStored == 0 || fmt.Sprint(again.Stats) != fmt.Sprint(s.Stats) || again.Nonce != s.Nonce {
				t.Errorf("read %+v, written %+v", again, s)
			}
			files := len(withoutKeys(t, m))
			if want := map[string]int{"snapshot": 4, "point": 2}[name]; files != want {
				t.Errorf("%d files, want %d", files, want)
			}
			second := takeHow(t, r, how, all...)
			if second.ID == s.ID || second.Stats.ChunksStored != 0 {
				t.Errorf("the same content stored %+v", second.Stats)
			}
		})
	}
}

func takeHow(t *testing.T, r *Repository, how commit, texts ...string) Snapshot {
	t.Helper()
	s, err := tryTake(t.Context(), r, how, texts...)
	must(t, err)
	return s
}

// TestFiles checks the figures against what the store has.
func TestFiles(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	r := initialised(t, faulty.Wrap(new(backend.Memory), c.Count))
	c.Reset()
	must(t, r.Write(ctx, func(w *Writer) error {
		for i := range 3 {
			before := c.Sum("", faulty.Save).Bytes
			ids, err := save(ctx, w, texts(fmt.Sprint(i), 10)...)
			must(t, err)
			s, err := w.SaveSnapshot(ctx, snapshotOf(ids...))
			must(t, err)
			record := c.Sum(s.File).Bytes
			if got, want := s.Stats.BytesStored, c.Sum("", faulty.Save).Bytes-before-record; got != want {
				t.Errorf("snapshot %d stored %d bytes, want %d", i, got, want)
			}
			st, sum := w.Stats(), c.Sum("", faulty.Save)
			if st.Files != sum.Ops || st.Bytes != sum.Bytes {
				t.Errorf("counted %d files of %d bytes, want %+v", st.Files, st.Bytes, sum)
			}
		}
		return nil
	}))
}

// TestPacks saves much from many goroutines and looks at the packs.
func TestPacks(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	m := new(backend.Memory)
	r := initialised(t, faulty.Wrap(m, c.Count))
	r.packTarget = 1 << 20
	const writers, each, size = 4, 24, 40 << 10
	var ids [writers * each]chunk.ID
	var last Snapshot
	must(t, r.Write(ctx, func(w *Writer) error {
		var wg sync.WaitGroup
		for g := range writers {
			wg.Go(func() {
				for i := range each {
					n := g*each + i
					id, b := document(noise(uint64(n), size))
					ids[n] = id
					if err := w.Save(ctx, id, b); err != nil {
						t.Error(err)
					}
					same, sb := document("the same of all")
					if err := w.Save(ctx, same, sb); err != nil {
						t.Error(err)
					}
					for _, k := range []int{n, n / 2, g * each} {
						if k/each == g {
							if _, err := w.Load(ctx, ids[k]); err != nil {
								t.Error(err)
							}
						}
					}
				}
			})
		}
		wg.Wait()
		huge, hb := document(noise(999, 2<<20))
		must(t, w.Save(ctx, huge, hb))
		var err error
		last, err = w.SaveSnapshot(ctx, snapshotOf(append(ids[:], huge)...))
		if st := w.Stats().Kinds[chunk.Documents]; st.Chunks != writers*each+2 {
			t.Errorf("%d chunks stored", st.Chunks)
		}
		return err
	}))
	packs := 0
	must(t, m.List(ctx, packsFolder, func(info backend.Info) error {
		packs++
		b, err := backend.LoadAll(ctx, m, info.Name)
		must(t, err)
		entries, err := decodePack(r.envelope, b)
		must(t, err)
		if info.Size > int64(r.packTarget) && len(entries) > 2 { // one beside what makes it unlike others
			t.Errorf("a pack of %d chunks has %d bytes", len(entries), info.Size)
		}
		if info.Name != packFile(chunk.FileHash(b)) {
			t.Errorf("%s is not named by its hash", info.Name)
		}
		return nil
	}))
	if packs < 5 || packs > 7 || len(names(t, m, indexFolder)) != 1 {
		t.Errorf("%d packs, indexes %v", packs, names(t, m, indexFolder))
	}
	whole(t, m)
	fresh := opened(t, m)
	loads(t, fresh, last)
}

// TestManyPacks makes index files before anybody asks.
func TestManyPacks(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	stop := errors.New("stop")
	text := strings.Repeat("x", 20)
	var first chunk.ID
	err := r.Write(ctx, func(w *Writer) error {
		for i := range indexAfter + 4 {
			ids, err := save(ctx, w, fmt.Sprint(text, i))
			must(t, err)
			if i == 0 {
				first = ids[0]
			}
			must(t, w.slot(ctx))
			w.mu.Lock()
			w.upload(w.open)
			w.open = nil
			w.mu.Unlock()
			must(t, w.uploading().Wait())
		}
		if n := len(names(t, m, indexFolder)); n != 1 {
			t.Errorf("%d index files", n)
		}
		if w.local.Len() != 4 || len(w.done) != 4 {
			t.Errorf("%d chunks in no index, want 4", w.local.Len())
		}
		for i := range indexAfter + 4 {
			id, _ := document(fmt.Sprint(text, i))
			if _, err := w.Load(ctx, id); err != nil || !w.Has(id) {
				t.Error(err)
			}
		}
		return stop
	})
	wantErr(t, err, stop)
	if !r.Has(first) || !opened(t, m).Has(first) {
		t.Error("what an index names must be known")
	}
	last, _ := document(fmt.Sprint(text, indexAfter+3))
	if r.Has(last) || opened(t, m).Has(last) {
		t.Error("what no index names must not be known")
	}
}

// TestDropped: what fn left when it failed is not there, and not believed to be.
func TestDropped(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	own := errors.New("my own")
	var kept *Writer
	var id chunk.ID
	wantErr(t, r.Write(ctx, func(w *Writer) error {
		kept = w
		ids, err := save(ctx, w, "dropped")
		must(t, err)
		id = ids[0]
		return own
	}), own)
	if r.Has(id) || len(withoutKeys(t, m)) != 1 {
		t.Errorf("left %v", names(t, m, ""))
	}
	wantErr(t, kept.Save(ctx, id, nil), own)
	must(t, r.Write(ctx, func(w *Writer) error { kept = w; return nil }))
	_, b := document("x")
	wantErr(t, kept.Save(ctx, id, b), ErrClosed)
	wantErr(t, kept.Flush(ctx), ErrClosed)
	_, err := kept.SavePoint(ctx, snapshotOf(id))
	wantErr(t, err, ErrClosed)
	_, err = kept.Load(ctx, id)
	wantErr(t, err, ErrClosed)
	func() {
		defer func() { _ = recover() }()
		_ = r.Write(ctx, func(w *Writer) error { kept = w; panic("in fn") })
	}()
	wantErr(t, kept.Flush(ctx), ErrClosed)
}

// TestFirstError: the first failure is what all later calls say.
func TestFirstError(t *testing.T) {
	ctx := t.Context()
	full := &backend.Error{Op: "save", Where: "x", Kind: backend.ErrNoSpace}
	for name, how := range map[string]commit{"snapshot": (*Writer).SaveSnapshot, "point": (*Writer).SavePoint} {
		t.Run(name, func(t *testing.T) {
			m := new(backend.Memory)
			r := initialised(t, faulty.Wrap(m, faulty.Fail(faulty.Any(faulty.Save), full)))
			err := r.Write(ctx, func(w *Writer) error {
				ids, err := save(ctx, w, "a")
				must(t, err)
				_, err = how(w, ctx, snapshotOf(ids...))
				wantErr(t, err, backend.ErrNoSpace)
				_, b := document("b")
				wantErr(t, w.Save(ctx, ids[0], b), backend.ErrNoSpace)
				_, err = how(w, ctx, snapshotOf(ids...))
				wantErr(t, err, backend.ErrNoSpace)
				return nil
			})
			wantErr(t, err, backend.ErrNoSpace)
			if len(withoutKeys(t, m)) != 1 {
				t.Error("something was written")
			}
			list, err := r.Snapshots(ctx)
			if len(list) != 0 || err != nil {
				t.Errorf("snapshots %v, %v", list, err)
			}
		})
	}
}

// TestUploadFails in the background.
func TestUploadFails(t *testing.T) {
	ctx := t.Context()
	r := initialised(t, faulty.Wrap(new(backend.Memory), faulty.Fail(faulty.All(faulty.Folder(packsFolder), faulty.Nth(2, faulty.Save)), nil)))
	r.packTarget = 1 << 20
	wantErr(t, r.Write(ctx, func(w *Writer) error {
		for i := range 1000 {
			if _, err := save(ctx, w, noise(uint64(i), 200<<10)); err != nil {
				wantErr(t, err, faulty.ErrInjected)
				return nil // Write must say it all the same
			}
		}
		t.Error("a thousand packs and no error")
		return nil
	}), faulty.ErrInjected)
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := initialised(t, new(backend.Memory))
	wantErr(t, r.Write(ctx, func(w *Writer) error {
		cancel()
		_, err := save(ctx, w, "a")
		wantErr(t, err, context.Canceled)
		return nil
	}), context.Canceled)
}

// TestWrongChunk refuses what could not be read back.
func TestWrongChunk(t *testing.T) {
	ctx := t.Context()
	good, b := document("a")
	for name, give := range map[string]struct {
		id chunk.ID
		b  []byte
	}{
		"another id": {chunk.ID{1}, b}, "empty": {good, nil}, "no kind": {good, []byte{77, 0, 1}}, "record": {good, []byte{byte(index.Record), 0}},
		"broken embeddings": {good, []byte{byte(chunk.Embeddings), 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := initialised(t, new(backend.Memory))
			err := r.Write(ctx, func(w *Writer) error { return w.Save(ctx, give.id, give.b) })
			if err == nil {
				t.Error("saved")
			}
		})
	}
}

func TestInvalidSnapshot(t *testing.T) {
	ctx := t.Context()
	r := initialised(t, new(backend.Memory))
	must(t, r.Write(ctx, func(w *Writer) error {
		ids, err := save(ctx, w, "a")
		must(t, err)
		s := snapshotOf(ids...)
		s.Name = wordLatest
		_, err = w.SaveSnapshot(ctx, s)
		wantErr(t, err, ErrInvalid)
		_, err = w.SavePoint(ctx, s)
		wantErr(t, err, ErrInvalid)
		s.Name = "fine"
		_, err = w.SavePoint(ctx, s) // the chunk is still there
		return err
	}))
	whole(t, r.be)
}

// TestPackMemory: of a pack no more is in memory than a piece and a chunk, and when a
// Writer fails, nothing of it is left in the folder.
func TestPackMemory(t *testing.T) {
	ctx := t.Context()
	be, err := backend.OpenLocal(t.TempDir())
	must(t, err)
	r := initialised(t, be)
	r.packTarget = 1 << 20
	const size = 20 << 10
	failed := errors.New("given up")
	packs := filepath.Join(be.Location(), "packs")
	err = r.Write(ctx, func(w *Writer) error {
		for i := range 40 {
			if _, err := save(ctx, w, noise(uint64(i), size)); err != nil {
				return err
			}
			if n := len(w.open.buf); n > r.packTarget/packPieces+size {
				t.Fatalf("%d bytes are in memory", n)
			}
		}
		if w.open.length() < 40*size {
			t.Errorf("the pack has %d bytes", w.open.length())
		}
		if names, err := filepath.Glob(filepath.Join(packs, "*")); len(names) != 1 || err != nil {
			t.Errorf("under way: %q, %v", names, err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(filepath.Join(packs, "*")); len(names) != 0 || err != nil {
		t.Errorf("left: %q, %v", names, err)
	}
}

// TestPieceFails: a piece that cannot be written ends the Writer, as a pack that
// cannot be saved does.
func TestPieceFails(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, faulty.Wrap(m, faulty.Fail(faulty.Nth(3, faulty.Write), nil)))
	r.packTarget = 1 << 20
	for _, point := range []bool{false, true} {
		err := r.Write(ctx, func(w *Writer) error {
			var ids []chunk.ID
			for i := range 10 {
				id, err := save(ctx, w, noise(uint64(i), 20<<10))
				ids = append(ids, id...)
				if err != nil {
					if _, again := save(ctx, w, "more"); !errors.Is(again, faulty.ErrInjected) {
						t.Errorf("afterwards: %v", again)
					}
					return nil // the Writer keeps it
				}
			}
			if point {
				_, err := w.SavePoint(ctx, snapshotOf(ids...))
				return err
			}
			_, err := w.SaveSnapshot(ctx, snapshotOf(ids...))
			return err
		})
		if failed := errors.Is(err, faulty.ErrInjected); failed == point {
			t.Errorf("the first Writer fails, the second does not: %v", err)
		}
	}
	if n := len(whole(t, m)); n != 1 {
		t.Errorf("%d snapshots", n)
	}
}

// TestIndexOfManyChunks: an index file is written when many chunks wait for one, also
// where they lie in few packs.
func TestIndexOfManyChunks(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	r := initialised(t, faulty.Wrap(new(backend.Memory), c.Count))
	r.packTarget = 128 << 10
	must(t, r.Write(ctx, func(w *Writer) error {
		_, err := save(ctx, w, texts("many", indexChunks+indexChunks/4)...)
		return err
	}))
	if n := c.Sum(packsFolder, faulty.Save).Ops; n >= indexAfter {
		t.Fatalf("%d packs", n)
	}
	if n := c.Sum(indexFolder, faulty.Save).Ops; n != 2 {
		t.Errorf("%d index files, want 2", n)
	}
}
