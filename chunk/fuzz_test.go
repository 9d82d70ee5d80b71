package chunk

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func seedRows(f *testing.F, add func(canonical []byte)) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, kind := range Columns {
		for range 5 {
			add(randomRows(f, r, kind).AppendCanonical(nil))
		}
	}
	for _, kind := range []Kind{Groups, Nodes, Collections} {
		add([]byte{byte(kind), formVersion, 1, 0, 1, 'x'})
	}
}

func FuzzDecodeRows(f *testing.F) {
	seedRows(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := DecodeRows(b)
		if err != nil {
			return
		}
		isCanonical(t, rows, b)
		back, err := Decode(Encode(nil, b))
		if err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x: stored form does not come back: %v", b, err)
		}
		for i := range rows.Len() {
			row, ok := rows.Row(i)
			if ok && rows.Kind() == Metadatas {
				if m, err := DecodeMetadata(row); err != nil || !bytes.Equal(AppendMetadata(nil, m), row) {
					t.Fatalf("%x: %v", row, err)
				}
			}
		}
	})
}

func FuzzDecodeMetadata(f *testing.F) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 20 {
		if m := randomMetadata(f, r, 6); len(m) > 0 {
			f.Add(AppendMetadata(nil, m))
		}
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		m, err := DecodeMetadata(row)
		if valid := validMetadata(row); (valid == nil) != (err == nil) {
			t.Fatalf("%x: decoding says %v, checking %v", row, err, valid)
		}
		if err == nil && !bytes.Equal(AppendMetadata(nil, m), row) {
			t.Fatalf("%x encodes to %x", row, AppendMetadata(nil, m))
		}
	})
}

func FuzzDecodeDescription(f *testing.F) {
	f.Add(CollectionDescription{Dimension: 3, Configuration: []byte(`{"a":1}`), Schema: []byte(`[]`)}.AppendCanonical(nil))
	f.Add(CollectionDescription{Metadata: Metadata{{"k", Value{Type: Bool}}}}.AppendCanonical(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeDescription(b); err == nil && !bytes.Equal(c.AppendCanonical(nil), b) {
			t.Fatalf("%x encodes to %x", b, c.AppendCanonical(nil))
		}
	})
}

func FuzzDecode(f *testing.F) {
	seedRows(f, func(b []byte) {
		f.Add(Encode(nil, b))
		if Kind(b[0]) == Embeddings {
			f.Add(encodePlanes(appendHead(nil, codecPlanes, len(b)), b))
		}
	})
	f.Fuzz(func(t *testing.T, stored []byte) {
		b, err := Decode(stored)
		if err != nil {
			return
		}
		if _, err := DecodeRows(b); err != nil {
			return
		}
		if again, err := Decode(Encode(nil, b)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x: stored form does not come back: %v", b, err)
		}
	})
}

func FuzzCanonicalJSON(f *testing.F) {
	for _, s := range []string{`{"b":[1,1.0,"é\n"],"a":null}`, `"\ud800"`, `-1e+5`, `[[],{}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := CanonicalJSON(text)
		if err != nil {
			return
		}
		if twice, err := CanonicalJSON(once); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q becomes %q, then %q (%v)", text, once, twice, err)
		}
	})
}
