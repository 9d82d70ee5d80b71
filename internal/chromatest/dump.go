package chromatest

import (
	"encoding/json"
	"slices"
	"strconv"
)

// RawRecord is one record as the server tells it.
type RawRecord struct {
	ID        string
	Embedding []*float32 // nil: the record has none; a nil component: the server said null
	Document  *string
	URI       *string
	Metadata  map[string]any // nil for none, which servers tell as null or as {}; numbers are json.Number
}

// dumpPage keeps a page of wide vectors far below what one answer may hold.
const dumpPage = 1000

// Dump reads a whole collection by its name, in the server's order: all ids
// first and then the records by their ids, since paging by offset misses
// records when others are deleted meanwhile. A record that vanishes between
// the two fails the test.
func (c *Client) Dump(collection string) []RawRecord {
	c.t.Helper()
	var described struct{ ID string }
	c.ask("GET", c.Path(collection), nil, &described)
	var all struct{ IDs []string }
	c.ask("POST", c.Path(described.ID, "get"), map[string]any{"include": []string{}}, &all)

	records := make([]RawRecord, 0, len(all.IDs))
	for ids := range slices.Chunk(all.IDs, dumpPage) {
		byID := c.read(described.ID, ids)
		for _, id := range ids {
			record, found := byID[id]
			if !found {
				c.t.Fatalf("chromatest: dump %s: record %q is listed but cannot be read", collection, id)
			}
			records = append(records, record)
		}
	}
	return records
}

func (c *Client) read(collection string, ids []string) map[string]RawRecord {
	c.t.Helper()
	var page struct {
		IDs        []string
		Embeddings [][]*json.Number
		Documents  []*string
		URIs       []*string
		Metadatas  []map[string]any
	}
	c.ask("POST", c.Path(collection, "get"), map[string]any{
		"ids":     ids,
		"include": []string{"embeddings", "documents", "uris", "metadatas"},
	}, &page)
	n := len(page.IDs)
	if len(page.Embeddings) != n || len(page.Documents) != n || len(page.URIs) != n || len(page.Metadatas) != n {
		c.t.Fatalf("chromatest: get answered %d ids with %d embeddings, %d documents, %d uris, %d metadatas",
			n, len(page.Embeddings), len(page.Documents), len(page.URIs), len(page.Metadatas))
	}

	records := make(map[string]RawRecord, n)
	for i, id := range page.IDs {
		if _, twice := records[id]; twice {
			c.t.Fatalf("chromatest: get answered %q twice", id)
		}
		record := RawRecord{
			ID:        id,
			Embedding: c.floats(page.Embeddings[i]),
			Document:  page.Documents[i],
			URI:       page.URIs[i],
		}
		if len(page.Metadatas[i]) > 0 {
			record.Metadata = page.Metadatas[i]
		}
		records[id] = record
	}
	return records
}

// floats parses the digits straight to 32 bits: by way of 64 they would be
// rounded twice.
func (c *Client) floats(numbers []*json.Number) []*float32 {
	c.t.Helper()
	if numbers == nil {
		return nil
	}
	floats := make([]*float32, len(numbers))
	for i, number := range numbers {
		if number == nil {
			continue
		}
		wide, err := strconv.ParseFloat(number.String(), 32)
		if err != nil {
			c.t.Fatalf("chromatest: component %d: %v", i, err)
		}
		narrow := float32(wide)
		floats[i] = &narrow
	}
	return floats
}
