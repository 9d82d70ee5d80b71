package chroma

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"autochrome/chunk"
)

// equalRecords compares by canonical bytes: what is hashed.
func equalRecords(t *testing.T, got, want *chunk.Records) {
	t.Helper()
	if got.Len() != want.Len() {
		t.Fatalf("%d records, want %d", got.Len(), want.Len())
	}
	for i := range want.Len() {
		if !got.Equal(i, want, i) {
			g, gerr := got.Record(i)
			w, werr := want.Record(i)
			t.Fatalf("record %d:\n got %s %v\nwant %s %v", i, showRecord(g), gerr, showRecord(w), werr)
		}
	}
	for c, rows := range got.Columns {
		if rows.Len() != want.Len() {
			t.Fatalf("%d %s for %d records", rows.Len(), members[c], want.Len())
		}
		if !rows.AllAbsent() {
			canonical := rows.AppendCanonical(nil)
			if !bytes.Equal(canonical, want.Columns[c].AppendCanonical(nil)) {
				t.Fatalf("%s: canonical bytes differ", members[c])
			}
			if rows.Kind() == chunk.Embeddings || rows.Kind() == chunk.Metadatas {
				if _, err := chunk.DecodeRows(canonical); err != nil {
					t.Fatalf("%s: %v", members[c], err)
				}
			}
		}
	}
}

func showRecord(r chunk.Record) string {
	text := func(s *string) string {
		if s == nil {
			return "none"
		}
		return fmt.Sprintf("%q", *s)
	}
	return fmt.Sprintf("{%q %v %v document %s uri %s metadata %+v}", r.ID, r.Embedding, r.Null, text(r.Document), text(r.URI), r.Metadata)
}

// checkDecode holds Decode against the reference decoder, both ways.
func checkDecode(t *testing.T, body []byte, dim int) {
	t.Helper()
	got := chunk.NewRecords(dim)
	before := chunk.Record{ID: "before"}
	if dim > 0 {
		before.Embedding = make([]float32, dim)
	}
	got.Append(before)
	err := Decode(body, got)
	want, wantErr := referenceDecode(body, dim)
	if errors.Is(wantErr, errDeep) {
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: %v, and the reference decoder says %v", body, err, wantErr)
	}
	if got.ID(0) == nil || string(got.ID(0)) != "before" {
		t.Fatalf("%q: the records before are gone", body)
	}
	if err != nil {
		if !errors.Is(err, ErrAnswer) {
			t.Fatalf("%v is not ErrAnswer", err)
		}
		for c, rows := range got.Columns {
			if rows.Len() != 1 {
				t.Fatalf("%q: refused, but %d %s are left", body, rows.Len()-1, members[c])
			}
		}
		return
	}
	all := chunk.NewRecords(dim)
	all.AppendRecords(got, 0, 1)
	all.AppendRecords(want, 0, want.Len())
	equalRecords(t, got, all)
}

// answers are what a server may say, and what it may not.
var answers = []string{
	`{"ids":["a","b"],"embeddings":[[1.0,2.0],[3.0,4.5]],"documents":["x",null],"uris":[null,"u"],"metadatas":[{"a":1,"b":1.0},{}],"include":["metadatas","documents","embeddings","uris"]}`,
	`{"include":[],"uris":["u",""],"metadatas":[null,{"z":null}],"documents":["","d"],"embeddings":[null,[null,-0.0]],"ids":["é","\u0000\n\"\\\/\b\f\r\t\ud83d\ude00"]}`,
	`{"ids":[],"embeddings":[],"documents":null,"uris":null,"metadatas":null,"include":["embeddings"]}`,
	`{"ids":[]}`, ` { "ids" : [ "a" , "b" ] , "embeddings" : [ [ 1 , 2 ] , [ 1e5 ,-2E-7 ] ] } ` + "\n\t\r ",
	`{"ids":["a"],"embeddings":[[]]}`, `{"ids":["a"],"embeddings":[[1]]}`, `{"ids":["a"],"embeddings":[[1,2,3]]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"more":{"a":[1,{"b":[]}],"c":"\ud83d\ude00"}}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"b":true,"a":false,"i":9223372036854775807,"j":-9223372036854775808,"k":9223372036854775808,"l":1e3,"m":-0,"n":-0.0,"s":"x\u0000y","t":"","":"","arr":[1,2.5,"x",true],"e":[],"é":1}]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"o":{"b":1.0,"a":[1]},"n":[null],"nested":[[1],{}],"mixed":["a",{"z":1,"y":2}]}]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":1,"a":1}]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":null,"a":1}]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":1e400}]}`, `{"ids":["a"],"embeddings":[[1,1e39]]}`,
	`{"ids":["a"],"ids":["a"],"embeddings":[[1,2]]}`, `{"ids":["\ud800"],"embeddings":[[1,2]]}`, `{"ids":["\udc00\ud800"],"embeddings":[[1,2]]}`,
	`{"ids":["\ud800x"],"embeddings":[[1,2]]}`, `{"ids":["\ud800\n"],"embeddings":[[1,2]]}`, `{"ids":["\uFFFD"],"embeddings":[[1,2]]}`,
	"{\"ids\":[\"\xff\"],\"embeddings\":[[1,2]]}", "{\"ids\":[\"\x01\"],\"embeddings\":[[1,2]]}", `{"ids":["a\x"],"embeddings":[[1,2]]}`, `{"ids":["a\u12"],"embeddings":[[1,2]]}`,
	`{"ids":[""],"embeddings":[[1,2]]}`, `{"ids":[null],"embeddings":[[1,2]]}`, `{"ids":[1],"embeddings":[[1,2]]}`, `{"ids":null}`, `{"ids":{}}`,
	`{"ids":["a"],"embeddings":null}`, `{"ids":["a"]}`, `{"embeddings":[[1,2]]}`, `{"ids":["a"],"embeddings":[[1,2],[1,2]]}`, `{"ids":["a"],"embeddings":[[1,2]],"documents":[]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"documents":[1]}`, `{"ids":["a"],"embeddings":[["1",2]]}`, `{"ids":["a"],"embeddings":[[01,2]]}`, `{"ids":["a"],"embeddings":[[1.,2]]}`,
	`{"ids":["a"],"embeddings":[[1,2,]]}`, `{"ids":["a",],"embeddings":[[1,2]]}`, `{"ids":["a"],"embeddings":[[1 2]]}`, `{"ids":["a"],"embeddings":[[1,2]],}`, `{"ids":["a"],"embeddings":[[1,2]]}}`,
	`{"ids":["a"],"embeddings":[[NaN,2]]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[[]]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":nul}]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":tru}]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":[1,]}]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":[}]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":"\ud800"}]}`,
	`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":{"x":"\ud800"}}]}`, `{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"a":{"x":1,"x":2}}]}`,
	`{"IDS":["a"],"ids":["b"],"embeddings":[[1,2]]}`, `{"\u0069ds":["a"],"embeddings":[[1,2]]}`,
	``, `null`, `[]`, `{}`, `{`, `"`, `{"`, `{"ids"`, `{"ids":`, `{"ids":[`, `{"ids":["`, `{"ids":["a\`, `<html></html>`, `1`, `{"error":"InternalError","message":"x"}`,
}

func TestDecode(t *testing.T) {
	for _, text := range answers {
		checkDecode(t, []byte(text), 2)
		checkDecode(t, []byte(text), 0)
	}
}

// TestDecodeTruncated cuts a good answer at every place: an error each time.
func TestDecodeTruncated(t *testing.T) {
	body := []byte(answers[1])
	into := chunk.NewRecords(2)
	if err := Decode(body, into); err != nil {
		t.Fatal(err)
	}
	for n := range body {
		if err := Decode(body[:n], into); !errors.Is(err, ErrAnswer) {
			t.Fatalf("%q: %v", body[:n], err)
		}
	}
	if into.Len() != 2 {
		t.Errorf("%d records, want 2", into.Len())
	}
}

// TestDecodeSaysWhat reads the message a person gets.
func TestDecodeSaysWhat(t *testing.T) {
	for text, want := range map[string]string{
		`{"ids":["a"],"embeddings":[[1,2],[1,2]]}`:                       "1 ids but 2 embeddings",
		`{"ids":["a"],"embeddings":[[1,2,3]]}`:                           "a vector of more than the collection's 2 components",
		`{"ids":["a"],"embeddings":[[1]]}`:                               "a vector of 1 components in a collection of 2",
		`{"ids":["a"],"embeddings":[[1`:                                  "and the answer ends there",
		`{"ids":["a"]}`:                                                  "no embeddings",
		`{"ids":["a"],"embeddings":[[1,2]],"metadatas":[{"k":1,"k":1}]}`: `metadata key "k" stands twice`,
	} {
		err := Decode([]byte(text), chunk.NewRecords(2))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want … %s …", text, err, want)
		}
	}
}

// TestDecodeFewOfMany: a collection that says it has very many dimensions takes
// no memory for components that the answer has no room for.
func TestDecodeFewOfMany(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := Decode([]byte(`{"ids":["a"],"embeddings":[[1,2,3]]}`), chunk.NewRecords(chunk.MaxDimension))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrAnswer) || took > 1<<20 {
		t.Errorf("%d bytes were allocated: %v", took, err)
	}
}

func TestDecodeGenerated(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	checkDecode(t, generateAnswer(r, 200, 48), 48)
	for range 300 {
		dim := 1 + r.IntN(20)
		body := generateAnswer(r, r.IntN(5), dim)
		checkDecode(t, body, dim)
		if len(body) > 0 { // and damaged
			body[r.IntN(len(body))] = byte(r.Uint32())
			checkDecode(t, body, dim)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, text := range answers {
		f.Add([]byte(text), 2)
	}
	f.Add(generateAnswer(rand.New(rand.NewPCG(1, 1)), 2, 3), 3)
	f.Fuzz(func(t *testing.T, body []byte, dim int) {
		if dim >= 0 && dim < 1000 {
			checkDecode(t, body, dim)
		}
	})
}

// generateAnswer makes an answer of the shape that measured collections have:
// unit vectors in the shortest form of a float32, documents of 300 to 1500
// characters, five to eight keys of metadata.
func generateAnswer(r *rand.Rand, n, dim int) []byte {
	list := func(name string, row func() any) string {
		rows := make([]string, n)
		for i := range rows {
			text, err := json.Marshal(row())
			if err != nil {
				panic(err)
			}
			rows[i] = string(text)
		}
		return `"` + name + `":[` + strings.Join(rows, ",") + `]`
	}
	words := strings.Fields("the of and that in he shall unto for I his a LORD they be is him not them it with all thou thy was God which my me said but ye their have will thee from as are when this out were by upon you up there hath then \"so\" word—word ναι \t\n \\")
	text := func(least, most int) string {
		var b strings.Builder
		for want := least + r.IntN(most-least+1); b.Len() < want; {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
		}
		return b.String()
	}
	columns := []string{
		list("ids", func() any { return fmt.Sprintf("doc-%016x", r.Uint64()) }),
		list("embeddings", func() any {
			v := make([]float32, dim)
			for i := range v {
				v[i] = float32(r.NormFloat64() / math.Sqrt(float64(dim)))
			}
			return v
		}),
		list("documents", func() any {
			if r.IntN(20) == 0 {
				return nil
			}
			return text(300, 1500)
		}),
		list("metadatas", func() any {
			m := map[string]any{
				"chapter": r.IntN(150), "verse": r.IntN(200), "source": text(5, 20), "score": json.RawMessage(fmt.Sprintf("%.1f", 10*r.Float64())),
				"weight": r.Float64(), "draft": r.IntN(2) == 0, "tag": text(3, 8), "when": r.Int64(),
			}
			for k := range m {
				if r.IntN(8) == 0 {
					delete(m, k)
				}
			}
			return m
		}),
		list("uris", func() any { return "https://example.org/texts/" + fmt.Sprint(r.Uint32()) }),
	}
	return []byte("{" + strings.Join(columns, ",") + `,"include":["metadatas","documents","embeddings","uris"]}`)
}

func BenchmarkDecode(b *testing.B) {
	body := generateAnswer(rand.New(rand.NewPCG(1, 1)), 1000, 384)
	if name := os.Getenv("CHROMA_ANSWER"); name != "" { // a real one, of 384 dimensions
		var err error
		if body, err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("hand", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		into := chunk.NewRecords(384)
		for b.Loop() {
			into.Reset(384)
			if err := Decode(body, into); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var answer struct {
				IDs        []string
				Embeddings [][]float32
				Documents  []*string
				Metadatas  []map[string]any
				URIs       []*string
			}
			if err := json.Unmarshal(body, &answer); err != nil {
				b.Fatal(err)
			}
		}
	})
}
