package chunk

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestRowsComeBack(t *testing.T) {
	r := random(t)
	for range 300 {
		for _, kind := range Columns {
			rows := randomRows(t, r, kind)
			b := rows.AppendCanonical(nil)
			back, err := DecodeRows(b)
			if err != nil {
				t.Fatalf("%v: %v", kind, err)
			}
			sameRows(t, back, rows)
			isCanonical(t, back, b)
			stored := Encode(nil, b)
			canonical, err := Decode(stored)
			if err != nil || string(canonical) != string(b) {
				t.Fatalf("%v: the stored form does not decode to the same bytes: %v", kind, err)
			}
		}
	}
}

// Every cut-off and every flipped bit is refused or is another column that
// encodes to just these bytes: nothing has two canonical forms.
func TestRowsHaveOneForm(t *testing.T) {
	r := random(t)
	for _, kind := range Columns {
		for range 20 {
			b := randomRows(t, r, kind).AppendCanonical(nil)
			for range 200 {
				c := slices.Clone(b)
				if r.IntN(4) == 0 {
					c = c[:r.IntN(len(c))]
				} else {
					c[r.IntN(min(len(c), 1+r.IntN(len(c))))] ^= 1 << r.IntN(8)
				}
				rows, err := DecodeRows(c)
				if err == nil {
					isCanonical(t, rows, c)
				} else if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("%v: %v is not ErrCorrupt", kind, err)
				}
			}
		}
	}
}

func TestRowsRefused(t *testing.T) {
	vector := func(values ...float32) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	join := slices.Concat[[]byte]
	for name, b := range map[string][]byte{
		"nothing":                       {},
		"kind alone":                    {1},
		"kind zero":                     {0, 0, 1, 0, 1, 'a'},
		"a description":                 {9, 0, 1, 0, 1, 'a'},
		"unknown kind":                  {10, 0, 1, 0, 1, 'a'},
		"unknown form":                  {1, 1, 1, 0, 1, 'a'},
		"no rows":                       {1, 0, 0, 0},
		"too many rows":                 {3, 0, 0x81, 0x80, 0x04, 1},
		"count not shortest":            {1, 0, 0x81, 0, 0, 1, 'a'},
		"count without end":             {1, 0, 0x81},
		"count beyond 64 bits":          {1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"no flags":                      {1, 0, 1},
		"unknown flag":                  {1, 0, 1, 4, 1, 'a'},
		"holes in text":                 {3, 0, 1, 2, 1, 1, 'a'},
		"length not shortest":           {3, 0, 1, 0, 0x81, 0, 'a'},
		"length beyond the end":         {3, 0, 1, 0, 2, 'a'},
		"length of 256 MiB and more":    {3, 0, 1, 0, 0x81, 0x80, 0x80, 0x80, 0x01, 'a'},
		"bytes behind":                  {3, 0, 1, 0, 1, 'a', 'b'},
		"fewer rows than announced":     {3, 0, 2, 0, 1, 'a'},
		"invalid UTF-8":                 {3, 0, 1, 0, 1, 0xff},
		"invalid UTF-8 in a uri":        {5, 0, 1, 0, 1, 0xff},
		"half a rune":                   {3, 0, 2, 0, 1, 1, 0xc3, 0xa9},
		"surrogate":                     {3, 0, 1, 0, 3, 0xed, 0xa0, 0x80},
		"presence of all rows":          {3, 0, 1, 1, 1, 1, 'a'},
		"presence with a stray bit":     {3, 0, 2, 1, 0b101, 1, 'a'},
		"presence cut off":              {3, 0, 9, 1, 0},
		"absent id":                     {1, 0, 2, 1, 1, 1, 'a'},
		"empty id":                      {1, 0, 1, 0, 0},
		"id twice":                      {1, 0, 2, 0, 1, 1, 'a', 'a'},
		"invalid UTF-8 in an id":        {1, 0, 1, 0, 1, 0x80},
		"zero dimensions":               {2, 0, 1, 0, 0},
		"dimensions beyond the limit":   {2, 0, 1, 0x81, 0x80, 0x80, 0x20, 0},
		"dimension not shortest":        join([]byte{2, 0, 1, 0x81, 0, 0}, vector(1)),
		"vector cut off":                {2, 0, 1, 1, 0, 0, 0, 0},
		"vector with bytes behind":      join([]byte{2, 0, 1, 1, 0}, vector(1), []byte{0}),
		"no holes though announced":     join([]byte{2, 0, 1, 1, 2, 0}, vector(1)),
		"stray bit of holes":            join([]byte{2, 0, 1, 1, 2, 0b11}, vector(0), []byte{1}),
		"absent row with holes":         join([]byte{2, 0, 2, 1, 3, 0b01, 0b10}, vector(0)),
		"holed row without a hole":      join([]byte{2, 0, 1, 1, 2, 1}, vector(0), []byte{0}),
		"hole beyond the dimension":     join([]byte{2, 0, 1, 1, 2, 1}, vector(0), []byte{0b11}),
		"hole with a value":             join([]byte{2, 0, 1, 1, 2, 1}, vector(1), []byte{1}),
		"hole with minus zero":          join([]byte{2, 0, 1, 1, 2, 1}, vector(float32(math.Copysign(0, -1))), []byte{1}),
		"holes cut off":                 join([]byte{2, 0, 2, 1, 2, 0b11}, vector(0, 0), []byte{1}),
		"empty metadata":                {4, 0, 1, 0, 1, 0},
		"metadata of no bytes":          {4, 0, 1, 0, 0},
		"metadata with keys in reverse": {4, 0, 1, 0, 9, 2, 1, 'b', 4, 1, 1, 'a', 4, 1},
	} {
		if rows, err := DecodeRows(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
}

// A few bytes announce as much as the format allows: what is allocated for
// them stays small.
func TestRowsAllocateWhatIsThere(t *testing.T) {
	absent := binary.AppendUvarint([]byte{byte(Documents), 0}, MaxRows)
	absent = append(append(absent, flagPresence), make([]byte, MaxRows/8)...)
	if got := allocated(func() { _, _ = DecodeRows(absent) }); got > 2<<20 {
		t.Errorf("%d absent rows allocate %d bytes", MaxRows, got)
	}
	wide := binary.AppendUvarint([]byte{byte(Embeddings), 0, 1}, MaxRow/4)
	if got := allocated(func() { _, _ = DecodeRows(append(wide, 0, 1)) }); got > 64<<10 {
		t.Errorf("a wide vector that is not there allocates %d bytes", got)
	}
	array := append([]byte{byte(Metadatas), 0, 1, 0}, binary.AppendUvarint(nil, 1<<20)...)
	body := append([]byte{1, 1, 'a', byte(Array)}, binary.AppendUvarint(nil, 1<<19-8)...)
	for len(body) < 1<<20 {
		body = append(body, byte(Bool), 2)
	}
	if got := allocated(func() { _, _ = DecodeRows(append(array, body[:1<<20]...)) }); got > 8<<20 {
		t.Errorf("a bad array allocates %d bytes", got)
	}
}

func TestRowsAppendRows(t *testing.T) {
	r := random(t)
	for range 200 {
		for _, kind := range Columns {
			from := randomRows(t, r, kind)
			to := NewRows(kind, from.Dim())
			var want []int
			for range r.IntN(5) {
				first := r.IntN(from.Len())
				count := r.IntN(from.Len() - first + 1)
				to.AppendRows(from, first, count)
				for i := range count {
					want = append(want, first+i)
				}
			}
			if to.Len() != len(want) {
				t.Fatalf("%d rows, want %d", to.Len(), len(want))
			}
			for i, j := range want {
				if !to.Equal(i, from, j) {
					t.Fatalf("%v: row %d is not row %d of the source", kind, i, j)
				}
			}
			n := r.IntN(to.Len() + 2)
			to.Truncate(n)
			if n = min(n, len(want)); to.Len() != n {
				t.Fatalf("%d rows after Truncate(%d)", to.Len(), n)
			}
			again := NewRows(kind, from.Dim())
			for _, j := range want[:n] {
				again.AppendRows(from, j, 1)
			}
			if n > 0 && string(again.AppendCanonical(nil)) != string(to.AppendCanonical(nil)) {
				t.Fatalf("%v: truncated rows encode otherwise", kind)
			}
		}
	}
}

func TestRowsEqual(t *testing.T) {
	hole := NewRows(Embeddings, 32) // 128 bytes of values, 4 of holes
	hole.AppendVector(make([]float32, 32), append(make([]bool, 31), true))
	hole.AppendAbsent()
	wide := NewRows(Embeddings, 33) // 132 bytes of values
	row, _ := hole.Row(0)
	wide.Append(row)
	wide.AppendAbsent()
	if hole.Equal(0, wide, 0) {
		t.Error("32 dimensions with a hole are not 33 without")
	}
	if !hole.Equal(1, wide, 1) {
		t.Error("absent is absent in every dimension")
	}
	docs := NewRows(Documents, 0)
	docs.AppendString("")
	docs.AppendAbsent()
	if docs.Equal(0, docs, 1) {
		t.Error("an empty document is not an absent one")
	}
}

func TestRecordsComeBack(t *testing.T) {
	r := random(t)
	recs := NewRecords(8)
	var want []Record
	for i := range 200 {
		rec := Record{ID: strings.Repeat("x", i+1), Embedding: unitVector(r, 8), Metadata: randomMetadata(t, r, 4)}
		switch r.IntN(4) {
		case 0:
			rec.Embedding = nil
		case 1:
			rec.Null = make([]bool, 8)
			rec.Null[r.IntN(8)] = true
		}
		if r.IntN(2) == 0 {
			rec.Document = ptr(randomText(r, 10))
		}
		if r.IntN(2) == 0 {
			rec.URI = ptr("")
		}
		want = append(want, rec)
		recs.Append(rec)
	}
	for i, w := range want {
		have, err := recs.Record(i)
		if err != nil {
			t.Fatal(err)
		}
		for j, null := range w.Null {
			if null {
				w.Embedding[j] = 0
			}
		}
		damage := map[bool]string{true: "no embedding", false: ""}[w.Embedding == nil]
		if w.Null != nil {
			damage = "embedding with null components"
		}
		if have.ID != w.ID || !slices.Equal(have.Embedding, w.Embedding) || !slices.Equal(have.Null, w.Null) ||
			!have.Metadata.Equal(w.Metadata) || !equalText(have.Document, w.Document) || !equalText(have.URI, w.URI) ||
			recs.Damage(i) != damage {
			t.Fatalf("record %d: have %+v, want %+v", i, have, w)
		}
	}
}

func equalText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

func TestAllAbsentHasNoID(t *testing.T) {
	rows := NewRows(Documents, 0)
	for range 3 {
		rows.AppendAbsent()
	}
	if id, _ := rows.ContentID(Plain(), nil); !id.IsZero() || !rows.AllAbsent() {
		t.Errorf("absent rows have the id %v", id)
	}
	rows.AppendString("")
	if id, _ := rows.ContentID(Plain(), nil); id.IsZero() || rows.AllAbsent() {
		t.Error("an empty document has no id")
	}
}
