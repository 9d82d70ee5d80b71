package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// resticVersion is the peer that is shown: it is given the same states as
// JSON lines with sorted keys, which favours it, since a live Chroma answers
// with the keys in a new order each time.
const resticVersion = "v0.18.1"

// kopiaVersion is the other peer, for what a repository costs that is there.
const kopiaVersion = "v0.22.3"

var (
	resticBinary = sync.OnceValues(func() (string, error) {
		return buildPeer("restic", "github.com/restic/restic@"+resticVersion, "./cmd/restic")
	})
	kopiaBinary = sync.OnceValues(func() (string, error) {
		return buildPeer("kopia", "github.com/kopia/kopia@"+kopiaVersion, "-tags=nohtmlui", ".")
	})
)

// buildPeer builds a program from its module, once for all runs.
func buildPeer(name, module string, build ...string) (string, error) {
	_, version, _ := strings.Cut(module, "@")
	bin, err := filepath.Abs(filepath.Join("..", ".cache", name+"-"+version, name))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	download := exec.Command("go", "mod", "download", "-json", module)
	download.Dir = os.TempDir() // outside of this module
	out, err := download.Output()
	if err != nil {
		return "", err
	}
	var known struct{ Dir string }
	if err := json.Unmarshal(out, &known); err != nil {
		return "", err
	}
	out, err = exec.Command("go", append([]string{"-C", known.Dir, "build", "-o", bin}, build...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
}

// restic is a repository of restic's with the first state, and the folder that
// it backs up.
type restic struct{ bin, repository, export string }

// peer gives restic with the first state, which the database must be in, or
// nil where it cannot be had.
func (w *world) peer(b *testing.B) *restic {
	b.Helper()
	bin, err := resticBinary()
	if err != nil {
		b.Logf("restic: not available (%v)", err)
		return nil
	}
	r := &restic{bin, filepath.Join(w.folder, "restic"), filepath.Join(w.folder, "export")}
	if _, err := os.Stat(r.repository); err != nil {
		r.run(b, "init")
		w.export(b, r.export)
		r.run(b, "backup", r.export)
	}
	return r
}

// add reports what restic adds for the state that the database is in now.
func (r *restic) add(b *testing.B, w *world) {
	b.Helper()
	if r == nil {
		return
	}
	w.export(b, r.export)
	w.copyOf(b, r.repository, func(folder string) {
		before := files(b, folder)
		copied := restic{r.bin, folder, r.export}
		copied.run(b, "backup", r.export)
		b.ReportMetric(kilo(sum(added(b, folder, before))), "restic-kB")
	})
}

func (r *restic) run(b *testing.B, args ...string) {
	b.Helper()
	cmd := exec.Command(r.bin, append([]string{"--no-cache"}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_REPOSITORY="+r.repository, "RESTIC_PASSWORD=bench")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// export writes the database as JSON lines, a file for each collection.
func (w *world) export(b *testing.B, folder string) {
	b.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	for _, known := range workload {
		f, err := os.Create(filepath.Join(folder, known.name+".jsonl"))
		if err != nil {
			b.Fatal(err)
		}
		out := bufio.NewWriter(f)
		id := w.collections[known.name]
		for ids := range slices.Chunk(w.ids(b, id), 1000) {
			w.exportPage(b, json.NewEncoder(out), id, ids)
		}
		if err := errors.Join(out.Flush(), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

// exportPage writes the numbers as the server does: with the fewest digits.
func (w *world) exportPage(b *testing.B, out *json.Encoder, collection string, ids []string) {
	b.Helper()
	var page struct {
		IDs                         []string
		Embeddings, Documents, URIs []json.RawMessage
		Metadatas                   []map[string]json.RawMessage // its keys are sorted when it is written
	}
	_, answer := w.server.Do(b, "POST", w.client(b).Path(collection, "get"), map[string]any{
		"ids": ids, "include": []string{"embeddings", "documents", "metadatas", "uris"},
	})
	if err := json.Unmarshal(answer, &page); err != nil {
		b.Fatal(err)
	}
	for i, id := range page.IDs {
		err := out.Encode(map[string]any{
			"id": id, "embedding": page.Embeddings[i], "document": page.Documents[i], "metadata": page.Metadatas[i], "uri": page.URIs[i],
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
