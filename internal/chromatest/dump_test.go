package chromatest

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
)

func TestDump(t *testing.T) {
	EachShared(t, func(t *testing.T, c *Client) {
		id := c.CreateCollection("some", map[string]any{"metadata": map[string]any{"about": "dump"}})
		c.Add(id, map[string]any{
			"ids":        []string{"full", "bare", "empty"},
			"embeddings": [][]float32{{0.1, -3e-45}, {math.MaxFloat32, 0}, {1, 2}},
			"documents":  []any{"a\u0000b é", nil, ""},
			"uris":       []any{"file:///x", nil, ""},
			"metadatas": []any{
				map[string]any{"int": int64(math.MaxInt64), "float": 1.5, "whole": json.Number("2.0"), "text": "t", "flag": true},
				nil,
				map[string]any{"k": ""},
			},
		})
		c.Upsert(id, map[string]any{"ids": []string{"late"}, "embeddings": [][]float32{{5, 6}}})
		c.Update(id, map[string]any{"ids": []string{"bare"}, "metadatas": []any{map[string]any{"n": 1}}})
		c.Add(id, map[string]any{"ids": []string{"gone"}, "embeddings": [][]float32{{7, 8}}})
		c.Delete(id, map[string]any{"ids": []string{"gone"}})

		want := []RawRecord{
			{
				ID: "full", Embedding: vector(0.1, -3e-45), Document: pointer("a\u0000b é"), URI: pointer("file:///x"),
				Metadata: map[string]any{
					"int": json.Number("9223372036854775807"), "float": json.Number("1.5"),
					"whole": json.Number("2.0"), "text": "t", "flag": true,
				},
			},
			{ID: "bare", Embedding: vector(math.MaxFloat32, 0), Metadata: map[string]any{"n": json.Number("1")}},
			{ID: "empty", Embedding: vector(1, 2), Document: pointer(""), URI: pointer(""), Metadata: map[string]any{"k": ""}},
			{ID: "late", Embedding: vector(5, 6)},
		}
		got := c.Dump("some")
		if len(got) != len(want) {
			t.Fatalf("%d records, want %d: %+v", len(got), len(want), got)
		}
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("record %d:\n got %s\nwant %s", i, show(got[i]), show(want[i]))
			}
		}
		answer := c.Get(id, map[string]any{"ids": []string{"full"}, "include": []string{"metadatas"}})
		first := answer["metadatas"].([]any)[0].(map[string]any)
		if first["int"] != json.Number("9223372036854775807") {
			t.Errorf("Get answered %v", answer)
		}
	})
}

func TestDumpBeyondOnePage(t *testing.T) {
	EachShared(t, func(t *testing.T, c *Client) {
		id := c.CreateCollection("many", nil)
		const n = 2*dumpPage + 1
		ids, embeddings := make([]string, n), make([][]float32, n)
		for i := range n {
			ids[i], embeddings[i] = fmt.Sprint("id", n-i), []float32{float32(i)}
		}
		c.Add(id, map[string]any{"ids": ids, "embeddings": embeddings})
		got := c.Dump("many")
		if len(got) != n {
			t.Fatalf("%d records, want %d", len(got), n)
		}
		for i, record := range got {
			if record.ID != ids[i] || *record.Embedding[0] != float32(i) {
				t.Fatalf("record %d is %s, want %s with %d", i, show(record), ids[i], i)
			}
		}
	})
}

// The oldest server takes what is no number and then answers null.
func TestDumpTellsNullComponents(t *testing.T) {
	c := NewClient(t, Shared(t, Oldest))
	id := c.CreateCollection("damaged", nil)
	c.Add(id, map[string]any{
		"ids": []string{"a"},
		// 1, NaN and 2 as little-endian float32 in base64
		"embeddings": []string{"AACAPwAAwH8AAABA"},
	})
	got := c.Dump("damaged")
	if len(got) != 1 || len(got[0].Embedding) != 3 || got[0].Embedding[1] != nil || *got[0].Embedding[2] != 2 {
		t.Errorf("got %s", show(got...))
	}
}

func vector(components ...float32) []*float32 {
	pointers := make([]*float32, len(components))
	for i := range components {
		pointers[i] = &components[i]
	}
	return pointers
}

func pointer(s string) *string { return &s }

func show(records ...RawRecord) string {
	text, err := json.Marshal(records)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
