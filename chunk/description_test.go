package chunk

import (
	"bytes"
	"errors"
	"testing"
)

func TestDescriptionComesBack(t *testing.T) {
	r := random(t)
	for range 500 {
		c := CollectionDescription{Dimension: r.IntN(5000), Metadata: randomMetadata(t, r, 4)}
		if r.IntN(2) == 0 {
			c.Configuration = []byte(`{"hnsw":{"space":"cosine"}}`)
		}
		if r.IntN(2) == 0 {
			c.Schema = []byte(`null`)
		}
		b := c.AppendCanonical(nil)
		back, err := DecodeDescription(b)
		if err != nil {
			t.Fatal(err)
		}
		if back.Dimension != c.Dimension || !back.Metadata.Equal(c.Metadata) ||
			!bytes.Equal(back.Configuration, c.Configuration) || !bytes.Equal(back.Schema, c.Schema) ||
			(back.Configuration == nil) != (c.Configuration == nil) || !bytes.Equal(back.AppendCanonical(nil), b) {
			t.Fatalf("have %+v, want %+v", back, c)
		}
		stored, err := Decode(Encode(nil, b))
		if err != nil || !bytes.Equal(stored, b) {
			t.Fatalf("stored form: %v", err)
		}
		for i := range b {
			if _, err := DecodeDescription(b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("cut off at %d: %v", i, err)
			}
		}
	}
}

func TestDescriptionRefused(t *testing.T) {
	for name, b := range map[string]string{
		"nothing":              "",
		"rows":                 "\x01\x00\x01\x00\x01a",
		"unknown form":         "\x09\x01\x00\x00\x00\x00",
		"dimension too large":  "\x09\x00\x81\x80\x80\x20\x00\x00\x00",
		"length not shortest":  "\x09\x00\x00\x80\x00\x00\x00",
		"bytes behind":         "\x09\x00\x00\x00\x00\x00\x00",
		"empty metadata":       "\x09\x00\x00\x01\x00\x00\x00",
		"no JSON":              "\x09\x00\x00\x00\x01x\x00",
		"JSON with space":      "\x09\x00\x00\x00\x03[ ]\x00",
		"schema with space":    "\x09\x00\x00\x00\x00\x03[ ]",
		"JSON length too long": "\x09\x00\x00\x00\x03[]",
	} {
		if c, err := DecodeDescription([]byte(b)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}
