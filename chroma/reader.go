package chroma

import (
	"bytes"
	"context"
	"errors"
	"unicode/utf8"

	"autochrome/chunk"
)

// MaxPage is the most ids that one request may name: 32,000 pass, 33,000 are
// "too many SQL variables".
const MaxPage = 32000

// PageSize is how many records of a dimension to ask for at once: about 6 MB of
// answer, where reading the whole collection takes the least time, and 1000
// records at 384 dimensions. A component is 12.4 bytes of the answer, the rest
// of a record about 1000.
func PageSize(dim int) int {
	const target, component, rest = 5_765_000, 12.4, 1000
	return max(1, min(5000, int(target/(component*float64(dim)+rest))))
}

// Read gets the records with these ids and appends them to into, in the
// server's order (that of insertion, whatever the order of ids). Ids that are
// not there are left out. A page whose answer would be too large is halved.
// A record of which the server has lost the embedding has none in into.
//
// One answer is not a moment: Chroma may return the metadata of one version of
// a record with the vector of another while it is written to.
func (d *Database) Read(ctx context.Context, serverID string, ids [][]byte, into *chunk.Records) error {
	return d.ReadColumns(ctx, serverID, ids, chunk.Columns[:], into)
}

// Fetch gets the records with these ids as the server's answers, nearly always
// one, for [Database.Decode]. buf is emptied first and keeps its memory, so
// that a caller with two buffers can fetch one page while it decodes another.
// With ErrTooLarge, fewer ids may pass.
func (d *Database) Fetch(ctx context.Context, serverID string, ids [][]byte, buf *bytes.Buffer) error {
	buf.Reset()
	if len(ids) == 0 { // no ids would mean all of them
		buf.WriteString(`{"ids":[],"embeddings":[],"documents":[],"metadatas":[],"uris":[]}`)
		return nil
	}
	return d.get(ctx, serverID, ids, chunk.Columns[:], buf)
}

// Decode appends the records that Fetch has got, as the function [Decode] does
// with one answer.
func (d *Database) Decode(body []byte, into *chunk.Records) error {
	return d.named(decodeAnswers(body, into, false))
}

// named adds the server's URL to an error.
func (d *Database) named(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.URL = d.url
	}
	return err
}

// getBody asks for columns of records.
func getBody(ids [][]byte, kinds []chunk.Kind) []byte {
	n := 128
	for _, id := range ids {
		n += len(id) + 3
	}
	body := append(make([]byte, 0, n), `{"include":[`...)
	for _, k := range kinds {
		if k == chunk.IDs { // they always come
			continue
		}
		if body[len(body)-1] != '[' {
			body = append(body, ',')
		}
		body = append(append(append(body, '"'), members[k.Column()]...), '"')
	}
	body = append(body, `],"ids":[`...)
	for i, id := range ids {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendQuoted(body, id)
	}
	return append(body, "]}"...)
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) []byte {
	if plainASCII(text, 0) != len(text) && (!utf8.Valid(text) || needsEscape(text)) {
		return chunk.AppendJSONString(dst, string(text))
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

func needsEscape(text []byte) bool {
	for _, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			return true
		}
	}
	return false
}
