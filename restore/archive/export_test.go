package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// TestExportIsDeterministic: the archive does not show the repository, what else
// is in it, nor how many processors there are.
func TestExportIsDeterministic(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	s := store(t, r, nil, sample()...)
	want, w := exported(t, r, s, Options{})
	if !bytes.HasPrefix(want, []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")) || w.Bytes != int64(len(want)) {
		t.Fatalf("%d bytes, begins with % x", w.Bytes, want[:12])
	}
	copied := func(to *repo.Repository) {
		t.Helper()
		res, err := snapshot.Copy(t.Context(), r, to, snapshot.CopyOptions{Snapshots: []repo.Snapshot{s}})
		if err != nil || len(res.Copied) != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
		got, _ := exported(t, to, res.Copied[0].To, Options{})
		if !bytes.Equal(got, want) {
			t.Errorf("a copy gives another archive: %d and %d bytes", len(got), len(want))
		}
	}
	copied(newRepository(t, repo.InitOptions{}))
	other := keyed(t)
	later := sample()
	later[2].records = later[2].records[100:]
	store(t, other, nil, later...) // the copy refers to rows of this one
	copied(other)
	for _, n := range []int{1, 7} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
			if got, _ := exported(t, r, s, Options{}); !bytes.Equal(got, want) {
				t.Errorf("%d processors give another archive", n)
			}
		}()
	}
	if got, _ := exported(t, r, s, Options{Batch: 99}); bytes.Equal(got, want) {
		t.Error("the batch size makes no difference")
	}
}

// unpack gives the files of an archive in their order.
func unpack(t testing.TB, archive []byte) (names []string, files map[string][]byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return names, files
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if files[h.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExportBatches(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	cs := sample()
	large := strings.Repeat("x", batchBytes/2-1000)
	for i := range 3 { // two fit into a batch
		cs[1].records = append(cs[1].records, chunk.Record{ID: string(rune('a' + i)), Document: &large})
	}
	s := store(t, r, nil, cs...)
	archive, w := exported(t, r, s, Options{Batch: 5})
	names, files := unpack(t, archive)
	want := []string{"README.txt", "collections/0001-empty/collection.json", "collections/0002-many/collection.json"}
	if got := strings.Join(names[:3], " "); got != strings.Join(want, " ") {
		t.Errorf("it begins with %s", got)
	}
	if got := strings.Join(names[len(names)-4:], " "); got != "collections/0003-nasty/records-00000001.json collections/0003-nasty/records-00000002.json manifest.json SHA256SUMS" {
		t.Errorf("it ends with %s", got)
	}
	counts := map[string][]int{}
	for _, b := range w.Manifest.Batches {
		counts[b.Collection] = append(counts[b.Collection], b.Count)
		if b.Bytes != int64(len(files[b.File])) || b.Bytes > batchBytes {
			t.Errorf("%+v has %d bytes", b, len(files[b.File]))
		}
	}
	if n := counts["many."]; len(n) != 247 || n[246] != 4 {
		t.Errorf("batches of %v", n)
	}
	if w.Manifest.TotalChunks != 1234+7 || w.Manifest.TotalCollections != 3 || w.Content == 0 {
		t.Errorf("%+v", w)
	}
}

// TestExportSelected: names that are not there are refused, and the archive says
// what it is of.
func TestExportSelected(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	s := store(t, r, nil, sample()...)
	_, w := exported(t, r, s, Options{Collections: []string{"nasty"}})
	if m := w.Manifest; len(m.Collections) != 1 || len(m.Scope) != 1 || m.Scope[0] != "nasty" || m.TotalChunks != 4 {
		t.Errorf("%+v", m)
	}
	if _, err := Export(t.Context(), r, s, io.Discard, Options{Collections: []string{"nope"}}); err == nil || !strings.Contains(err.Error(), `no collection "nope"`) {
		t.Errorf("got %v", err)
	}
	if _, err := Export(t.Context(), r, s, io.Discard, Options{Batch: -1}); err == nil {
		t.Error("batches of -1 records")
	}
	full := errors.New("disk full")
	if _, err := Export(t.Context(), r, s, failing{full}, Options{}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../../docs/manifest.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestManifestFollowsTheSchema, and the schema holds it to something.
func TestManifestFollowsTheSchema(t *testing.T) {
	schema := compiled(t)
	validate := func(text []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	r := newRepository(t, repo.InitOptions{})
	for name, change := range map[string]func(*repo.Snapshot){
		"plain": nil,
		"poor":  func(s *repo.Snapshot) { s.Name, s.Tags, s.Server = "", nil, repo.Server{} },
		"rich": func(s *repo.Snapshot) {
			s.Suspect, s.Unreadable, s.Scope.Collections, s.Server.Version = "shrunken", []string{"x"}, []string{"nasty"}, "1.0.0"
		},
	} {
		for _, cs := range [][]collection{nil, sample()} {
			archive, _ := exported(t, r, store(t, r, change, cs...), Options{})
			_, files := unpack(t, archive)
			if err := validate(files[manifestName]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := parseManifest(files[manifestName]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, field := range required {
				var m map[string]any
				if err := json.Unmarshal(files[manifestName], &m); err != nil {
					t.Fatal(err)
				}
				delete(m, field)
				text, _ := json.Marshal(m)
				if validate(text) == nil {
					t.Errorf("the schema does not ask for %s", field)
				}
				if _, err := parseManifest(text); err == nil {
					t.Errorf("we do not ask for %s", field)
				}
			}
		}
	}
}

// TestOtherToolsReadIt: GNU tar, sha256sum and node, none of which knows us.
func TestOtherToolsReadIt(t *testing.T) {
	for _, tool := range []string{"tar", "sha256sum", "node", "sh", "grep", "cut"} {
		switch _, err := exec.LookPath(tool); {
		case err != nil && runtime.GOOS != "linux":
			t.Skip(err)
		case err != nil:
			t.Fatal(err)
		}
	}
	r := newRepository(t, repo.InitOptions{})
	archive, w := exported(t, r, store(t, r, nil, sample()...), Options{})
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.tar.gz"), archive, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(script string) string {
		t.Helper()
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if out := run("tar xzf a.tar.gz && sha256sum --strict --quiet -c SHA256SUMS && sha256sum a.tar.gz | cut -c-64"); out != w.SHA256 {
		t.Errorf("got %s, want %s", out, w.SHA256)
	}
	if out := run("grep '  collections/' SHA256SUMS | sha256sum | cut -c-64"); out != *w.Manifest.Checksum {
		t.Errorf("got %s, want %s", out, *w.Manifest.Checksum)
	}
	if out := run("grep '  collections/0003-nasty/' SHA256SUMS | sha256sum | cut -c-64"); out != *w.Manifest.Collections[2].Checksum {
		t.Errorf("got %s, want %s", out, *w.Manifest.Collections[2].Checksum)
	}
	// JSON.parse rounds big integers: as text they are all there.
	script := `
const fs = require("fs"), fail = m => { console.log(m); process.exit(1) }
const m = JSON.parse(fs.readFileSync("manifest.json"))
let n = 0
for (const b of m.batch_metadata) {
  const text = fs.readFileSync(b.file, "utf8"), records = JSON.parse(text)
  if (records.length !== b.count || records[0].id !== b.first_id || records.at(-1).id !== b.last_id) fail(b.file)
  for (const r of records) JSON.parse(text.split("\n")[1 + records.indexOf(r)].replace(/,$/, ""))
  n += records.length
}
if (n !== m.total_chunks) fail(n)
const text = fs.readFileSync("collections/0003-nasty/records-00000001.json", "utf8"), [nasty, nulls, nothing, values] = JSON.parse(text)
if (nasty.document !== "" || nasty.id !== 'nasty \u0000 \u2028 🦊 "\\ ../..') fail("nasty")
if (!Object.is(nasty.embedding[1], -0) || Math.fround(nasty.embedding[0]) !== Math.fround(0.1)) fail("floats")
if (nulls.embedding[0] !== null || nulls.embedding[1] !== 1 || nothing.embedding !== null || nothing.document !== null || nothing.metadata !== null) fail("nulls")
if (!text.includes('"big":-9223372036854775807') || !text.includes('"array":[1,1.0,"x"]') || values.metadata.third !== 1 / 3) fail("values")
`
	if err := os.WriteFile(filepath.Join(folder, "check.js"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	run("node check.js")
}

// TestJqReadsIt: the commands of README.txt, with jq as it is: each record, to the
// last digit, and the counts.
func TestJqReadsIt(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	archive, w := exported(t, r, store(t, r, nil, sample()...), Options{})
	folder := t.TempDir()
	unpack := exec.Command("tar", "xzf", "-", "-C", folder)
	unpack.Stdin = bytes.NewReader(archive)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out := chromatest.Node(t, `
import { readFileSync } from "fs"
import jq from "jq-wasm"
const [folder] = process.argv.slice(process.argv.indexOf("--") + 1)
const ask = async (file, filter, ...flags) =>
  (await jq.raw(readFileSync(folder + "/" + file, "utf8"), filter, flags)).split("\n").filter(x => x)
const [total, ...files] = await ask("manifest.json", ".total_chunks, .batch_metadata[].file", "-r")
let n = 0, ids = new Set()
for (const f of files) {
  n += (await ask(f, ".[]", "-c")).length
  for (const id of await ask(f, ".[].id", "-c")) ids.add(f.split("/")[1] + id)
}
console.log(total, n, ids.size)
for (const line of await ask("collections/0003-nasty/records-00000001.json", ".[3].metadata, .[1].embedding, .[0].document", "-c")) console.log(line)`, folder)
	want := fmt.Sprintf("%d %d %d\n", w.Manifest.TotalChunks, w.Manifest.TotalChunks, w.Manifest.TotalChunks) +
		`{"array":[1,1.0,"x"],"big":-9223372036854775807,"object":{"a":null},"third":0.3333333333333333}` + "\n" + `[null,1.0,3.4028235E+38,null]` + "\n" + `""` + "\n"
	if string(out) != want {
		t.Errorf("got %s\nwant %s", out, want)
	}
}

func TestExportEncrypted(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	s := store(t, r, nil, sample()...)
	plain, _ := exported(t, r, s, Options{})
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := ParseRecipient(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	sealed, w := exported(t, r, s, Options{Recipients: []age.Recipient{recipient}})
	if w.Bytes != int64(len(sealed)) {
		t.Errorf("%d bytes, and not %d", len(sealed), w.Bytes)
	}
	in, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := io.ReadAll(in); err != nil || !bytes.Equal(opened, plain) {
		t.Errorf("it holds other bytes than the one that is not encrypted: %v", err)
	}
}

// TestExportDamaged: nobody gets an archive of what cannot be read.
func TestExportDamaged(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	s := store(t, r, nil, sample()...)
	s.Root.Runs = []tree.Run{{Chunk: chunk.ID{1}, Count: 1}}
	if _, err := Export(t.Context(), r, s, io.Discard, Options{}); err == nil {
		t.Error("no error")
	}
}
