package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"autochrome/repo"
	"autochrome/restore/parquet"
)

// exportedFolder gives a folder of tables.
func exportedFolder(t testing.TB, r *repo.Repository, s repo.Snapshot, o Options) (string, Written) {
	t.Helper()
	folder := t.TempDir()
	w, err := ExportFolder(t.Context(), r, s, folder, o)
	if err != nil {
		t.Fatal(err)
	}
	return folder, w
}

// TestFolderRoundTrip: what comes back is the snapshot, to the last bit, and the
// files are the same from every copy.
func TestFolderRoundTrip(t *testing.T) {
	from := newRepository(t, repo.InitOptions{})
	s := store(t, from, nil, sample()...)
	folder, w := exportedFolder(t, from, s, Options{})
	if w.Manifest.TotalChunks != 1238 || len(w.Manifest.Batches) != 2 || w.Manifest.Ratio != nil {
		t.Errorf("%+v", w.Manifest)
	}
	check := exec.Command("sha256sum", "--strict", "--quiet", "-c", sumsName)
	check.Dir = folder
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(folder, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil || compiled(t).Validate(v) != nil {
		t.Errorf("the manifest does not follow the schema: %v", compiled(t).Validate(v))
	}
	if c, err := VerifyFolder(t.Context(), folder); err != nil || len(c.Damage) > 0 || c.Records != 1238 || !c.Sums {
		t.Errorf("verify: %+v, %v", c, err)
	}

	to := keyed(t)
	res, err := ImportFolder(t.Context(), to, folder, ImportOptions{})
	if err != nil || res.Snapshot.Suspect != "" || res.Content != w.Content || res.Rounded > 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	// The archive of what came back differs in what names the snapshot only.
	want, _ := exported(t, from, s, Options{})
	got, _ := exported(t, to, res.Snapshot, Options{})
	if a, b := collectionFiles(t, want), collectionFiles(t, got); !bytes.Equal(a, b) {
		t.Error("the records come back otherwise")
	}
	if again, err := ImportFolder(t.Context(), to, folder, ImportOptions{}); err != nil || !again.There {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, w2 := exportedFolder(t, from, s, Options{}); w2.SHA256 != w.SHA256 {
		t.Error("other bytes the second time")
	}
}

// collectionFiles joins the files about collections of an archive.
func collectionFiles(t testing.TB, b []byte) (all []byte) {
	t.Helper()
	in, err := open(bytes.NewReader(b), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = files(t.Context(), in, func(name string, body []byte) error {
		if strings.HasPrefix(name, collectionsName) {
			all = append(append(all, name...), body...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFolderDamage: a byte changed in any file is found and named, and nothing is
// imported.
func TestFolderDamage(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	folder, w := exportedFolder(t, r, store(t, r, nil, sample()[1]), Options{})
	names := []string{readmeName, manifestName, sumsName, vdfName, w.Manifest.Collections[0].Folder + "/" + descriptionName, w.Manifest.Batches[0].File}
	for _, name := range names {
		path := filepath.Join(folder, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(whole); i += 1 + len(whole)/15 {
			bad := bytes.Clone(whole)
			bad[i] ^= 1
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := VerifyFolder(t.Context(), folder)
			if err != nil || len(c.Damage) == 0 {
				t.Errorf("%s, byte %d: %+v, %v", name, i, c, err)
			} else if name != manifestName && name != sumsName && c.Damage[0].File != name {
				t.Errorf("%s, byte %d: it names %s", name, i, c.Damage[0].File)
			}
			to := newRepository(t, repo.InitOptions{})
			if _, err := ImportFolder(t.Context(), to, folder, ImportOptions{}); !errors.Is(err, ErrArchive) {
				t.Errorf("%s, byte %d: imported, %v", name, i, err)
			}
			if list, err := to.Snapshots(t.Context()); err != nil || len(list) > 0 {
				t.Errorf("%s: %d snapshots, %v", name, len(list), err)
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTableRoundTrip: a single file says what the collection is.
func TestTableRoundTrip(t *testing.T) {
	from := newRepository(t, repo.InitOptions{})
	s := store(t, from, nil, sample()...)
	var b bytes.Buffer
	if _, err := ExportTable(t.Context(), from, s, &b, Options{}); !errors.Is(err, ErrManyCollections) {
		t.Errorf("three collections: %v", err)
	}
	for _, name := range []string{"nasty", "empty"} {
		b.Reset()
		w, err := ExportTable(t.Context(), from, s, &b, Options{Collections: []string{name}})
		if err != nil || w.Bytes != int64(b.Len()) {
			t.Fatalf("%+v, %v", w, err)
		}
		to := newRepository(t, repo.InitOptions{})
		res, err := ImportTable(t.Context(), to, bytes.NewReader(b.Bytes()), int64(b.Len()), ImportOptions{})
		if err != nil || res.Snapshot.Suspect != noSums {
			t.Fatalf("%+v, %v", res, err)
		}
		want, _ := exported(t, from, s, Options{Collections: []string{name}})
		got, _ := exported(t, to, res.Snapshot, Options{})
		if !bytes.Equal(collectionFiles(t, want), collectionFiles(t, got)) {
			t.Errorf("%s comes back otherwise", name)
		}
	}
}

// vdf makes a folder as vector-io has it.
func vdf(t testing.TB, meta string, tables map[string][]byte) string {
	t.Helper()
	folder := t.TempDir()
	tables[vdfName] = []byte(meta)
	for name, b := range tables {
		if err := os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const vdfSample = `{"version":"0.1.247","file_structure":["vdf_x/docs/1.parquet"],"author":"somebody","exported_from":"EXPORTER",
"indexes":{"docs":[{"namespace":"","index_name":"docs","total_vector_count":TOTAL,"exported_vector_count":1238,"dimensions":-1,
"model_name":"m","vector_columns":["embedding"],"data_path":"PATH","metric":"METRIC"}]},"exported_at":"2026-11-28T10:00:00.123456+01:00"}`

func vdfMetaWith(change ...string) string {
	m := strings.NewReplacer(append(change, "EXPORTER", "qdrant", "TOTAL", "1238", "PATH", "docs", "METRIC", "Cosine")...)
	return m.Replace(vdfSample)
}

// TestVDF: a folder of vector-io's is a snapshot, suspect, at its time; several
// files are one collection, in the order of their numbers.
func TestVDF(t *testing.T) {
	from := newRepository(t, repo.InitOptions{})
	s := store(t, from, nil, sample()...)
	table := func(name string) []byte {
		var b bytes.Buffer
		if _, err := ExportTable(t.Context(), from, s, &b, Options{Collections: []string{name}}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	many := table("many.")
	meta := strings.ReplaceAll(vdfMetaWith(), "1238", "1234")
	for _, c := range []struct{ meta, configuration, suspect string }{
		{meta, `{"hnsw":{"space":"cosine"}}`, noSums},
		{strings.Replace(strings.Replace(meta, "qdrant", "chroma", 1), "Cosine", "cosine", 1), ``, noSums},
		{strings.Replace(strings.Replace(meta, "qdrant", "chroma", 1), "Cosine", "ip", 1), `{"hnsw":{"space":"ip"}}`, noSums},
		{strings.Replace(meta, `"total_vector_count":1234`, `"total_vector_count":2000`, 1), `{"hnsw":{"space":"cosine"}}`, `vector-io exported 1234 of 2000 records of "docs"`},
	} {
		to := newRepository(t, repo.InitOptions{})
		res, err := ImportFolder(t.Context(), to, vdf(t, c.meta, map[string][]byte{"docs/1.parquet": many}), ImportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		x := res.Snapshot
		if x.Suspect != c.suspect || x.Root.Records != 1234 || x.Time.Format("15:04:05.000") != "09:00:00.123" || len(x.Scope.Collections) != 1 {
			t.Errorf("%+v", x)
		}
		files := string(collectionFiles(t, firstOf(exported(t, to, x, Options{}))))
		var d description
		if err := json.NewDecoder(strings.NewReader(files[strings.IndexByte(files, '{'):])).Decode(&d); err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if c.configuration == "" {
			c.configuration = "null"
		}
		if err := json.Compact(&compact, d.Configuration); err != nil || compact.String() != c.configuration || *d.Dimension != 2 {
			t.Errorf("%s: %+v, %v", compact.String(), d, err)
		}
	}
}

func firstOf(b []byte, _ Written) []byte { return b }

// TestVDFRefused: what is not faithful is refused by its name, and nothing stays.
func TestVDFRefused(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	var b bytes.Buffer
	if _, err := ExportTable(t.Context(), r, store(t, r, nil, sample()[2]), &b, Options{}); err != nil {
		t.Fatal(err)
	}
	meta := strings.ReplaceAll(vdfMetaWith(), "1238", "1234")
	for _, c := range []struct{ meta, name, want string }{
		{strings.Replace(meta, `"data_path":"docs"`, `"data_path":"../docs"`, 1), "docs/1.parquet", "leads out of the folder"},
		{strings.Replace(meta, `"data_path":"docs"`, `"data_path":"/etc"`, 1), "docs/1.parquet", "leads out of the folder"},
		{meta, "other/1.parquet", "docs: it is missing; VDF_META.json names it"},
		{strings.Replace(meta, `["embedding"]`, `["embedding","b"]`, 1), "docs/1.parquet", "2 columns of vectors"},
		{strings.Replace(meta, `["embedding"]`, `["vector"]`, 1), "docs/1.parquet", `docs/1.parquet: column "vector": there is no such column`},
		{strings.ReplaceAll(meta, `1234`, `1235`), "docs/1.parquet", `collection "docs" has 1234 records, and exported_vector_count says 1235`},
		{strings.Replace(meta, `"dimensions":-1`, `"dimensions":3`, 1), "docs/1.parquet", `has 2 dimensions, and its collection 3`},
		{strings.Replace(meta, `"indexes"`, `"indices"`, 1), "docs/1.parquet", `"indexes" is missing`},
		{strings.Replace(meta, `2026-11-28T`, `yesterday`, 1), "docs/1.parquet", `which is no time`},
		{`{"indexes":{}}`, "docs/1.parquet", `it names no index`},
		{`{"indexes":{"a":{}}}`, "docs/1.parquet", vdfName},
	} {
		to := newRepository(t, repo.InitOptions{})
		_, err := ImportFolder(t.Context(), to, vdf(t, c.meta, map[string][]byte{c.name: b.Bytes()}), ImportOptions{})
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if list, err := to.Snapshots(t.Context()); err != nil || len(list) > 0 {
			t.Errorf("%s: %d snapshots, %v", c.want, len(list), err)
		}
	}
	// A record twice, in two files.
	to := newRepository(t, repo.InitOptions{})
	_, err := ImportFolder(t.Context(), to, vdf(t, meta, map[string][]byte{"docs/2.parquet": b.Bytes(), "docs/10.parquet": b.Bytes()}), ImportOptions{})
	if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), `docs/10.parquet: record "record-0" is in the collection twice`) {
		t.Errorf("got %v", err)
	}
	// No time, no name.
	bad := new(FileError)
	plain := new(bytes.Buffer)
	w, err := parquet.NewWriter(plain, parquet.Layout{})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = ImportTable(t.Context(), to, bytes.NewReader(plain.Bytes()), int64(plain.Len()), ImportOptions{})
	if !errors.As(err, &bad) || !strings.Contains(bad.Hint(), "--collection") {
		t.Errorf("got %v", err)
	}
}
