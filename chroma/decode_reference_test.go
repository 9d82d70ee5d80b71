package chroma

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"autochrome/chunk"
)

// referenceDecode is a slow decoder made of encoding/json, strconv and
// chunk.Record only: what Decode is held against.
func referenceDecode(body []byte, dim int) (*chunk.Records, error) {
	if err := strictJSON(body); err != nil {
		return nil, err
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, errors.New("null")
	}
	var ids, documents, uris []*string
	var embeddings []*[]json.RawMessage
	var metadatas []map[string]json.RawMessage
	columns := map[string]any{"ids": &ids, "documents": &documents, "uris": &uris, "embeddings": &embeddings, "metadatas": &metadatas}
	there := map[string]bool{}
	for name, into := range columns {
		if text := answer[name]; text != nil && string(text) != "null" {
			there[name] = true
			if err := json.Unmarshal(text, into); err != nil {
				return nil, err
			}
		}
	}
	if !there["ids"] || !there["embeddings"] && len(ids) > 0 {
		return nil, errors.New("missing column")
	}
	for name, n := range map[string]int{"documents": len(documents), "uris": len(uris), "embeddings": len(embeddings), "metadatas": len(metadatas)} {
		if there[name] && n != len(ids) {
			return nil, errors.New("lengths")
		}
	}
	records := chunk.NewRecords(dim)
	for i, id := range ids {
		if id == nil || *id == "" {
			return nil, errors.New("no id")
		}
		r := chunk.Record{ID: *id}
		if there["documents"] {
			r.Document = documents[i]
		}
		if there["uris"] {
			r.URI = uris[i]
		}
		if there["embeddings"] && embeddings[i] != nil && len(*embeddings[i]) > 0 {
			if len(*embeddings[i]) != dim {
				return nil, errors.New("dimension")
			}
			r.Embedding = make([]float32, dim)
			for k, text := range *embeddings[i] {
				if string(text) == "null" {
					if r.Null == nil {
						r.Null = make([]bool, dim)
					}
					r.Null[k] = true
					continue
				}
				v, err := strconv.ParseFloat(string(text), 32)
				if err != nil {
					return nil, err
				}
				r.Embedding[k] = float32(v)
			}
		}
		if there["metadatas"] {
			var fields []chunk.Field
			for k, text := range metadatas[i] {
				if string(text) == "null" {
					continue
				}
				v, err := referenceValue(text)
				if err != nil {
					return nil, err
				}
				fields = append(fields, chunk.Field{Key: k, Value: v})
			}
			var err error
			if r.Metadata, err = chunk.NewMetadata(fields); err != nil {
				return nil, err
			}
		}
		records.Append(r)
	}
	return records, nil
}

func referenceValue(text json.RawMessage) (v chunk.Value, err error) {
	switch c := text[0]; {
	case c == '"':
		v.Type = chunk.String
		return v, json.Unmarshal(text, &v.Str)
	case c == 't' || c == 'f':
		v.Type = chunk.Bool
		return v, json.Unmarshal(text, &v.Bool)
	case c == '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); err != nil {
			return v, err
		}
		v.Type = chunk.Array
		for _, e := range elements {
			if strings.ContainsRune("[{n", rune(e[0])) {
				return referenceJSON(text)
			}
			element, err := referenceValue(e)
			if err != nil {
				return v, err
			}
			v.Array = append(v.Array, element)
		}
		return v, nil
	case c == '{':
		return referenceJSON(text)
	case !strings.ContainsAny(string(text), ".eE"):
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return chunk.Value{Type: chunk.Int, Int: n}, nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if math.IsInf(f, 0) {
		return v, errors.New("range")
	}
	return chunk.Value{Type: chunk.Float, Float: f}, err
}

func referenceJSON(text []byte) (chunk.Value, error) {
	canonical, err := chunk.CanonicalJSON(text)
	return chunk.Value{Type: chunk.JSON, Str: string(canonical)}, err
}

// strictJSON refuses what encoding/json silently changes: keys that stand twice,
// invalid UTF-8, half surrogate pairs; and what is nested too deep for us.
func strictJSON(body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("UTF-8")
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++
		unit := func(at int) rune {
			if at+6 > len(body) || body[at] != '\\' || body[at+1] != 'u' {
				return -1
			}
			v, err := strconv.ParseUint(string(body[at+2:at+6]), 16, 16)
			if err != nil {
				return -1
			}
			return rune(v)
		}
		if first := unit(i - 1); utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, unit(i+5)) == utf8.RuneError {
				return errors.New("half a surrogate pair")
			}
			i += 10
		}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := distinctKeys(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more")
	}
	return nil
}

func distinctKeys(d *json.Decoder, depth int) error {
	if depth > maxDepth-10 {
		return errDeep
	}
	token, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			if seen[key.(string)] {
				return fmt.Errorf("%q twice", key)
			}
			seen[key.(string)] = true
		}
		if err := distinctKeys(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

var errDeep = errors.New("nested deep: each decoder has its own limit")
