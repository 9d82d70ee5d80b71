//go:build unix

package backend_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"autochrome/repo/backend"
)

// TestLocalKilled kills a process that saves, again and again, at random
// moments: what it said is saved is there, and whatever is there is whole.
func TestLocalKilled(t *testing.T) {
	if folder := os.Getenv(childFolder); folder != "" {
		saveForEver(t, folder)
		return
	}
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	folder := t.TempDir()
	acknowledged := make(map[string]bool)
	for range rounds {
		killAfter(t, folder, time.Duration(r.IntN(150))*time.Millisecond, acknowledged)
		checkSaved(t, folder, acknowledged)
	}
	t.Logf("%d saves acknowledged", len(acknowledged))
	if len(acknowledged) == 0 {
		t.Error("nothing was ever saved")
	}
}

// killAfter starts a saver and kills it so long after its first word.
func killAfter(t *testing.T, folder string, after time.Duration, acknowledged map[string]bool) {
	t.Helper()
	cmd := childCommand(t, folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		var name string
		// A word that the kill cut off does not end in "."; it does not count.
		if k, _ := fmt.Sscanf(lines.Text(), "saved %s .", &name); k == 1 && bytes.HasSuffix(lines.Bytes(), []byte(" .")) {
			acknowledged[name] = true
		}
		if n++; n == 1 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended by itself")
	}
}

func checkSaved(t *testing.T, folder string, acknowledged map[string]bool) {
	t.Helper()
	l, err := backend.OpenLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	names, err := backend.Names(t.Context(), l, "")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, name := range names {
		listed[name] = true
		data, err := backend.LoadAll(t.Context(), l, name)
		if err != nil || !bytes.Equal(data, contentOf(name)) {
			t.Errorf("%s: %d bytes, not the %d saved, error %v", name, len(data), len(contentOf(name)), err)
		}
	}
	for name := range acknowledged {
		if !listed[name] {
			t.Errorf("%s was acknowledged and is gone", name)
		}
	}
}

// saveForEver saves from six goroutines, by Save, by Create and by drafts, and says so.
func saveForEver(t *testing.T, folder string) {
	l, err := backend.OpenLocal(folder)
	if err != nil {
		t.Fatal(err)
	}
	run := rand.Uint32()
	fmt.Println("begun")
	var wg sync.WaitGroup
	drafted := func(ctx context.Context, name string, data []byte) error {
		d, err := l.Draft(ctx, "packs/")
		if err != nil {
			return err
		}
		defer d.Discard()
		for part := range slices.Chunk(data, 100<<10) {
			if err := d.Write(ctx, part); err != nil {
				return err
			}
		}
		return d.Save(ctx, name)
	}
	for w := range 6 {
		wg.Go(func() {
			put := []func(context.Context, string, []byte) error{l.Save, l.Create, drafted}[w%3]
			for i := 0; ; i++ {
				name := fmt.Sprintf("packs/%02x/%08x-%d-%d", i%8, run, w, i)
				if err := put(t.Context(), name, contentOf(name)); err != nil {
					panic(err)
				}
				fmt.Printf("saved %s .\n", name)
			}
		})
	}
	wg.Wait()
}

// contentOf is what is saved under a name: up to 1.5 MiB that only it has.
func contentOf(name string) []byte {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 0))
	block := make([]byte, 512)
	for i := range block {
		block[i] = byte(r.Uint32())
	}
	return bytes.Repeat(block, r.IntN(3000))
}
