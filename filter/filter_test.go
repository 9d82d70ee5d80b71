package filter_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/filter"
	"autochrome/internal/chromatest"
)

func TestMain(m *testing.M) { chromatest.Main(m) }

type raw = json.RawMessage

// values are what records have and filters ask for.
var values = []string{
	`0`, `1`, `2`, `-1`, `1.0`, `1.5`, `-0.5`, `2.0`, `9007199254740993`, `9007199254740992.0`, `9223372036854775807`, `9223372036854775807.0`,
	`""`, `"1"`, `"a"`, `"A"`, `"ab"`, `"true"`, `"é"`, `"e\u0301"`, `"%"`, `true`, `false`,
}

var arrays = []string{`["a","b"]`, `["1"]`, `[1,2]`, `[0]`, `[1.0,2.5]`, `[true]`, `[false,true]`, `["a","a",""]`}

var texts = []string{"", "a", "Hello World", "hello", "a_b%c", "ÄÖ ü", "axb c", "line\nbreak", "a.c", "abc abc", "12 Hello", "tab\there", "é", "e\u0301"}

var keys = []string{"k", "l", "m", "a b", "é"}

func some[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// world fills a collection at random and gives its records as ours.
func world(t *testing.T, c *chromatest.Client, r *rand.Rand) (id string, records []chunk.Record) {
	t.Helper()
	newest := c.Server.Version == chromatest.Newest
	id = c.CreateCollection("docs", nil)
	var ids []string
	var es, ms, ds []any
	for i := range 400 {
		m := map[string]any{}
		for _, k := range keys {
			switch n := r.IntN(10); {
			case n < 6:
				m[k] = raw(some(r, values))
			case n < 8 && newest:
				m[k] = raw(some(r, arrays))
			}
		}
		ids, es = append(ids, fmt.Sprintf("r%03d", i)), append(es, []float32{1, 2})
		if ms = append(ms, m); len(m) == 0 {
			ms[i] = nil
		}
		if ds = append(ds, any(nil)); r.IntN(5) > 0 {
			ds[i] = some(r, texts) + some(r, []string{"", "", " " + some(r, texts)})
		}
	}
	c.Add(id, map[string]any{"ids": ids, "embeddings": es, "metadatas": ms, "documents": ds})
	for _, x := range c.Dump("docs") {
		rec := chunk.Record{ID: x.ID, Document: x.Document}
		var fields []chunk.Field
		for k, v := range x.Metadata {
			fields = append(fields, chunk.Field{Key: k, Value: ours(t, v)})
		}
		var err error
		if rec.Metadata, err = chunk.NewMetadata(fields); err != nil {
			t.Fatal(err)
		}
		records = append(records, rec)
	}
	return id, records
}

func ours(t *testing.T, v any) chunk.Value {
	t.Helper()
	switch v := v.(type) {
	case string:
		return chunk.Value{Type: chunk.String, Str: v}
	case bool:
		return chunk.Value{Type: chunk.Bool, Bool: v}
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return chunk.Value{Type: chunk.Int, Int: i}
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return chunk.Value{Type: chunk.Float, Float: f}
	case []any:
		a := chunk.Value{Type: chunk.Array}
		for _, e := range v {
			a.Array = append(a.Array, ours(t, e))
		}
		return a
	}
	t.Fatalf("%T", v)
	return chunk.Value{}
}

// where makes a filter, now and then a wrong one.
func where(r *rand.Rand, depth int, newest bool) string {
	if n := r.IntN(10); depth > 0 && n < 5 {
		return join(r, func() string { return where(r, depth-1, newest) })
	}
	v := func() string { return some(r, values) }
	list := func() string {
		of := v()
		var parts []string
		for range r.IntN(4) {
			next := v()
			for r.IntN(4) > 0 && (next[0] == '"') != (of[0] == '"') {
				next = v()
			}
			parts = append(parts, next)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var what string
	switch r.IntN(30) {
	case 0:
		return some(r, []string{`{}`, `[]`, `"x"`, `1`, `true`, `{"k":1,"l":2}`, `{"k":null}`, `{"k":[1]}`, `{"k":{}}`, `{"k":{"$gt":0,"$lt":5}}`,
			`{"k":{"$foo":1}}`, `{"$not":{"k":1}}`, `{"k":{"a":1}}`, `{"k":{"$eq":null}}`, `{"k":{"$eq":[1]}}`, `{"k":{"$in":1}}`, `{"k":{"$in":[]}}`,
			`{"$and":{"k":1}}`, `{"$or":[{}]}`, `{"k":{"$in":[null]}}`, `{"k":{"$regex":"a"}}`, `{"k":1e999}`})
	case 1, 2, 3, 4, 5:
		what = v()
	case 6, 7, 8, 9, 10:
		what = `{"$eq":` + v() + `}`
	case 11, 12, 13, 14:
		what = `{"$ne":` + v() + `}`
	case 15, 16, 17, 18, 19:
		what = `{"` + some(r, []string{"$gt", "$gte", "$lt", "$lte"}) + `":` + v() + `}`
	case 20, 21, 22, 23:
		what = `{"` + some(r, []string{"$in", "$nin"}) + `":` + list() + `}`
	default:
		if what = `{"$in":` + list() + `}`; newest {
			what = `{"` + some(r, []string{"$contains", "$not_contains"}) + `":` + v() + `}`
			if r.IntN(4) == 0 {
				return `{"#document":` + document(r, 0) + `}`
			}
		}
	}
	key, _ := json.Marshal(some(r, append([]string{"missing"}, keys...)))
	return `{` + string(key) + `:` + what + `}`
}

func document(r *rand.Rand, depth int) string {
	if n := r.IntN(10); depth > 0 && n < 5 {
		return join(r, func() string { return document(r, depth-1) })
	}
	text, _ := json.Marshal(some(r, append([]string{"b", "lo W", "_", "c a", "\n", "ü", "Ü"}, texts...)))
	pattern, _ := json.Marshal(some(r, []string{"h.llo", "^a.c$", "(?i)HELLO", "", "e.b", "(?s)e.b", "^$", ".*", `\p{L}+$`, "a|l", "[^a]b", "x{1,2}", `\.`, "[[:upper:]]", "(ab?c ?){2}", `\t`, "[a-c]{3}", "^.$"}))
	switch r.IntN(12) {
	case 0:
		return some(r, []string{`{}`, `{"$contains":1}`, `{"$eq":"a"}`, `{"x":"a"}`, `{"$contains":"a","$not_contains":"b"}`, `{"$regex":"["}`, `{"$regex":"(?=a)"}`, `{"$and":{}}`, `{"$or":[{}]}`, `[]`})
	case 1, 2, 3, 4:
		return `{"$contains":` + string(text) + `}`
	case 5, 6:
		return `{"$not_contains":` + string(text) + `}`
	case 7, 8, 9:
		return `{"$regex":` + string(pattern) + `}`
	}
	return `{"$not_regex":` + string(pattern) + `}`
}

func join(r *rand.Rand, part func() string) string {
	var parts []string
	for range r.IntN(4) {
		parts = append(parts, part())
	}
	return `{"` + some(r, []string{"$and", "$or"}) + `":[` + strings.Join(parts, ",") + `]}`
}

// TestAgainstServers asks servers and us the same questions. With
// AUTOCHROME_FILTERS=n there are n of each kind.
func TestAgainstServers(t *testing.T) {
	count := 700
	if n, err := strconv.Atoi(os.Getenv("AUTOCHROME_FILTERS")); err == nil {
		count = n
	}
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		newest := c.Server.Version == chromatest.Newest
		id, records := world(t, c, r)
		hits, refused := 0, 0
		ask := func(name, text string, compile func([]byte) (*filter.Filter, error)) {
			status, answer := c.Server.Do(t, "POST", c.Path(id, "get"), map[string]any{"include": []string{}, name: raw(text)})
			f, err := compile([]byte(text))
			if status > 299 || err != nil {
				if status != 400 && status != 422 || err == nil || !errors.As(err, new(*filter.Error)) {
					t.Errorf("%s %s: the server says %d %.200s, we %v", name, text, status, answer, err)
				}
				refused++
				return
			}
			var said struct{ IDs []string }
			if err := json.Unmarshal(answer, &said); err != nil {
				t.Fatal(err)
			}
			var have []string
			for i := range records {
				if f.Match(&records[i]) {
					have = append(have, records[i].ID)
				}
			}
			slices.Sort(said.IDs)
			if !slices.Equal(have, said.IDs) {
				t.Errorf("%s %s: the server has %d %.200v, we %d %.200v", name, text, len(said.IDs), said.IDs, len(have), have)
			}
			if len(have) > 0 && len(have) < len(records) {
				hits++
			}
		}
		for range count {
			ask("where", where(r, 3, newest), filter.Where)
			ask("where_document", document(r, 2), filter.WhereDocument)
		}
		if hits < count/2 || refused < count/10 {
			t.Errorf("%d filters select some, %d are refused: these are no questions", hits, refused)
		}
	})
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		``, `{`, `null`, `{"k":1} {}`, `{"k":1,"k":2}`, `{"chroma:document":"x"}`, `{"#document":"x"}`, `{"$and":[{"k":1},2]}`,
	} {
		if _, err := filter.Where([]byte(text)); !errors.As(err, new(*filter.Error)) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, pattern := range []string{`\\w`, `\\d+`, `[\\s]`, `\\bx`, `[a&&b]`, `[[a]]`, `a{,3}`, `\\<`, `(`, `\\Qa\\E`, `\\012`} {
		if _, err := filter.WhereDocument([]byte(`{"$regex":"` + pattern + `"}`)); !errors.As(err, new(*filter.Error)) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, pattern := range []string{`[]a]`, `[^]a]`, `[[:alpha:]]x[b]`, `\\[a`, `[\\]a]&&`, `\\\\w`, `a--b`} {
		if _, err := filter.WhereDocument([]byte(`{"$regex":"` + pattern + `"}`)); err != nil {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
