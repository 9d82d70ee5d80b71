package restore_test

import (
	"encoding/json"
	"maps"
	"slices"

	"autochrome/chunk"
	"autochrome/internal/chromatest"
	"autochrome/repo"
)

// model is what a database holds, by name, as plain values: what Chroma does
// with each kind of write, and what a rollback shall do, in a few lines each.
type model map[string]*modelled

// modelled is a collection. Its server id survives a rename.
type modelled struct {
	id       string
	space    string
	metadata map[string]any
	filled   bool // has a dimension, as the server tells: what fixes it differs
	records  map[string]chromatest.RawRecord
}

func (m model) clone() model {
	out := model{}
	for name, c := range m {
		out[name] = c.clone()
	}
	return out
}

func (c *modelled) clone() *modelled {
	d := *c
	d.metadata, d.records = maps.Clone(c.metadata), maps.Clone(c.records) // records are never changed in place
	return &d
}

// text is a collection's content such that equal text means equal content.
func (c *modelled) text() map[string]string {
	metadata, _ := json.Marshal(c.metadata)
	out := map[string]string{"\x00metadata": string(metadata), "\x00space": c.space}
	for id, r := range c.records {
		out[id] = rawText(r)
	}
	return out
}

// written is one record of a write: nil says nothing of that column.
type written struct {
	id        string
	embedding []*float32
	document  *string
	uri       *string
	metadata  map[string]any // a nil value removes the key
}

// add ignores ids that are there.
func (c *modelled) add(ws []written) {
	for _, w := range ws {
		if _, there := c.records[w.id]; !there {
			c.put(chromatest.RawRecord{ID: w.id}, w)
		}
	}
}

func (c *modelled) upsert(ws []written) {
	for _, w := range ws {
		r := c.records[w.id]
		r.ID = w.id
		c.put(r, w)
	}
}

// update ignores ids that are missing.
func (c *modelled) update(ws []written) {
	for _, w := range ws {
		if r, there := c.records[w.id]; there {
			c.put(r, w)
		}
	}
}

func (c *modelled) put(r chromatest.RawRecord, w written) {
	if w.embedding != nil {
		r.Embedding = w.embedding
	}
	if w.document != nil {
		r.Document = w.document
	}
	if w.uri != nil {
		r.URI = w.uri
	}
	r.Metadata = maps.Clone(r.Metadata)
	for k, v := range w.metadata {
		if r.Metadata == nil {
			r.Metadata = map[string]any{}
		}
		if r.Metadata[k] = v; v == nil {
			delete(r.Metadata, k)
		}
	}
	if len(r.Metadata) == 0 {
		r.Metadata = nil
	}
	c.records[w.id] = r
}

// pairs says which collection of m each of to's is: the one with its server id,
// else the one with its name. "": none.
func (m model) pairs(to model) map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	pair := func(same func(name string, live string) bool) {
		for _, name := range slices.Sorted(maps.Keys(to)) {
			for live := range m {
				if out[name] == "" && !taken[live] && same(name, live) {
					out[name], taken[live] = live, true
				}
			}
		}
	}
	pair(func(name, live string) bool { return to[name].id == m[live].id })
	pair(func(name, live string) bool { return name == live })
	return out
}

// rollback is what m shall be after a rollback to a snapshot that held to, of
// the collections of these names, that drops what is extra. Ids that the server
// is to choose are empty.
func (m model) rollback(s repo.Snapshot, to model, names []string) model {
	to = to.clone()
	maps.DeleteFunc(to, func(name string, _ *modelled) bool { return names != nil && !slices.Contains(names, name) })
	pairs := m.pairs(to)
	out := model{}
	for live, c := range m {
		inScope := names == nil && (s.Scope.Collections == nil || slices.Contains(s.Scope.Collections, live))
		wanted := slices.Contains(slices.Collect(maps.Values(pairs)), live)
		if to[live] == nil && !inScope && !wanted {
			out[live] = c.clone()
		}
	}
	for name, c := range to {
		live := m[pairs[name]]
		if c.id = ""; live != nil && live.space == c.space && (c.filled || !live.filled) {
			c.id, c.filled = live.id, c.filled || live.filled
		}
		out[name] = c
	}
	return out
}

// part is what m shall be after a rollback of some records (nil: all) and some
// columns (none: whole records) to what to held. clash says that a collection
// is to be made whose name another one has by now, or that vectors would go to
// a collection of cosine space, which may not hold those of another.
func (m model) part(to model, ids []string, only []chunk.Kind) (out model, clash bool) {
	out = m.clone()
	pairs := m.pairs(to)
	for name, c := range to {
		live := out[pairs[name]]
		if live != nil && live.space == "cosine" && c.space != "cosine" {
			return nil, true
		}
		has := func(id string) bool { _, ok := c.records[id]; return ok }
		switch {
		case live != nil:
		case len(only) > 0 || !slices.ContainsFunc(ids, has):
			continue
		case m[name] != nil:
			return nil, true
		default:
			live = c.clone()
			live.id, live.records = "", map[string]chromatest.RawRecord{}
			out[name] = live
		}
		for _, id := range slices.Concat(slices.Collect(maps.Keys(c.records)), slices.Collect(maps.Keys(live.records))) {
			if ids != nil && !slices.Contains(ids, id) {
				continue
			}
			want, wanted := c.records[id]
			have, there := live.records[id]
			switch {
			case len(only) == 0 && wanted:
				live.records[id] = want
			case len(only) == 0:
				delete(live.records, id)
			case wanted && there:
				live.records[id] = columnsOf(have, want, only)
			}
		}
	}
	return out, false
}

// columnsOf is have with some columns of want.
func columnsOf(have, want chromatest.RawRecord, only []chunk.Kind) chromatest.RawRecord {
	for _, k := range only {
		switch k {
		case chunk.Embeddings:
			have.Embedding = want.Embedding
		case chunk.Documents:
			have.Document = want.Document
		case chunk.Metadatas:
			have.Metadata = want.Metadata
		case chunk.URIs:
			have.URI = want.URI
		}
	}
	return have
}
