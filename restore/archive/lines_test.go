package archive

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"autochrome/chunk"
	"autochrome/repo"
)

func exportedLines(t testing.TB, r *repo.Repository, s repo.Snapshot) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := ExportLines(t.Context(), r, s, &b, Options{})
	if err != nil || w.Bytes != int64(b.Len()) {
		t.Fatalf("%+v, %v", w, err)
	}
	return b.Bytes()
}

// TestLinesRoundTrip: the records come back to the last bit, from plain and from
// packed lines; what the collections were does not.
func TestLinesRoundTrip(t *testing.T) {
	from := newRepository(t, repo.InitOptions{})
	cs := sample()[1:]
	for i := range 50 { // the dimension is known late
		cs[0].records = append([]chunk.Record{{ID: fmt.Sprint("early ", i)}}, cs[0].records...)
	}
	lines := exportedLines(t, from, store(t, from, nil, cs...))
	if n := bytes.Count(lines, []byte("\n")); n != 1234+54 || !bytes.HasPrefix(lines, []byte(`{"collection":"many.","id":"record-0",`)) {
		t.Fatalf("%d lines: %.60s", n, lines)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(lines)
	_ = z.Close()
	for _, in := range [][]byte{lines, zipped.Bytes()} {
		to := newRepository(t, repo.InitOptions{})
		res := imported(t, to, in, ImportOptions{Source: "x"})
		if s := res.Snapshot; s.Suspect != noSums || s.Root.Records != 1288 || len(s.Scope.Collections) != 2 || res.Content != int64(len(lines)) {
			t.Errorf("got %+v", res)
		}
		if back := exportedLines(t, to, res.Snapshot); !bytes.Equal(back, lines) {
			t.Error("they come back otherwise")
		}
	}
	if c, err := Verify(t.Context(), bytes.NewReader(lines), nil); err != nil || len(c.Damage) != 1 {
		t.Errorf("verify: %+v, %v", c, err)
	}
}

func TestLinesRefused(t *testing.T) {
	var many strings.Builder
	for i := range unknownDimension + 1 {
		fmt.Fprintf(&many, "{\"id\":\"%d\"}\n", i)
	}
	large := fmt.Sprintf("{\"id\":\"a\",\"document\":%q}\n", strings.Repeat("x", unknownBytes/2))
	values := fmt.Sprintf("{\"id\":\"a\",\"metadata\":{\"k\":[%s1]}}\n", strings.Repeat("1,", unknownBytes/2/valueSize))
	for text, want := range map[string]string{
		large + strings.Replace(large, "a", "b", 1):                             "line 2: the first 2 records",
		values + strings.Replace(values, "a", "b", 1):                           "line 2: the first 2 records",
		`{"id":"a"}` + "\n" + `{"id":"a"}`:                                      `line 2: record "a" is in the collection twice`,
		`{"id":"a","collection":""}`:                                            "line 1: record \"a\" names no collection",
		`{"id":"a","other":1}`:                                                  "line 1: ",
		`{"id":"a","collection":5}`:                                             "line 1: ",
		`{"id":"a"`:                                                             "line 1: ",
		`{"id":"a","text_chunk":"x","k":null}`:                                  `field "k": its value is none`,
		`{"id":"a","text_chunk":"x","k":{"a":1}}`:                               `field "k": its value is none`,
		`{"id":"a","text_chunk":"x","k":1,"metadata":{"a":1}}`:                  `line 1: record "a" has metadata, and the field "k" beside it`,
		`{"id":"a","text_chunk":5}`:                                             `field "text_chunk"`,
		`{"id":null,"text_chunk":"x"}`:                                          "without an id",
		`{"id":"a"} {"id":"b"}`:                                                 "line 1: ",
		"{\"id\":\"a\",\"embedding\":[1]}\n\n" + `{"id":"b","embedding":[1,2]}`: `line 3: record "b" has 2 dimensions`,
		"{\"id\":\"a\"}\n{\"id\":\"a\",\"collection\":\"y\"}\n" + `{"id":"b"}`:  `line 3: record "b" stands apart`,
		many.String(): fmt.Sprintf("line %d: the first", unknownDimension+1),
	} {
		r := newRepository(t, repo.InitOptions{})
		_, err := Import(t.Context(), r, strings.NewReader(text), ImportOptions{Collection: "x"})
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", text, err, want)
		}
		if list, err := r.Snapshots(t.Context()); err != nil || len(list) > 0 {
			t.Errorf("%.60s: %d snapshots, %v", text, len(list), err)
		}
	}
}

// TestDataPipes: both forms in which chromadb-data-pipes writes lines.
func TestDataPipes(t *testing.T) {
	text := func(s string) *string { return &s }
	str := func(s string) chunk.Value { return chunk.Value{Type: chunk.String, Str: s} }
	v := []float32{0.1, 0.1}
	want := []chunk.Record{
		{ID: "a", Embedding: v, Document: text("x"), Metadata: chunk.Metadata{{Key: "f", Value: chunk.Value{Type: chunk.Float, Float: 1}}, {Key: "n", Value: chunk.Value{Type: chunk.Int, Int: 1 << 60}}}},
		{ID: "b", Embedding: v, Document: text("")},
		{ID: "c", Embedding: v, Metadata: chunk.Metadata{{Key: "collection", Value: str("c")}, {Key: "document", Value: str("d")}, {Key: "ok", Value: chunk.Value{Type: chunk.Bool, Bool: true}}, {Key: "uri", Value: str("u")}}},
	}
	lines := `{"id":"a","metadata":{"n":1152921504606846976,"f":1.0},"embedding":[0.1,0.10000000149011612],"text_chunk":"x"}
{"id":"b","metadata":null,"embedding":[0.1,0.1],"text_chunk":""}
{"text_chunk":null,"embedding":[0.1,0.1],"id":"c","ok":true,"uri":"u","document":"d","collection":"c"}
`
	r := newRepository(t, repo.InitOptions{})
	res := imported(t, r, []byte(lines), ImportOptions{Collection: "x"})
	got := exportedLines(t, r, res.Snapshot)
	var b []byte
	for _, rec := range want {
		b = append(append(b, `{"collection":"x",`...), chunk.AppendRecordJSON(nil, rec, false)[1:]...)
		b = append(b, '\n')
	}
	if !bytes.Equal(got, b) {
		t.Errorf("got\n%swant\n%s", got, b)
	}
}

// TestOthersReadLines: node parses each line.
func TestOthersReadLines(t *testing.T) {
	r := newRepository(t, repo.InitOptions{})
	cmd := exec.Command("node", "-e", `
const records = require("fs").readFileSync(0, "utf8").trimEnd().split("\n").map(l => JSON.parse(l))
console.log(records.length, records[0].id, records[1234].collection, records[1234].document === "", Object.is(records[1234].embedding[1], -0))`)
	cmd.Stdin = bytes.NewReader(exportedLines(t, r, store(t, r, nil, sample()...)))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "1238 record-0 nasty true true" {
		t.Errorf("%s, %v", out, err)
	}
}
