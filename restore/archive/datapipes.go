package archive

import (
	"encoding/json"
	"errors"
	"fmt"

	"autochrome/chunk"
)

// dataPipes gathers fields of a line that are none of ours. Chromadb-data-pipes
// calls a document text_chunk, and writes either a record with its metadata as an
// object, or all keys of the metadata beside id, embedding and text_chunk. It does
// not write uris.
type dataPipes struct {
	is       bool // there is a text_chunk
	document *string
	fields   []chunk.Field
}

const textChunk = "text_chunk"

func (d *dataPipes) field(name string, value json.RawMessage) error {
	if name == textChunk {
		d.is = true
		return json.Unmarshal(value, &d.document)
	}
	object := append(append(chunk.AppendJSONString([]byte("{"), name), ':'), value...)
	m, err := chunk.DecodeMetadataJSON(append(object, '}'))
	switch {
	case err != nil:
		return err
	case len(m) == 0 || m[0].Value.Type == chunk.JSON:
		return errors.New("its value is none that metadata has")
	}
	d.fields = append(d.fields, m...)
	return nil
}

// finish makes a record of chromadb-data-pipes' whole. One without text_chunk is
// ours, and has no other fields.
func (d *dataPipes) finish(r *chunk.Record) (err error) {
	if !d.is {
		if len(d.fields) > 0 {
			return fmt.Errorf("record %q: the field %q is not known", r.ID, d.fields[0].Key)
		}
		return nil
	}
	for key, text := range map[string]*string{"document": r.Document, "uri": r.URI} {
		if text != nil {
			d.fields = append(d.fields, chunk.Field{Key: key, Value: chunk.Value{Type: chunk.String, Str: *text}})
		}
	}
	r.Document, r.URI = d.document, nil
	if len(d.fields) == 0 {
		return nil
	}
	if len(r.Metadata) > 0 {
		return fmt.Errorf("record %q has metadata, and the field %q beside it", r.ID, d.fields[0].Key)
	}
	if r.Metadata, err = chunk.NewMetadata(d.fields); err != nil {
		return fmt.Errorf("record %q: %w", r.ID, err)
	}
	return nil
}
