package chroma

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"autochrome/internal/chromatest"
)

func TestQuery(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		id := c.CreateCollection("line", nil)
		var ids []string
		var vectors [][]float32
		for i := range 120 {
			ids, vectors = append(ids, fmt.Sprint(i)), append(vectors, []float32{float32(i), 1e-7})
		}
		c.Add(id, map[string]any{"ids": ids, "embeddings": vectors})
		got, err := d.Query(t.Context(), id, vectors, 3)
		if err != nil || len(got) != 120 {
			t.Fatalf("%d, %v", len(got), err)
		}
		for i, found := range got {
			if len(found) != 3 || found[0] != ids[i] {
				t.Errorf("%d: %v", i, found)
			}
		}
		if middle := slices.Sorted(slices.Values(got[60])); fmt.Sprint(middle) != "[59 60 61]" {
			t.Errorf("%v", middle)
		}
		if got, err = d.Query(t.Context(), id, nil, 3); len(got) != 0 || err != nil {
			t.Errorf("%v, %v", got, err)
		}
		few := c.CreateCollection("few", nil)
		c.Add(few, map[string]any{"ids": ids[:2], "embeddings": vectors[:2]})
		if got, err = d.Query(t.Context(), few, vectors[:1], 10); err != nil || len(got[0]) != 2 {
			t.Errorf("%v, %v", got, err)
		}
		if _, err = d.Query(t.Context(), id, [][]float32{{1}}, 3); !errors.Is(err, ErrInvalid) {
			t.Errorf("another dimension: %v", err)
		}
		c.DeleteCollection("few")
		if _, err = d.Query(t.Context(), few, vectors[:1], 3); !errors.Is(err, ErrNotFound) {
			t.Errorf("no collection: %v", err)
		}
	})
}
