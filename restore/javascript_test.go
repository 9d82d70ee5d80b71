package restore_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"autochrome/internal/chromatest"
	"autochrome/restore"
)

// readByClient is what the official JavaScript client finds in a collection.
type readByClient struct {
	Count      int              `json:"count"`
	Metadata   map[string]any   `json:"metadata"`
	IDs        []string         `json:"ids"`
	Embeddings [][]float32      `json:"embeddings"`
	Documents  []*string        `json:"documents"`
	Metadatas  []map[string]any `json:"metadatas"`
	URIs       []*string        `json:"uris"`
	Nearest    []string         `json:"nearest"` // of each record's embedding
}

// TestJavaScriptClient has a client that is not ours read and query what was
// restored into another database, rolled back in place, and swapped.
func TestJavaScriptClient(t *testing.T) {
	script := filepath.Join(t.TempDir(), "read.mjs") // Node looks for the client beside it
	text, err := os.ReadFile("testdata/read.mjs")
	if err == nil {
		err = os.WriteFile(script, text, 0o600)
	}
	if err == nil {
		err = os.Symlink(filepath.Join(chromatest.JavaScriptClient(t), "node_modules"), filepath.Join(filepath.Dir(script), "node_modules"))
	}
	if err != nil {
		t.Fatal(err)
	}
	read := func(t *testing.T, c *chromatest.Client, names ...string) (found map[string]readByClient) {
		t.Helper()
		cmd := exec.Command("node", append([]string{script, c.Server.URL(), c.Tenant, c.Database}, names...)...)
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &found)
		}
		if err != nil {
			t.Fatalf("%v: %.300s", err, out)
		}
		return found
	}
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, r := opened(t, c, c.Server.URL())
		rnd := rand.New(rand.NewPCG(9, 9))
		arrays := c.Server.Version == chromatest.Newest
		names := []string{"nasty-l2", "nasty-cosine", "plain"}
		for i, space := range []string{"l2", "cosine"} {
			id := c.CreateCollection(names[i], map[string]any{
				"metadata":      map[string]any{"about": space, "half": json.Number("0.5")},
				"configuration": map[string]any{"hnsw": map[string]any{"space": space}},
			})
			c.Add(id, nasty(rnd, 8, false, arrays, 100))
		}
		c.Add(c.CreateCollection("plain", nil), numbered(0, 500))
		good := taken(t, r, db)
		want := map[string][]chromatest.RawRecord{}
		for _, name := range names {
			want[name] = c.Dump(name)
		}
		spoil := func() {
			for i, name := range names {
				ways[i%3*2].do(c, name, idOf(c, name), want[name])
			}
		}
		check := func(t *testing.T, c *chromatest.Client, rep restore.Report, err error) {
			t.Helper()
			if err != nil || rep.Compared == nil || rep.Compared.Differences > len(rep.Applied.Inexact) || len(rep.Applied.Inexact) > 2 {
				t.Fatalf("%v, %+v", err, rep.Compared)
			}
			found := read(t, c, names...)
			for _, name := range names {
				sameByClient(t, name, found[name], c.Dump(name), len(want[name]))
			}
			compareAll(t, c, rep, want)
		}
		other := chromatest.NewClient(t, c.Server)
		rep, err := restore.Restore(t.Context(), r, open(t, other), good, restore.Into{}, restore.Options{})
		check(t, other, rep, err)
		for _, swap := range []bool{false, true} {
			spoil()
			rep, err := restore.Rollback(t.Context(), r, db, good, restore.Options{Swap: swap})
			check(t, c, rep, err)
		}
	})
}

// sameByClient compares what the client found with what we read, and demands
// that the index finds each record where it is.
func sameByClient(t *testing.T, name string, found readByClient, records []chromatest.RawRecord, n int) {
	t.Helper()
	if found.Count != n || len(found.IDs) != n || len(records) != n || len(found.Nearest) != n {
		t.Fatalf("%s: the client counts %d, reads %d, and finds %d nearest; we read %d, want %d", name, found.Count, len(found.IDs), len(found.Nearest), len(records), n)
	}
	if about, ok := found.Metadata["about"]; name != "plain" && (!ok || about != name[len("nasty-"):] || found.Metadata["half"] != 0.5) {
		t.Errorf("%s: its metadata is %v", name, found.Metadata)
	}
	at := map[string]int{}
	for i, id := range found.IDs {
		at[id] = i
	}
	for _, w := range records {
		i, ok := at[w.ID]
		if !ok {
			t.Errorf("%s: the client does not find %.40q", name, w.ID)
			continue
		}
		vector := make([]float32, len(w.Embedding))
		for k, x := range w.Embedding {
			vector[k] = *x // JavaScript writes -0 as 0, which compares equal
		}
		document, uri := found.Documents[i], found.URIs[i]
		if !reflect.DeepEqual(vector, found.Embeddings[i]) || !reflect.DeepEqual(w.Document, document) || !reflect.DeepEqual(w.URI, uri) {
			t.Errorf("%s: %.40q: the client reads %v %.40v %.40v", name, w.ID, found.Embeddings[i], document, uri)
		}
		if g, w := asDoubles(t, found.Metadatas[i]), asDoubles(t, w.Metadata); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: metadata %v, want %v", name, g, w)
		}
		zero := name == "nasty-cosine" && reflect.DeepEqual(vector, make([]float32, len(vector))) // it has no direction
		if near := found.Nearest[i]; near != w.ID && !zero && !reflect.DeepEqual(found.Embeddings[at[near]], vector) {
			t.Errorf("%s: nearest to %.40q is %.40q", name, w.ID, near)
		}
	}
}

// asDoubles gives metadata with its numbers as JavaScript has them. None and
// empty are the same.
func asDoubles(t *testing.T, m map[string]any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
