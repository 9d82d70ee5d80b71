package chunk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// DecodeRecordsJSON reads an array of records as AppendRecordJSON writes them
// and gives each to fn. White space and the order of fields are free; all but
// the id may be missing or null. Unknown fields, ids that are empty, keys that
// stand twice and text that is no Unicode are refused.
func DecodeRecordsJSON(text []byte, fn func(Record) error) error {
	d, err := jsonText(text)
	if err != nil {
		return err
	}
	if err := delim(d, '['); err != nil {
		return err
	}
	for d.More() {
		r, err := recordJSON(d)
		if err == nil {
			err = fn(r)
		}
		if err != nil {
			return err
		}
	}
	if err := delim(d, ']'); err != nil {
		return err
	}
	return endOfJSON(d)
}

// DecodeRecordJSON reads one record, like DecodeRecordsJSON. Fields that it does
// not know it gives to other, which may refuse them; nil refuses all.
func DecodeRecordJSON(text []byte, other func(name string, value json.RawMessage) error) (Record, error) {
	d, err := jsonText(text)
	if err != nil {
		return Record{}, err
	}
	r, err := recordWith(d, other)
	if err == nil {
		err = endOfJSON(d)
	}
	return r, err
}

// DecodeMetadataJSON reads an object of values, or null. A number is an int when
// it is written as one and fits 64 bits. A key whose value is null is left out.
func DecodeMetadataJSON(text []byte) (Metadata, error) {
	d, err := jsonText(text)
	if err != nil {
		return nil, err
	}
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	if err := endOfJSON(d); err != nil {
		return nil, err
	}
	return metadataJSON(value)
}

// jsonText refuses what encoding/json would replace without a word: bytes that
// are no UTF-8, and halves of surrogate pairs.
func jsonText(text []byte) (*json.Decoder, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("json: not UTF-8")
	}
	for rest := text; ; {
		at := bytes.IndexByte(rest, '\\')
		if at < 0 || at+1 >= len(rest) {
			break
		}
		rest = rest[at+1:]
		switch high, first := escape(rest); {
		case !first:
			rest = rest[1:]
		case high>>10 == 0xD800>>10:
			if len(rest) < 6 || rest[5] != '\\' {
				return nil, errors.New("json: half of a surrogate pair")
			}
			if low, second := escape(rest[6:]); !second || low>>10 != 0xDC00>>10 {
				return nil, errors.New("json: half of a surrogate pair")
			}
			rest = rest[11:]
		case high>>10 == 0xDC00>>10:
			return nil, errors.New("json: half of a surrogate pair")
		default:
			rest = rest[5:]
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d, nil
}

// escape reads uXXXX, what stands behind a backslash.
func escape(b []byte) (unit uint64, ok bool) {
	if len(b) < 5 || b[0] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(b[1:5]), 16, 16)
	return unit, err == nil
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && t != want {
		err = fmt.Errorf("%v where %v is expected", t, want)
	}
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return nil
}

func endOfJSON(d *json.Decoder) error {
	if _, err := d.Token(); err != io.EOF {
		return errors.New("json: something stands behind the end")
	}
	return nil
}

func recordJSON(d *json.Decoder) (Record, error) { return recordWith(d, nil) }

func recordWith(d *json.Decoder, other func(string, json.RawMessage) error) (r Record, err error) {
	if err := delim(d, '{'); err != nil {
		return r, err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return r, fmt.Errorf("json: %w", err)
		}
		name := key.(string) // of an object
		if seen[name] {
			return r, fmt.Errorf("%sfield %q stands twice", of(r), name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return r, fmt.Errorf("%sjson: %w", of(r), err)
		}
		switch name {
		case "id":
			err = json.Unmarshal(value, &r.ID)
		case "document":
			err = json.Unmarshal(value, &r.Document)
		case "uri":
			err = json.Unmarshal(value, &r.URI)
		case "embedding":
			r.Embedding, r.Null, err = embeddingJSON(value)
		case "metadata":
			r.Metadata, err = metadataJSON(value)
		default:
			if err = errors.New("it is not known"); other != nil {
				err = other(name, value)
			}
		}
		if err != nil {
			return r, fmt.Errorf("%sfield %q: %w", of(r), name, err)
		}
	}
	if r.ID == "" {
		return r, errors.New("a record without an id")
	}
	return r, delim(d, '}')
}

// of names a record whose id was read already.
func of(r Record) string {
	if r.ID == "" {
		return ""
	}
	return fmt.Sprintf("record %q: ", r.ID)
}

// embeddingJSON reads an array of numbers and nulls; text is valid JSON.
func embeddingJSON(text []byte) (v []float32, null []bool, err error) {
	if string(text) == "null" {
		return nil, nil, nil
	}
	if text[0] != '[' {
		return nil, nil, errors.New("it is no array")
	}
	rest := bytes.TrimLeft(text[1:], " \t\r\n")
	if rest[0] == ']' {
		return nil, nil, errors.New("it has no components")
	}
	for {
		n := bytes.IndexAny(rest, ",]")
		if n < 0 {
			return nil, nil, errors.New("it is no array of numbers")
		}
		token := bytes.TrimRight(rest[:n], " \t\r\n")
		x := 0.0
		if string(token) == "null" {
			for len(null) < len(v) {
				null = append(null, false)
			}
			null = append(null, true)
		} else {
			if len(token) == 0 || token[0] != '-' && (token[0] < '0' || token[0] > '9') {
				return nil, nil, fmt.Errorf("component %d is no number", len(v))
			}
			if x, err = strconv.ParseFloat(string(token), 32); err != nil {
				return nil, nil, fmt.Errorf("component %d is beyond the range of a float32", len(v))
			}
			if null != nil {
				null = append(null, false)
			}
		}
		v = append(v, float32(x))
		end := rest[n] == ']'
		if rest = bytes.TrimLeft(rest[n+1:], " \t\r\n"); end {
			return v, null, nil
		}
	}
}

// metadataJSON is DecodeMetadataJSON of valid JSON.
func metadataJSON(text []byte) (Metadata, error) {
	if string(text) == "null" {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := delim(d, '{'); err != nil {
		return nil, errors.New("it is no object")
	}
	var fields []Field
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("json: %w", err)
		}
		f := Field{Key: key.(string)} // of an object
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("json: %w", err)
		}
		if f.Value, err = valueJSON(value); err != nil {
			return nil, fmt.Errorf("key %q: %w", f.Key, err)
		}
		fields = append(fields, f)
	}
	m, err := NewMetadata(fields)
	if err != nil {
		return nil, err
	}
	kept := m[:0]
	for _, f := range m {
		if f.Value.Type != 0 {
			kept = append(kept, f)
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return kept, delim(d, '}')
}

// valueJSON reads one value of valid JSON; one without a type is null.
func valueJSON(text json.RawMessage) (v Value, err error) {
	switch text[0] {
	case 'n':
		return v, nil
	case '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(text, &elements); err != nil {
			return v, err
		}
		v.Type = Array
		for _, e := range elements {
			x, err := valueJSON(e)
			if err != nil {
				return v, err
			}
			if x.Type < String || x.Type > Bool {
				return otherJSON(text)
			}
			v.Array = append(v.Array, x)
		}
		return v, nil
	case '{':
		return otherJSON(text)
	case '"':
		v.Type = String
		return v, json.Unmarshal(text, &v.Str)
	case 't', 'f':
		return Value{Type: Bool, Bool: text[0] == 't'}, nil
	}
	if !bytes.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return Value{Type: Int, Int: n}, nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) {
		return v, errors.New("a number beyond the range of a float64")
	}
	return Value{Type: Float, Float: f}, nil
}

func otherJSON(text []byte) (Value, error) {
	canonical, err := CanonicalJSON(text)
	return Value{Type: JSON, Str: string(canonical)}, err
}
