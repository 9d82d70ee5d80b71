package chroma

import (
	"strings"

	"autochrome/chunk"
)

// How Chroma takes a write, measured on servers 1.0.0 and 1.4.4:
//
//   - add of an id that exists is ignored, update of one that does not is
//     ignored, delete of one that does not is ignored;
//   - update and upsert merge metadata: a key that is not sent stays, null
//     removes it, {} and null for all of it change nothing; a key may change
//     its type, to and from an array too;
//   - an embedding, document or uri that is not sent, or null, stays; an empty
//     document is a document, so nothing but delete and add makes it null;
//   - a record whose embedding the server has lost takes an update and still has
//     none;
//   - an empty array is no value: it removes the key;
//   - add keeps nothing of what was deleted, and puts the record at the end;
//   - a metadata key "chroma:document" or "chroma:uri" that is null, or a
//     number, kills the server's compactor: every write to every collection
//     fails from then on, also after a restart. Other keys that begin with
//     "chroma:" are dropped in silence.
//
// stepsFor is the one place that knows this.

// reservedKey begins the metadata keys that are never sent.
const reservedKey = "chroma:"

// steps are what makes one change: remove, then update, then add. An update and
// an addition are never both there.
type steps struct {
	remove *step
	update *step
	add    *step
	left   []chunk.Inexact // what no write can bring about
}

// step is what is sent for one record. What is nil is not sent and, in an
// update, stays as it is.
type step struct {
	id            string
	embedding     []float32
	document, uri *string
	set           chunk.Metadata
	clear         []string // keys sent as null
	change        *chunk.Change
	noted         bool // what is inexact about it has been told
}

// stepsFor says what to send to make one change. A record whose embedding is
// damaged is not added, since no server takes one without; where it exists,
// everything else is brought about and the embedding stays.
func stepsFor(c *chunk.Change) (s steps) {
	have, want := c.Have, c.Want
	switch {
	case want == nil:
		if have != nil {
			s.remove = &step{id: have.ID, change: c}
		}
	case have == nil && damaged(want):
		s.left = leftEmbedding(want, "nothing: the record is left out")
	case have == nil:
		s.add = addition(c, want.Embedding)
	default:
		s.meet(c)
	}
	return s
}

// meet is stepsFor where the record exists and stays.
func (s *steps) meet(c *chunk.Change) {
	have, want := c.Have, c.Want
	embedding := want.Embedding
	newEmbedding := !sameEmbedding(have, want)
	if newEmbedding && damaged(want) {
		s.left = leftEmbedding(want, "the embedding that is there")
		newEmbedding = false
		embedding = have.Embedding
	}
	stuck := stuckFields(have, want)
	if have.Embedding == nil && newEmbedding { // what no update brings back
		stuck = append(stuck, "embedding")
	}
	if len(stuck) > 0 {
		if embedding != nil && (newEmbedding || !damaged(have)) {
			s.remove = &step{id: have.ID, change: c}
			s.add = addition(c, embedding)
			return
		}
		for _, field := range stuck {
			s.left = append(s.left, chunk.Inexact{ID: want.ID, Where: field, Want: "nothing", Stored: "what is there",
				Distance: "it goes away with the record only, and that cannot be added again without an embedding"})
		}
	}
	u := &step{id: want.ID, change: c}
	if newEmbedding {
		u.embedding = want.Embedding
	}
	if changedText(have.Document, want.Document) {
		u.document = want.Document
	}
	if changedText(have.URI, want.URI) {
		u.uri = want.URI
	}
	u.set, u.clear = metadataSteps(have.Metadata, want.Metadata)
	if u.embedding != nil || u.document != nil || u.uri != nil || len(u.set) > 0 || len(u.clear) > 0 {
		s.update = u
	}
}

func addition(c *chunk.Change, embedding []float32) *step {
	w := c.Want
	return &step{id: w.ID, embedding: embedding, document: w.Document, uri: w.URI, set: w.Metadata, change: c}
}

// stuckFields names what have has, want has not, and no update can clear.
func stuckFields(have, want *chunk.Record) (fields []string) {
	if have.Document != nil && want.Document == nil {
		fields = append(fields, "document")
	}
	if have.URI != nil && want.URI == nil {
		fields = append(fields, "uri")
	}
	for _, f := range have.Metadata {
		if _, kept := want.Metadata.Get(f.Key); !kept && strings.HasPrefix(f.Key, reservedKey) {
			fields = append(fields, f.Key)
		}
	}
	return fields
}

// metadataSteps compares two metadata, both sorted.
func metadataSteps(have, want chunk.Metadata) (set chunk.Metadata, clear []string) {
	for len(have) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(have) > 0 && have[0].Key < want[0].Key:
			if !strings.HasPrefix(have[0].Key, reservedKey) {
				clear = append(clear, have[0].Key)
			}
			have = have[1:]
		case len(have) == 0 || want[0].Key < have[0].Key:
			set = append(set, want[0])
			want = want[1:]
		default:
			if !have[0].Value.Equal(want[0].Value) {
				set = append(set, want[0])
			}
			have, want = have[1:], want[1:]
		}
	}
	return set, clear
}

// changedText reports whether want is to be sent; that it is to be cleared is
// for stuckFields to say.
func changedText(have, want *string) bool {
	return want != nil && (have == nil || *have != *want)
}

func sameEmbedding(a, b *chunk.Record) bool {
	if (a.Embedding == nil) != (b.Embedding == nil) || len(a.Embedding) != len(b.Embedding) {
		return false
	}
	for i := range a.Embedding {
		holeA, holeB := a.Null != nil && a.Null[i], b.Null != nil && b.Null[i]
		if holeA != holeB || !holeA && !sameBits(a.Embedding[i], b.Embedding[i]) {
			return false
		}
	}
	return true
}

// damaged reports whether a record lacks what every Chroma record has.
func damaged(r *chunk.Record) bool {
	for _, hole := range r.Null {
		if hole {
			return true
		}
	}
	return r.Embedding == nil
}

func leftEmbedding(want *chunk.Record, stored string) []chunk.Inexact {
	what := "none: the record is damaged"
	if want.Embedding != nil {
		what = "one with null components: the record is damaged"
	}
	return []chunk.Inexact{{ID: want.ID, Where: "embedding", Want: what, Stored: stored}}
}
