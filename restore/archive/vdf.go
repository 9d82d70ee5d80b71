package archive

import (
	"encoding/json"
	"time"
)

// vdfMeta is VDF_META.json, by which vector-io knows a folder.
type vdfMeta struct {
	Version  string                    `json:"version"`
	Files    []string                  `json:"file_structure"`
	Author   string                    `json:"author"`
	From     string                    `json:"exported_from"`
	Indexes  map[string][]vdfNamespace `json:"indexes"`
	Exported string                    `json:"exported_at"`
	IDColumn string                    `json:"id_column,omitempty"`
}

// vdfNamespace is a collection in it.
type vdfNamespace struct {
	Namespace  string   `json:"namespace"`
	Index      string   `json:"index_name"`
	Total      int64    `json:"total_vector_count"`
	Exported   int64    `json:"exported_vector_count"`
	Dimensions int      `json:"dimensions"` // -1: not known
	Model      string   `json:"model_name"`
	Vectors    []string `json:"vector_columns"`
	Path       string   `json:"data_path"`
	Metric     *string  `json:"metric"`
}

const (
	// vdfVersion is the oldest that vector-io may be of.
	vdfVersion = "0.1"
	// vdfChroma is what vector-io calls Chroma.
	vdfChroma = "chroma"
)

// metrics are the words of Chroma and of vector-io.
var metrics = []struct{ space, metric string }{{"l2", "Euclid"}, {"cosine", "Cosine"}, {"ip", "Dot"}}

// vdf gives VDF_META.json of what was written. Its time is the snapshot's.
func (e *export) vdf() vdfMeta {
	v := vdfMeta{
		Version: vdfVersion, Files: []string{vdfName}, Author: "autochrome", From: vdfChroma, Indexes: map[string][]vdfNamespace{},
		Exported: e.m.Timestamp.UTC().Format(time.RFC3339), IDColumn: "id",
	}
	for _, c := range e.m.Collections {
		n := vdfNamespace{Index: c.Name, Total: c.Count, Exported: c.Count, Dimensions: -1, Vectors: []string{"embedding"}, Path: c.Folder, Metric: metricOf(c.Configuration)}
		if c.Dimension != nil {
			n.Dimensions = *c.Dimension
		}
		v.Indexes[c.Name] = []vdfNamespace{n}
		if c.Count > 0 {
			v.Files = append(v.Files, tableName(c.Folder))
		}
	}
	return v
}

// metricOf gives vector-io's word for a collection's space; nil: not known.
func metricOf(configuration json.RawMessage) *string {
	var known struct{ HNSW, SPANN *struct{ Space string } }
	if json.Unmarshal(configuration, &known) != nil {
		return nil
	}
	for _, x := range []*struct{ Space string }{known.HNSW, known.SPANN} {
		for _, m := range metrics {
			if x != nil && x.Space == m.space {
				return &m.metric
			}
		}
	}
	return nil
}
