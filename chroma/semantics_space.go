package chroma

import (
	"encoding/json"

	"autochrome/chunk"
)

// Spaces in which a collection compares embeddings.
const (
	SpaceL2     = "l2"
	SpaceIP     = "ip"
	SpaceCosine = "cosine"
)

// Space says how a collection compares embeddings, which decides what it does
// to them: in cosine space they are normalised (see solve_cosine.go), in all
// others kept bit for bit. The configuration goes before the schema and that
// before the legacy metadata hnsw:space, as in Chroma; the default is l2.
func Space(d chunk.CollectionDescription) string {
	type index struct{ Space string }
	var configuration struct{ HNSW, Spann *index }
	_ = json.Unmarshal(d.Configuration, &configuration) // what is unreadable says nothing
	for _, i := range []*index{configuration.HNSW, configuration.Spann} {
		if i != nil && i.Space != "" {
			return i.Space
		}
	}
	type values struct {
		Floats struct {
			Index struct{ Config index } `json:"vector_index"`
		} `json:"float_list"`
	}
	var schema struct {
		Keys     map[string]values
		Defaults values
	}
	_ = json.Unmarshal(d.Schema, &schema)
	for _, v := range []values{schema.Keys["#embedding"], schema.Defaults} {
		if s := v.Floats.Index.Config.Space; s != "" {
			return s
		}
	}
	if v, ok := d.Metadata.Get("hnsw:space"); ok && v.Type == chunk.String && v.Str != "" {
		return v.Str
	}
	return SpaceL2
}
