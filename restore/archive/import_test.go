package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"autochrome/repo"
)

func imported(t testing.TB, r *repo.Repository, archive []byte, o ImportOptions) Imported {
	t.Helper()
	res, err := Import(t.Context(), r, bytes.NewReader(archive), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestRoundTrip: what comes back says the same, to the last bit, and costs
// nothing where it is there already.
func TestRoundTrip(t *testing.T) {
	from := newRepository(t, repo.InitOptions{})
	s := store(t, from, nil, sample()...)
	archive, w := exported(t, from, s, Options{})

	res := imported(t, from, archive, ImportOptions{})
	if !res.There || res.Snapshot.ID != s.ID {
		t.Errorf("it is not found to be there: %+v", res)
	}
	for name, to := range map[string]*repo.Repository{"plain": newRepository(t, repo.InitOptions{}), "keyed": keyed(t)} {
		res := imported(t, to, archive, ImportOptions{Tags: map[string]string{"x": "y"}})
		got := res.Snapshot
		if res.There || got.Kind != repo.KindImported || got.Suspect != "" || !got.Time.Equal(s.Time) || got.Name != "good" || got.Source != "test" ||
			got.Tags[TagImported] != s.DisplayID() || got.Tags["x"] != "y" || got.Tags["reason"] != s.Tags["reason"] || got.Collections[2].ServerID != "0000-1" ||
			got.Scope.Collections != nil || res.Content != w.Content || got.Damage.Total != 2 {
			t.Errorf("%s: got %+v", name, res)
		}
		if name == "plain" && got.Root.Logical != s.Root.Logical {
			t.Error("it says something else")
		}
		again := imported(t, to, archive, ImportOptions{Name: "other"})
		if !again.There || again.Snapshot.ID != got.ID {
			t.Errorf("%s: imported twice", name)
		}
		// The records themselves give the same archive again.
		back, _ := exported(t, to, got, Options{})
		_, want := unpack(t, archive)
		_, files := unpack(t, back)
		for file := range want {
			if strings.HasPrefix(file, "collections/") && !bytes.Equal(files[file], want[file]) {
				t.Errorf("%s: %s is different", name, file)
			}
		}
	}
}

// TestImportRefers: a second archive of nearly the same costs what is new.
func TestImportRefers(t *testing.T) {
	from, to := newRepository(t, repo.InitOptions{}), newRepository(t, repo.InitOptions{})
	first, _ := exported(t, from, store(t, from, nil, sample()...), Options{})
	changed := sample()
	changed[2].records[700].Embedding = []float32{5, 5}
	second, _ := exported(t, from, store(t, from, func(s *repo.Snapshot) { s.Time = s.Time.AddDate(0, 0, 1) }, changed...), Options{})
	a, b := imported(t, to, first, ImportOptions{}), imported(t, to, second, ImportOptions{})
	if b.Snapshot.Stats.ChunksStored > 8 || a.Snapshot.Stats.ChunksStored < 20 || b.Snapshot.ParentID() != a.Snapshot.ID {
		t.Errorf("%d chunks, then %d", a.Snapshot.Stats.ChunksStored, b.Snapshot.Stats.ChunksStored)
	}
	// One that is older than what is there is not the latest.
	old, _ := exported(t, from, store(t, from, func(s *repo.Snapshot) { s.Time = s.Time.AddDate(0, 0, -1) }, sample()[:1]...), Options{})
	imported(t, to, old, ImportOptions{})
	if s, err := to.Find(t.Context(), "latest", ""); err != nil || s.ID != b.Snapshot.ID {
		t.Errorf("the latest is %v, %v", s, err)
	}
}

// entry is a file of an archive that a test makes.
type entry struct {
	tar.Header
	body string
}

func file(name, body string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}, body}
}

func packed(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// byHand is an archive as somebody might write it, with no more than the schema
// asks for.
func byHand() []entry {
	return []entry{
		{tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, ""},
		file("./manifest.json", `{"snapshot_id":"mine","timestamp":"2026-01-02T03:04:05+01:00","chromadb_url":"","chromadb_version":null,
			"collections":[{"name":"docs","folder":"collections/docs","metadata":{"n":1},"configuration":null,"count":3,"dimension":2,"checksum":null}],
			"total_chunks":3,"total_collections":1,"snapshot_size_mb":0,"checksum_sha256":null,"compression_ratio":null,"status":"verified",
			"error_message":null,"retention_until":"2027-01-01T00:00:00Z","mine":"too","batch_metadata":[
			{"collection":"docs","file":"collections/docs/records-1.json","first_id":"a","last_id":"b","count":2,"sha256":null},
			{"collection":"docs","file":"collections/docs/records-2.json","first_id":"c","last_id":"c","count":1,"sha256":null}]}`),
		{tar.Header{Name: "./collections/docs/", Typeflag: tar.TypeDir, Mode: 0o755}, ""},
		file("./collections/docs/collection.json", `{"name": "docs", "dimension": 2, "metadata": {"n": 1}}`),
		file("./collections/docs/records-1.json", `[{"id": "a", "embedding": [1, 2.5], "metadata": {"x": 1}}, {"id": "b", "embedding": [0, 1], "document": "\ud83e\udd8a"}]`),
		file("./collections/docs/records-2.json", `[{"id": "c", "embedding": [1e-3, -0]}]`),
	}
}

func TestImportByHand(t *testing.T) {
	plain := packed(t, byHand()...)
	var zipped, zipped2 bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(plain)
	_ = z.Close()
	zs, err := zstd.NewWriter(&zipped2)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = zs.Write(plain)
	_ = zs.Close()
	for name, archive := range map[string][]byte{"tar": plain, "gzip": zipped.Bytes(), "zstd": zipped2.Bytes()} {
		r := newRepository(t, repo.InitOptions{})
		s := imported(t, r, archive, ImportOptions{}).Snapshot
		if s.Root.Records != 3 || s.Suspect != noSums || !slices.Equal(s.Scope.Collections, []string{"docs"}) || s.Tags[tagUntil] != "2027-01-01T00:00:00Z" ||
			s.Capture != repo.CaptureMoving || s.Time.Hour() != 2 || s.Source != "default_tenant/default_database" {
			t.Errorf("%s: %+v", name, s)
		}
		_, w := exported(t, r, s, Options{})
		if w.Manifest.TotalChunks != 3 {
			t.Errorf("%s: %+v", name, w.Manifest)
		}
	}
}

// TestImportRefuses: what is wrong is named, and no snapshot is left.
func TestImportRefuses(t *testing.T) {
	replace := func(i int, old, with string) func([]entry) []entry {
		return func(e []entry) []entry {
			if !strings.Contains(e[i].body, old) {
				t.Fatalf("%s has no %s", e[i].Name, old)
			}
			e[i] = file(e[i].Name, strings.Replace(e[i].body, old, with, 1))
			return e
		}
	}
	for want, change := range map[string]func([]entry) []entry{
		"../../etc/passwd: its name leads out":                        func(e []entry) []entry { return append(e, file("../../etc/passwd", "x")) },
		"/etc/passwd: its name leads out":                             func(e []entry) []entry { return append(e, file("/etc/passwd", "x")) },
		`collections\x\collection.json: its name leads out`:           func(e []entry) []entry { return append(e, file(`collections\x\collection.json`, "x")) },
		"collections/docs/../docs/records-3.json: its name leads out": func(e []entry) []entry { return append(e, file("collections/docs/../docs/records-3.json", "x")) },
		"virus.exe: it does not belong":                               func(e []entry) []entry { return append(e, file("virus.exe", "x")) },
		"collections/docs/records-3.json: it is a link": func(e []entry) []entry {
			return append(e, entry{tar.Header{Name: "collections/docs/records-3.json", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""})
		},
		"manifest.json: it is a link": func(e []entry) []entry {
			return append(e, entry{tar.Header{Name: "manifest.json", Typeflag: tar.TypeLink, Linkname: "x"}, ""})
		},
		"collections/docs/records-1.json: it is in the archive twice":       func(e []entry) []entry { return append(e, e[4]) },
		"manifest.json: it is missing":                                      func(e []entry) []entry { return slices.Delete(e, 1, 2) },
		"records-2.json: it is missing; the manifest names it":              func(e []entry) []entry { return e[:5] },
		"records-3.json: the manifest does not name it":                     func(e []entry) []entry { return append(e, file("collections/docs/records-3.json", `[{"id":"d"}]`)) },
		"records-1.json: it stands before collections/docs/collection.json": func(e []entry) []entry { e[3], e[4] = e[4], e[3]; return e },
		"records-2.json: it is out of order: it stands before":              func(e []entry) []entry { e[4], e[5] = e[5], e[4]; return e },
		`records-2.json: record "a" is in the collection twice`:             replace(5, `"c"`, `"a"`),
		`records-2.json: record "c" has 3 dimensions, and its collection 2`: replace(5, "-0", "-0, 1"),
		"records-1.json: it has 1 records, and the manifest says 2":         replace(4, `, {"id": "b", "embedding": [0, 1], "document": "\ud83e\udd8a"}`, ""),
		`records-1.json: its records are "a" to "x"`:                        replace(4, `"b"`, `"x"`),
		"records-2.json: there is no record in it":                          replace(5, `{"id": "c", "embedding": [1e-3, -0]}`, ""),
		"records-1.json: json":                                              replace(4, `, {"id"`, `, {"id`),
		"collections/docs: it has 3 records, and the manifest says 4":       replace(1, `"count":3`, `"count":4`),
		"manifest.json: total_chunks is 4":                                  replace(1, `"total_chunks":3`, `"total_chunks":4`),
		"manifest.json: total_collections is 2":                             replace(1, `"total_collections":1`, `"total_collections":2`),
		`manifest.json: unknown status "lost"`:                              replace(1, `"verified"`, `"lost"`),
		`manifest.json: the field "error_message" is missing`:               replace(1, `"error_message"`, `"error"`),
		"records-2.json: its SHA-256 is not the one in the manifest":        replace(1, `"count":1,"sha256":null`, `"count":1,"sha256":"`+strings.Repeat("0", 64)+`"`),
		"collections/docs: the sum of its files":                            replace(1, `"checksum":null`, `"checksum":"`+strings.Repeat("0", 64)+`"`),
		"manifest.json: checksum_sha256 is not the sum":                     replace(1, `"checksum_sha256":null`, `"checksum_sha256":"`+strings.Repeat("0", 64)+`"`),
		"collection.json: it says something else than the manifest":         replace(3, `{"n": 1}`, `{"n": 1.0}`),
		"collection.json: a dimension of 0":                                 replace(3, `"dimension": 2`, `"dimension": 0`),
		"collection.json: metadata: metadata key":                           replace(3, `{"n": 1}`, `{"n": 1, "n": 2}`),
		"manifest.json: SHA256SUMS does not name it":                        func(e []entry) []entry { return append(e, file("SHA256SUMS", strings.Repeat("0", 64)+"  x\n")) },
		"SHA256SUMS: line 1 is not of the form":                             func(e []entry) []entry { return append(e, file("SHA256SUMS", "nonsense\n")) },
		"collections/docs/records-2.json: it stands apart from the files": func(e []entry) []entry {
			return slices.Insert(e, 5, file("collections/x/collection.json", `{"name":"x"}`))
		},
		`collections/x/collection.json: collection "docs" is in the archive tw`: func(e []entry) []entry { return append(e, file("collections/x/collection.json", `{"name":"docs"}`)) },
		"collections/x: the manifest does not name it":                          func(e []entry) []entry { return append(e, file("collections/x/collection.json", `{"name":"x"}`)) },
	} {
		r := newRepository(t, repo.InitOptions{})
		archive := packed(t, change(byHand())...)
		_, err := Import(t.Context(), r, bytes.NewReader(archive), ImportOptions{})
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if list, err := r.Snapshots(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%s: %d snapshots are left, %v", want, len(list), err)
		}
		if c, err := Verify(t.Context(), bytes.NewReader(archive), nil); err != nil || len(c.Damage) == 0 {
			t.Errorf("%s: verify finds nothing, %v", want, err)
		}
	}
}

// TestImportBombs: what is announced is not believed, and what comes is bounded.
func TestImportBombs(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	huge := file("manifest.json", "{}")
	huge.Size = 1 << 40
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&huge.Header); err != nil {
		t.Fatal(err)
	}
	b.Write(make([]byte, 4096))
	if _, err := Import(t.Context(), r, &b, ImportOptions{}); err == nil || !strings.Contains(err.Error(), "are the most") {
		t.Errorf("a huge file: %v", err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(packed(t, byHand()...))
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()
	if _, err := Import(t.Context(), r, &zipped, ImportOptions{}); err == nil || !strings.Contains(err.Error(), "behind the end") {
		t.Errorf("endless zeros: %v", err)
	}
	for _, nothing := range []string{"", "x", "no archive at all", "\x1f\x8b", "\x28\xb5\x2f\xfd", strings.Repeat("\x00", 1<<20)} {
		if _, err := Import(t.Context(), r, strings.NewReader(nothing), ImportOptions{}); !errors.Is(err, ErrArchive) {
			t.Errorf("%.10q: %v", nothing, err)
		}
	}
}

// TestTruncated: an archive that ends early anywhere is refused.
func TestTruncated(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	archive, _ := exported(t, r, store(t, r, nil, sample()...), Options{})
	plain := packed(t, byHand()...)
	for _, whole := range [][]byte{archive, plain} {
		for n := 0; n < len(whole); n += 1 + len(whole)/150 {
			_, err := Import(t.Context(), r, bytes.NewReader(whole[:n]), ImportOptions{})
			if !errors.Is(err, ErrArchive) {
				t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
			}
		}
	}
}

// TestVerifyFlips: no byte of the files, their names or the gaps between them can
// change without being found and named. What packs them has bits that nobody
// reads: there a change may be without effect, but never one on what is read.
func TestVerifyFlips(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	archive, _ := exported(t, r, store(t, r, nil, sample()...), Options{})
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := Verify(t.Context(), bytes.NewReader(plain), nil); err != nil || len(c.Damage) > 0 || c.Records != 1238 || !c.Sums || c.Files != 20 {
		t.Fatalf("%+v, %v", c, err)
	}
	verify := func(b []byte, at int, bit byte) []*FileError {
		t.Helper()
		b = bytes.Clone(b)
		b[at] ^= bit
		c, err := Verify(t.Context(), bytes.NewReader(b), nil)
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		for _, d := range c.Damage {
			if d.Error() == "" {
				t.Errorf("byte %d: %v", at, d)
			}
		}
		return c.Damage
	}
	for at := 0; at < len(plain); at += 397 {
		if len(verify(plain, at, 1<<(at%8))) == 0 {
			t.Errorf("byte %d of %d of the tar file: not found", at, len(plain))
		}
	}
	missed := 0
	for at := 0; at < len(archive); at += 193 {
		if len(verify(archive, at, 1<<(at%8))) > 0 {
			continue
		}
		missed++
		changed := bytes.Clone(archive)
		changed[at] ^= 1 << (at % 8)
		z, err := gzip.NewReader(bytes.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("byte %d of %d: not found, %v", at, len(archive), err)
		}
	}
	if missed > 2 {
		t.Errorf("%d flips were without effect", missed)
	}
}

// TestVerifyNames: all files that are damaged are named, and nothing that
// follows from them.
func TestVerifyNames(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	archive, _ := exported(t, r, store(t, r, nil, sample()...), Options{})
	names, files := unpack(t, archive)
	var entries []entry
	for _, name := range names {
		body := string(files[name])
		if strings.HasSuffix(name, "many/records-00000003.json") || strings.HasSuffix(name, "nasty/collection.json") {
			body = strings.Replace(body, "e", "f", 1)
		}
		entries = append(entries, file(name, body))
	}
	c, err := Verify(t.Context(), bytes.NewReader(packed(t, entries...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.Damage {
		got = append(got, d.File)
	}
	if fmt.Sprint(got) != "[collections/0002-many/records-00000003.json collections/0003-nasty/collection.json]" {
		t.Errorf("got %v", c.Damage)
	}
}

func TestImportSealed(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	id, _ := age.GenerateX25519Identity()
	other, _ := age.GenerateX25519Identity()
	archive, _ := exported(t, r, store(t, r, nil, sample()...), Options{Recipients: []age.Recipient{id.Recipient()}})
	with := func(id age.Identity) Identities { return Identities{id} }
	to := newRepository(t, repo.InitOptions{})
	for _, ids := range []Identities{nil, with(other)} {
		if _, err := Import(t.Context(), to, bytes.NewReader(archive), ImportOptions{Identities: ids}); !errors.Is(err, ErrSealed) {
			t.Errorf("got %v", err)
		}
		if _, err := Verify(t.Context(), bytes.NewReader(archive), ids); !errors.Is(err, ErrSealed) {
			t.Errorf("got %v", err)
		}
	}
	if res := imported(t, to, archive, ImportOptions{Identities: with(id)}); res.Snapshot.Root.Records != 1238 {
		t.Errorf("got %+v", res)
	}
	if c, err := Verify(t.Context(), bytes.NewReader(archive), with(id)); err != nil || len(c.Damage) > 0 {
		t.Errorf("got %+v, %v", c, err)
	}
	archive[len(archive)/2] ^= 1
	if c, err := Verify(t.Context(), bytes.NewReader(archive), with(id)); err != nil || len(c.Damage) != 1 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// FuzzImport: whatever comes, it is refused with ErrArchive, or makes a snapshot
// that an archive of its own can be made of.
func FuzzImport(f *testing.F) {
	r := newRepository(f, repo.InitOptions{})
	cs := sample()
	cs[2].records = cs[2].records[:3]
	archive, _ := exported(f, r, store(f, r, nil, cs...), Options{Batch: 2})
	f.Add(archive)
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		f.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(packed(f, byHand()...))
	f.Add([]byte("{\"collection\":\"x\",\"id\":\"a\",\"embedding\":[1,null]}\n{\"collection\":\"x\",\"id\":\"b\",\"metadata\":{\"n\":1.5}}\n"))
	f.Fuzz(func(t *testing.T, archive []byte) {
		r := newRepository(t, repo.InitOptions{})
		res, err := Import(t.Context(), r, bytes.NewReader(archive), ImportOptions{})
		if err != nil {
			if !errors.Is(err, ErrArchive) && !errors.Is(err, ErrSealed) && !errors.Is(err, repo.ErrInvalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, _ := exported(t, r, res.Snapshot, Options{})
		to := newRepository(t, repo.InitOptions{})
		if back := imported(t, to, again, ImportOptions{}); back.Snapshot.Root.Logical != res.Snapshot.Root.Logical {
			t.Fatal("it says something else the second time")
		}
	})
}
