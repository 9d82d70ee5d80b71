package chroma

import (
	"testing"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
)

func TestReadColumns(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		db, err := Open(t.Context(), Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
		if err != nil {
			t.Fatal(err)
		}
		id := c.CreateCollection("columns", nil)
		c.Add(id, map[string]any{
			"ids": []string{"a", "b"}, "embeddings": [][]float32{{1, 2}, {3, 4}}, "documents": []any{"text", nil},
			"metadatas": []any{map[string]any{"k": 1}, nil}, "uris": []any{nil, "u"},
		})
		ids := [][]byte{[]byte("b"), []byte("a"), []byte("missing")}
		all := chunk.NewRecords(2)
		if err := db.Read(t.Context(), id, ids, all); err != nil || all.Len() != 2 {
			t.Fatal(err)
		}
		for _, kinds := range [][]chunk.Kind{nil, {chunk.Metadatas}, {chunk.IDs, chunk.Documents, chunk.URIs}, {chunk.Embeddings}, chunk.Columns[:]} {
			got := chunk.NewRecords(2)
			if err := db.ReadColumns(t.Context(), id, ids, kinds, got); err != nil {
				t.Fatalf("%v: %v", kinds, err)
			}
			if got.Len() != 2 {
				t.Fatalf("%v: %d records", kinds, got.Len())
			}
			wanted := map[chunk.Kind]bool{chunk.IDs: true}
			for _, k := range kinds {
				wanted[k] = true
			}
			for _, k := range chunk.Columns {
				for i := range 2 {
					if wanted[k] && !got.Column(k).Equal(i, all.Column(k), i) {
						t.Errorf("%v: %v differ", kinds, k)
					}
				}
				if !wanted[k] && !got.Column(k).AllAbsent() {
					t.Errorf("%v: %v are there", kinds, k)
				}
			}
		}
	})
}
