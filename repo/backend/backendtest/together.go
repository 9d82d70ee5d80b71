package backendtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autochrome/repo/backend"
)

func testCreate(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	if err := b.Create(ctx, "autochrome.json", []byte("first")); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "second Create", b.Create(ctx, "autochrome.json", []byte("second")), backend.ErrExist)
	wantObject(t, b, "autochrome.json", []byte("first"))
	save(t, b, "saved", []byte("first"))
	wantErr(t, "Create after Save", b.Create(ctx, "saved", nil), backend.ErrExist)
	wantObject(t, b, "saved", []byte("first"))
	if err := b.Remove(ctx, "saved"); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(ctx, "saved", []byte("third")); err != nil {
		t.Errorf("Create after Remove: %v", err)
	}
	wantObject(t, b, "saved", []byte("third"))
	wantNames(t, b, "", "autochrome.json", "saved")
}

func testCreateRace(t *testing.T, b backend.Backend) {
	const racers = 16
	for round := range 10 {
		name := fmt.Sprintf("race/%d", round)
		var won atomic.Int32
		winner := make([]byte, 0, 100_000)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range racers {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte(i)}, 100_000)
				<-start
				switch err := b.Create(t.Context(), name, data); {
				case err == nil:
					if won.Add(1) == 1 {
						winner = append(winner, data...)
					}
				case !errors.Is(err, backend.ErrExist):
					t.Errorf("Create: error %v, want %v", err, backend.ErrExist)
				}
			})
		}
		close(start)
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d Creates of one name succeeded", won.Load(), racers)
		}
		wantObject(t, b, name, winner)
	}
}

func testCancelled(t *testing.T, b backend.Backend) {
	save(t, b, "old", []byte("old"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, loadErr := b.Load(ctx, "old", 0, -1)
	_, nowErr := b.Now(ctx)
	for what, err := range map[string]error{
		"Save":   b.Save(ctx, "old", []byte("new")),
		"Create": b.Create(ctx, "new", []byte("new")),
		"Load":   loadErr,
		"List":   b.List(ctx, "", func(backend.Info) error { t.Error("List called fn"); return nil }),
		"Remove": b.Remove(ctx, "old"),
		"Now":    nowErr,
	} {
		wantErr(t, what, err, context.Canceled)
	}
	wantNames(t, b, "", "old")
	wantObject(t, b, "old", []byte("old"))
}

// testCancelledMidway ends the context at a random moment of a Save.
func testCancelledMidway(t *testing.T, b backend.Backend) {
	old, data := random(1000, 1), random(8<<20, 2)
	save(t, b, "x", old)
	cut := 0
	for i := range 12 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1<<i)*20*time.Microsecond)
		err := b.Save(ctx, "x", data)
		cancel()
		if err == nil {
			wantObject(t, b, "x", data)
			save(t, b, "x", old)
			continue
		}
		wantErr(t, "Save", err, context.DeadlineExceeded)
		cut++
		got, err := backend.LoadAll(t.Context(), b, "x")
		if err != nil || !bytes.Equal(got, old) && !bytes.Equal(got, data) {
			t.Fatalf("after a cancelled Save: %d bytes, error %v", len(got), err)
		}
		wantNames(t, b, "", "x")
	}
	t.Logf("%d of 12 saves cut off", cut)
}

// sealed makes an object that tells whether it is whole.
func sealed(n int, seed uint64) []byte {
	data := random(n+4, seed)
	binary.LittleEndian.PutUint32(data[n:], crc32.ChecksumIEEE(data[:n]))
	return data
}

func whole(data []byte) bool {
	n := len(data) - 4
	return n >= 0 && binary.LittleEndian.Uint32(data[n:]) == crc32.ChecksumIEEE(data[:n])
}

// testWholeOrNothing has many savers, removers and loaders of one name.
func testWholeOrNothing(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	var saving, loading sync.WaitGroup
	for w := range 4 {
		saving.Go(func() {
			for i := range 15 {
				if err := b.Save(ctx, "x", sealed(1+(w*7919+i*104729)%300_000, uint64(w*100+i))); err != nil {
					t.Errorf("Save: %v", err)
				}
			}
		})
	}
	saving.Go(func() {
		for range 10 {
			if err := b.Remove(ctx, "x"); err != nil {
				t.Errorf("Remove: %v", err)
			}
		}
	})
	done := make(chan struct{})
	var loads atomic.Int64
	for range 4 {
		loading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				data, err := backend.LoadAll(ctx, b, "x")
				if errors.Is(err, backend.ErrNotExist) {
					continue
				}
				if err != nil || !whole(data) {
					t.Errorf("Load: %d bytes, not whole, error %v", len(data), err)
					return
				}
				loads.Add(1)
			}
		})
	}
	saving.Wait()
	close(done)
	loading.Wait()
	t.Logf("%d loads beside 60 saves", loads.Load())
}

// testListUnderWay lists while others save and remove: what stays is listed
// once, and nothing that is under way shows.
func testListUnderWay(t *testing.T, b backend.Backend) {
	ctx := t.Context()
	for i := range 30 {
		save(t, b, fmt.Sprintf("f/%02d-stays", i), []byte("x"))
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for w := range 2 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				name := fmt.Sprintf("f/%02d-comes%d", i%30, w)
				if err := b.Save(ctx, name, sealed(1000, 1)); err != nil {
					t.Errorf("Save: %v", err)
				}
				if err := b.Remove(ctx, name); err != nil {
					t.Errorf("Remove: %v", err)
				}
			}
		})
	}
	for range 50 {
		stays, last := 0, ""
		err := b.List(ctx, "f/", func(info backend.Info) error {
			if info.Name <= last {
				t.Errorf("%q listed after %q", info.Name, last)
			}
			last = info.Name
			if len(info.Name) == len("f/00-stays") && info.Name[len(info.Name)-5:] == "stays" {
				stays++
			} else if info.Size != 1004 {
				t.Errorf("%s listed with %d bytes", info.Name, info.Size)
			}
			return nil
		})
		if err != nil || stays != 30 {
			t.Fatalf("List: error %v, %d of 30 objects", err, stays)
		}
	}
	close(done)
	wg.Wait()
}

// testRandom runs random operations beside a map that knows what must come.
func testRandom(t *testing.T, b backend.Backend) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	ctx := t.Context()
	want := make(map[string][]byte)
	for i := range 300 {
		name := fmt.Sprintf("f%d/%d", r.IntN(3), r.IntN(6))
		data, there := want[name]
		switch r.IntN(5) {
		case 0:
			want[name] = random(r.IntN(3000), uint64(i))
			save(t, b, name, want[name])
		case 1:
			err := b.Create(ctx, name, random(10, uint64(i)))
			if there != errors.Is(err, backend.ErrExist) || !there && err != nil {
				t.Fatalf("Create: error %v, there before: %v", err, there)
			}
			if !there {
				want[name] = random(10, uint64(i))
			}
		case 2:
			if err := b.Remove(ctx, name); err != nil {
				t.Fatal(err)
			}
			delete(want, name)
		case 3:
			from := r.IntN(len(data) + 1)
			n := r.IntN(len(data) - from + 1)
			got, err := b.Load(ctx, name, int64(from), int64(n))
			if there == errors.Is(err, backend.ErrNotExist) || !bytes.Equal(got, data[from:from+n]) {
				t.Fatalf("Load(%d, %d) of %d bytes: %d bytes, error %v", from, n, len(data), len(got), err)
			}
		case 4:
			wantNames(t, b, "", slices.Sorted(maps.Keys(want))...)
		}
	}
	for name, data := range want {
		wantObject(t, b, name, data)
	}
}
