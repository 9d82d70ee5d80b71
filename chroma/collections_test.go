package chroma

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

// awkward is metadata that a collection may have.
func awkward(t *testing.T) chunk.Metadata {
	t.Helper()
	m, err := chunk.NewMetadata([]chunk.Field{
		{Key: "exact", Value: chunk.Value{Type: chunk.Int, Int: 9007199254740993}},
		{Key: "least", Value: chunk.Value{Type: chunk.Int, Int: math.MinInt64}},
		{Key: "most", Value: chunk.Value{Type: chunk.Int, Int: math.MaxInt64}},
		{Key: "one", Value: chunk.Value{Type: chunk.Int, Int: 1}},
		{Key: "one point zero", Value: chunk.Value{Type: chunk.Float, Float: 1}},
		{Key: "odd float", Value: chunk.Value{Type: chunk.Float, Float: -8.4177303718414e-237}},
		{Key: "large", Value: chunk.Value{Type: chunk.Float, Float: 1 << 63}},
		{Key: "yes", Value: chunk.Value{Type: chunk.Bool, Bool: true}},
		{Key: "no\u0000\n\"\\é😀", Value: chunk.Value{Type: chunk.String, Str: "x\u0000\n\"\\é😀"}},
		{Key: "empty", Value: chunk.Value{Type: chunk.String}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCollections(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		ids := map[string]string{}
		for i := range 25 {
			name := fmt.Sprintf("name-%02d", i)
			ids[c.CreateCollection(name, map[string]any{"metadata": map[string]any{"exact": json.Number("9007199254740993"), "float": json.Number("2.0")}})] = name
		}
		list, err := d.Collections(t.Context())
		if err != nil || len(list) != len(ids) {
			t.Fatalf("%d of %d, %v", len(list), len(ids), err)
		}
		want := chunk.Metadata{
			{Key: "exact", Value: chunk.Value{Type: chunk.Int, Int: 9007199254740993}},
			{Key: "float", Value: chunk.Value{Type: chunk.Float, Float: 2}},
		}
		for _, col := range list {
			if ids[col.ServerID] != col.Name || !col.Description.Metadata.Equal(want) || col.Description.Dimension != 0 {
				t.Errorf("%+v", col)
			}
			raw := c.Collection(col.Name)
			if (raw["schema"] != nil) != (col.Description.Schema != nil) || col.Description.Configuration == nil {
				t.Errorf("%s: schema %s, configuration %s", col.Name, col.Description.Schema, col.Description.Configuration)
			}
			for name, have := range map[string][]byte{"schema": col.Description.Schema, "configuration_json": col.Description.Configuration} {
				if have == nil {
					continue
				}
				text, err := json.Marshal(raw[name])
				if err != nil {
					t.Fatal(err)
				}
				if canonical, err := chunk.CanonicalJSON(text); err != nil || string(canonical) != string(have) {
					t.Errorf("%s:\n got %s\nwant %s", name, have, canonical)
				}
			}
		}
	})
}

func TestDimension(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		id := c.CreateCollection("some", nil)
		c.Add(id, map[string]any{"ids": []string{"a"}, "embeddings": [][]float32{{1, 2, 3}}})
		col, err := d.Collection(t.Context(), "some")
		if err != nil || col.Description.Dimension != 3 || col.ServerID != id {
			t.Errorf("%+v, %v", col, err)
		}
	})
}

// TestForgedDimension: what no embedding can have is no dimension.
func TestForgedDimension(t *testing.T) {
	for dimension, good := range map[int]bool{0: true, 3: true, chunk.MaxDimension: true, -1: false, chunk.MaxDimension + 1: false, 1 << 50: false, 1 << 62: false} {
		s := serve(t, chromaLike(func(w http.ResponseWriter, r *http.Request) bool {
			one := fmt.Sprintf(`{"id":"x","name":"docs","dimension":%d}`, dimension)
			switch {
			case strings.HasSuffix(r.URL.Path, "/collections"):
				fmt.Fprintf(w, "[%s]", one)
			case strings.HasSuffix(r.URL.Path, "/collections/docs"):
				fmt.Fprint(w, one)
			case strings.HasSuffix(r.URL.Path, "/collections_count"):
				fmt.Fprint(w, 1)
			default:
				return false
			}
			return true
		}))
		d, err := Open(t.Context(), Options{URL: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.Collection(t.Context(), "docs")
		list, errs := d.Collections(t.Context())
		if good {
			if err != nil || errs != nil || len(list) != 1 || c.Description.Dimension != dimension || list[0].Description.Dimension != dimension {
				t.Errorf("%d: %+v %v, %v %v", dimension, c, list, err, errs)
			}
		} else if !errors.Is(err, ErrAnswer) || !errors.Is(errs, ErrAnswer) || !strings.Contains(err.Error(), "collection docs: dimension") {
			t.Errorf("%d: %v, %v", dimension, err, errs)
		}
	}
}

// TestSchemaDoesNotLearn: what the server notes about metadata keys leaves the
// description as it was, also after the records are gone.
func TestSchemaDoesNotLearn(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		id := c.CreateCollection("some", nil)
		before, err := d.Collection(t.Context(), "some")
		if err != nil {
			t.Fatal(err)
		}
		c.Add(id, map[string]any{"ids": []string{"a", "b"}, "embeddings": [][]float32{{1}, {2}}, "metadatas": []any{
			map[string]any{"s": "x", "i": 1, "f": json.Number("1.5"), "b": true, "both": 1}, map[string]any{"both": "x"},
		}})
		if raw := c.Collection("some"); raw["schema"] != nil && raw["schema"].(map[string]any)["keys"].(map[string]any)["both"] == nil {
			t.Error("this server learns nothing: is this test needed?")
		}
		after, err := d.Collection(t.Context(), "some")
		if err != nil || string(after.Description.Schema) != string(before.Description.Schema) {
			t.Errorf("%v:\n got %s\nwant %s", err, after.Description.Schema, before.Description.Schema)
		}
	})
}

func TestWithoutLearnedKeysKeepsTheRest(t *testing.T) {
	for in, want := range map[string]string{
		`{"defaults":{"int":{"i":{"enabled":true}},"string":{"f":1}},"keys":{"#document":{"string":{"f":1}},"a":{"int":{"i":{"enabled":true}}},"b":{"int":{"i":{"enabled":false}},"string":{"f":1}},"c":{"sparse":{}}}}`: `{"defaults":{"int":{"i":{"enabled":true}},"string":{"f":1}},"keys":{"#document":{"string":{"f":1}},"b":{"int":{"i":{"enabled":false}}},"c":{"sparse":{}}}}`,
		`{"keys":{"a":{"int":1}},"x":[1.0,1e5,"<é"]}`: `{"keys":{"a":{"int":1}},"x":[1.0,1e5,"<é"]}`,
		`{"keys":1,"defaults":2}`:                     `{"defaults":2,"keys":1}`,
		`[]`:                                          `[]`,
	} {
		if got, err := withoutLearnedKeys([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s:\n got %s %v\nwant %s", in, got, err, want)
		}
	}
}

// TestCreateCollection makes collections of several kinds by raw requests, and
// again from what was read of them.
func TestCreateCollection(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		kinds := map[string]map[string]any{
			"plain":    nil,
			"cosine":   {"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine", "ef_construction": 50, "ef_search": 33, "max_neighbors": 9, "resize_factor": json.Number("1.7"), "sync_threshold": 77}}},
			"legacy":   {"metadata": map[string]any{"hnsw:space": "ip", "hnsw:search_ef": 44, "hnsw:num_threads": 3, "hnsw:batch_size": 55, "other": 1}},
			"function": {"configuration": map[string]any{"embedding_function": map[string]any{"type": "known", "name": "openai", "config": map[string]any{"model": "x", "n": json.Number("1.5")}}}},
		}
		for name, body := range kinds {
			c.CreateCollection(name, body)
			have, err := d.Collection(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			want := have.Description
			if name == "plain" {
				want.Metadata = awkward(t)
			}
			made, err := d.CreateCollection(t.Context(), name+"-again", want)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sameDescription(t, made.Description, want)
			if made.Name != name+"-again" || made.ServerID == "" || made.ServerID == have.ServerID {
				t.Errorf("%+v", made)
			}
			// From a server without schemas.
			want.Schema = nil
			if made, err = d.CreateCollection(t.Context(), name+"-old", want); err != nil {
				t.Fatalf("%s without schema: %v", name, err)
			}
			if string(made.Description.Configuration) != string(want.Configuration) || !made.Description.Metadata.Equal(want.Metadata) {
				t.Errorf("%s without schema: %s", name, made.Description.Configuration)
			}
			// With a schema that this server may not know.
			want.Schema = have.Description.Schema
			if want.Schema == nil {
				want.Schema = []byte(`{"defaults":{},"keys":{}}`)
				if made, err = d.CreateCollection(t.Context(), name+"-new", want); err != nil || string(made.Description.Configuration) != string(want.Configuration) {
					t.Errorf("%s: %s %v", name, made.Description.Configuration, err)
				}
			}
			if _, err := d.CreateCollection(t.Context(), name, want); !errors.Is(err, ErrExists) {
				t.Errorf("%s: %v", name, err)
			}
			if again, err := d.Collection(t.Context(), name); err != nil || again.ServerID != have.ServerID {
				t.Errorf("%s was touched: %+v %v", name, again, err)
			}
		}
	})
}

func sameDescription(t *testing.T, got, want chunk.CollectionDescription) {
	t.Helper()
	got.Dimension = want.Dimension
	if string(got.AppendCanonical(nil)) != string(want.AppendCanonical(nil)) {
		t.Errorf("got  %+v %s %s\nwant %+v %s %s", got.Metadata, got.Configuration, got.Schema, want.Metadata, want.Configuration, want.Schema)
	}
}

func TestModifyCollection(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		id := c.CreateCollection("before", map[string]any{"metadata": map[string]any{"a": 1, "b": "x"}})
		c.Add(id, map[string]any{"ids": []string{"r"}, "embeddings": [][]float32{{1, 2}}})
		c.CreateCollection("taken", nil)
		get := func(name string) chunk.Collection {
			t.Helper()
			col, err := d.Collection(t.Context(), name)
			if err != nil || col.ServerID != id && name != "taken" {
				t.Fatalf("%+v, %v", col, err)
			}
			return col
		}
		start := get("before")
		change := func(newName string, want chunk.CollectionDescription) {
			t.Helper()
			col := get("before")
			if ok, reason := Modifiable(col.Description, want); !ok {
				t.Fatal(reason)
			}
			if err := d.ModifyCollection(t.Context(), col, newName, want); err != nil {
				t.Fatal(err)
			}
			name := "before"
			if newName != "" {
				name = newName
			}
			sameDescription(t, get(name).Description, want)
		}
		want := start.Description
		want.Metadata = awkward(t)
		change("", want)
		want.Metadata = chunk.Metadata{{Key: "hnsw:space", Value: chunk.Value{Type: chunk.String, Str: "ip"}}}
		change("", want)
		want.Metadata = nil
		change("", want)
		change("", want) // nothing to do
		c.Server.Do(t, "PUT", c.Path(id), map[string]any{"new_configuration": map[string]any{
			"hnsw":               map[string]any{"ef_search": 7, "max_neighbors": 8, "num_threads": 9, "resize_factor": 1.25, "sync_threshold": 11, "batch_size": 10},
			"embedding_function": map[string]any{"type": "known", "name": "default", "config": map[string]any{}},
		}})
		other := get("before").Description
		if ok, reason := Modifiable(other, want); ok || !strings.Contains(reason, "embedding_function") {
			t.Errorf("a function cannot be taken away: %q", reason)
		}
		c.Server.Do(t, "PUT", c.Path(id), map[string]any{"new_configuration": map[string]any{
			"hnsw":               map[string]any{"ef_search": 17, "max_neighbors": 18, "num_threads": 19, "resize_factor": 1.5, "sync_threshold": 111, "batch_size": 110},
			"embedding_function": map[string]any{"type": "known", "name": "another", "config": map[string]any{"x": 1}},
		}})
		change("", other)
		other.Metadata = awkward(t)
		change("after", other)
		for newName, kind := range map[string]error{"taken": ErrExists, "x": ErrInvalid, "../x": ErrInvalid} {
			if err := d.ModifyCollection(t.Context(), get("after"), newName, other); !errors.Is(err, kind) {
				t.Errorf("%q: %v", newName, err)
			}
		}
		cosine := c.CreateCollection("cosine", map[string]any{"configuration": map[string]any{"hnsw": map[string]any{"space": "cosine"}}})
		col, err := d.Collection(t.Context(), "cosine")
		if err != nil {
			t.Fatal(err)
		}
		col.Description.Dimension = 2
		if ok, reason := Modifiable(start.Description, col.Description); ok || !strings.Contains(reason, "space") {
			t.Errorf("%s: %v %q", cosine, ok, reason)
		}
		if err := d.ModifyCollection(t.Context(), get("after"), "", col.Description); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `"after"`) {
			t.Errorf("%v", err)
		}
		if got := c.Dump("after"); len(got) != 1 || got[0].ID != "r" {
			t.Errorf("%v", got)
		}
	})
}

func TestModifiable(t *testing.T) {
	type d = chunk.CollectionDescription
	raw := func(s string) []byte { return []byte(s) }
	for name, test := range map[string]struct {
		have, want d
		reason     string
	}{
		"same":                      {d{}, d{}, ""},
		"metadata":                  {d{Metadata: chunk.Metadata{{Key: "a"}}}, d{}, ""},
		"first records":             {d{}, d{Dimension: 3}, ""},
		"another dimension":         {d{Dimension: 2}, d{Dimension: 3}, "dimension"},
		"no dimension":              {d{Dimension: 2}, d{}, "dimension"},
		"unknown here":              {d{Configuration: raw(`{"hnsw":{"space":"l2"}}`)}, d{}, ""},
		"unknown there":             {d{}, d{Schema: raw(`{}`)}, ""},
		"unknown field":             {d{Configuration: raw(`{"hnsw":{"new":1,"space":"l2"}}`)}, d{Configuration: raw(`{"hnsw":{"old":2,"space":"l2"},"x":{}}`)}, ""},
		"space":                     {d{Configuration: raw(`{"hnsw":{"space":"l2"}}`)}, d{Configuration: raw(`{"hnsw":{"space":"ip"}}`)}, "hnsw.space"},
		"settable":                  {d{Configuration: raw(`{"hnsw":{"ef_search":1}}`)}, d{Configuration: raw(`{"hnsw":{"ef_search":2}}`)}, ""},
		"index of another kind":     {d{Configuration: raw(`{"hnsw":{"ef_search":1},"spann":null}`)}, d{Configuration: raw(`{"hnsw":null,"spann":{"ef_search":2}}`)}, "hnsw"},
		"function":                  {d{Configuration: raw(`{"embedding_function":null}`)}, d{Configuration: raw(`{"embedding_function":{"type":"legacy"}}`)}, ""},
		"no function":               {d{Configuration: raw(`{"embedding_function":{"type":"legacy"}}`)}, d{Configuration: raw(`{"embedding_function":null}`)}, "embedding_function"},
		"threads, in schema only":   {d{Schema: raw(`{"keys":{"#embedding":{"float_list":{"vector_index":{"config":{"hnsw":{"num_threads":1}}}}}}}`)}, d{Schema: raw(`{"keys":{"#embedding":{"float_list":{"vector_index":{"config":{"hnsw":{"num_threads":2}}}}}}}`)}, ""},
		"construction in schema":    {d{Schema: raw(`{"defaults":{"float_list":{"vector_index":{"config":{"hnsw":{"ef_construction":1}}}}}}`)}, d{Schema: raw(`{"defaults":{"float_list":{"vector_index":{"config":{"hnsw":{"ef_construction":2}}}}}}`)}, "ef_construction"},
		"function in schema":        {d{Schema: raw(`{"defaults":{"float_list":{"vector_index":{"config":{"embedding_function":{"type":"legacy"}}}}}}`)}, d{Schema: raw(`{"defaults":{"float_list":{"vector_index":{"config":{"embedding_function":{"type":"known","name":"x"}}}}}}`)}, ""},
		"index of a key":            {d{Schema: raw(`{"keys":{"k":{"int":{"enabled":false}}}}`)}, d{Schema: raw(`{"keys":{"k":{"int":{"enabled":true}}}}`)}, "keys.k.int.enabled"},
		"key with an index of own":  {d{Schema: raw(`{"keys":{}}`)}, d{Schema: raw(`{"keys":{"k":{"int":{"enabled":true}}}}`)}, "keys.k"},
		"key with an index to lose": {d{Schema: raw(`{"keys":{"k":{"int":{"enabled":true}}}}`)}, d{Schema: raw(`{"keys":{}}`)}, "keys.k"},
		"garbage":                   {d{Schema: raw(`{`)}, d{Schema: raw(`{}`)}, "text"},
	} {
		ok, reason := Modifiable(test.have, test.want)
		if ok != (test.reason == "") || !strings.Contains(reason, test.reason) || ok != (reason == "") {
			t.Errorf("%s: %v %q, want %q", name, ok, reason, test.reason)
		}
	}
}

func TestDeleteCollection(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		c.CreateCollection("some", nil)
		for _, name := range []string{"", "x", "..", "a/../b", "../../databases", "a%2f..", "some/", "some?x", strings.Repeat("x", 513)} {
			if err := d.DeleteCollection(t.Context(), name); !errors.Is(err, ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if err := d.DeleteCollection(t.Context(), "other"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "other") {
			t.Errorf("%v", err)
		}
		if err := d.DeleteCollection(t.Context(), "some"); err != nil {
			t.Error(err)
		}
		if list, err := d.Collections(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
}

// TestCollectionsOfALimitedListing: a server that lists only some at a time,
// and one that never lists all it counts.
func TestCollectionsOfALimitedListing(t *testing.T) {
	total, listed := 25, 25
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "collections_count") {
			fmt.Fprint(w, total)
			return
		}
		var offset int
		_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &offset)
		var page []string
		for i := offset; i < min(offset+10, listed); i++ {
			page = append(page, fmt.Sprintf(`{"id":"id%d","name":"name%d"}`, i, i))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(page, ","))
	}))
	d := client(t, s.URL, Options{})
	list, err := d.Collections(t.Context())
	if err != nil || len(list) != 25 || list[24].Name != "name24" {
		t.Errorf("%d, %v", len(list), err)
	}
	total = 26
	if _, err := d.Collections(t.Context()); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), "26") {
		t.Errorf("%v", err)
	}
	total, listed = 3, 2
	if _, err := d.Collections(t.Context()); !errors.Is(err, ErrAnswer) {
		t.Errorf("%v", err)
	}
}

// TestCollectionName: names are what Chroma's own form allows.
func TestCollectionName(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,510}[A-Za-z0-9]$`)
	for _, name := range []string{
		"", "a", "ab", "abc", "a-c", "a_c", "a.c", "-bc", "ab-", ".bc", "ab.", "_ab", "ab_", "...", "A9z", "a b", "a/c", "aéc", "a\x00c", "abc\n",
		strings.Repeat("a", 511), strings.Repeat("a", 512), strings.Repeat("a", 513),
	} {
		if got, want := collectionName(name), form.MatchString(name); got != want {
			t.Errorf("%.20q is a name: %v, want %v", name, got, want)
		}
	}
}
