package chroma

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"autochrome/chunk"
)

// verb is one of Chroma's writing requests.
type verb string

// Additions are sent as add, not as upsert: an add leaves alone what somebody
// else wrote under that id meanwhile, where an upsert would mix the two; and
// both may be sent twice. Updates are sent as update, which cannot make half a
// record of one that has gone.
const (
	verbDelete verb = "delete"
	verbUpdate verb = "update"
	verbAdd    verb = "add"
)

// writePath is below the database.
func writePath(serverID string, v verb) string {
	return "collections/" + serverID + "/" + string(v)
}

// encoder writes the bodies of requests. It serves one goroutine.
type encoder struct {
	base64  bool // embeddings as base64 of little-endian float32; else as decimals
	cosine  bool
	merge   bool // the body at hand is an update's
	solver  cosineSolver
	raw     []byte
	held    []float32
	inexact []chunk.Inexact // found while encoding; a step's are noted once
}

// body appends the body of one request. A column that no record has is not
// sent, and null for one record means what it has already.
func (e *encoder) body(dst []byte, v verb, steps []*step) []byte {
	e.merge = v == verbUpdate
	dst = append(dst, `{"ids":[`...)
	for i, s := range steps {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = chunk.AppendJSONString(dst, s.id)
	}
	dst = append(dst, ']')
	if v != verbDelete {
		dst = column(dst, "embeddings", steps, func(s *step) bool { return s.embedding != nil }, e.embedding)
		dst = column(dst, "documents", steps, func(s *step) bool { return s.document != nil },
			func(dst []byte, s *step) []byte { return chunk.AppendJSONString(dst, *s.document) })
		dst = column(dst, "uris", steps, func(s *step) bool { return s.uri != nil },
			func(dst []byte, s *step) []byte { return chunk.AppendJSONString(dst, *s.uri) })
		dst = column(dst, "metadatas", steps, func(s *step) bool { return len(s.set)+len(s.clear) > 0 }, e.metadata)
		for _, s := range steps {
			s.noted = true // should it be sent again
		}
	}
	return append(dst, '}')
}

func column(dst []byte, name string, steps []*step, has func(*step) bool, value func([]byte, *step) []byte) []byte {
	start := len(dst)
	dst = append(append(append(dst, `,"`...), name...), `":[`...)
	any := false
	for i, s := range steps {
		if i > 0 {
			dst = append(dst, ',')
		}
		if has(s) {
			dst = value(dst, s)
			any = true
		} else {
			dst = append(dst, "null"...)
		}
	}
	if !any {
		return dst[:start]
	}
	return append(dst, ']')
}

// embedding appends what makes the server hold s.embedding. l2 and ip
// collections keep the bits they are sent, -0 and denormals included.
func (e *encoder) embedding(dst []byte, s *step) []byte {
	send := s.embedding
	if e.cosine {
		var exact bool
		if send, exact = e.solver.solve(send); !exact && !s.noted {
			e.noteEmbedding(s, send)
		}
	}
	if !e.base64 {
		dst = append(dst, '[')
		for i, x := range send {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendFloat(dst, float64(x), 'e', -1, 32)
		}
		return append(dst, ']')
	}
	e.raw = e.raw[:0]
	for _, x := range send {
		e.raw = binary.LittleEndian.AppendUint32(e.raw, math.Float32bits(x))
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, e.raw)
	return append(dst, '"')
}

// holds gives what the server will answer for an embedding, valid until the
// next call.
func (e *encoder) holds(embedding []float32) []float32 {
	if !e.cosine {
		return embedding
	}
	send, _ := e.solver.solve(embedding)
	return e.answered(send)
}

func (e *encoder) answered(send []float32) []float32 {
	if cap(e.held) < len(send) {
		e.held = make([]float32, len(send))
	}
	e.held = e.held[:len(send)]
	cosineRoundTrip(e.held, send)
	return e.held
}

func (e *encoder) noteEmbedding(s *step, send []float32) {
	held := e.answered(send)
	worst, at := ulpsApart(s.embedding, held)
	if at < 0 {
		return
	}
	n := 0
	for i, x := range s.embedding {
		if !sameBits(x, held[i]) {
			n++
		}
	}
	format := func(x float32) string {
		return fmt.Sprintf("[%d] = %s", at, strconv.FormatFloat(float64(x), 'g', -1, 32))
	}
	e.inexact = append(e.inexact, chunk.Inexact{
		ID: s.id, Where: "embedding", Want: format(s.embedding[at]), Stored: format(held[at]),
		Distance: fmt.Sprintf("%d ulp there, the most of %d components that differ (cosine space)", worst, n),
	})
}

// metadata appends the object to merge: the keys to set, and the keys to
// remove as null. In an addition there is nothing to remove.
func (e *encoder) metadata(dst []byte, s *step) []byte {
	note := func(i chunk.Inexact) {
		if !s.noted {
			i.ID = s.id
			e.inexact = append(e.inexact, i)
		}
	}
	return appendMetadataJSON(dst, s.set, s.clear, e.merge, recordParses, note)
}

func sameBits(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
