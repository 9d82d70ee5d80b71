package chunk

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// examples has a chunk of every kind that holds what users see; the tree's
// kinds have theirs in package tree.
func examples(t *testing.T) (names []string, canonical map[string][]byte) {
	canonical = map[string][]byte{}
	add := func(name string, b []byte) {
		names = append(names, name)
		canonical[name] = b
	}
	texts := func(kind Kind, rows ...*string) []byte {
		r := NewRows(kind, 0)
		for _, s := range rows {
			if s == nil {
				r.AppendAbsent()
			} else {
				r.AppendString(*s)
			}
		}
		return r.AppendCanonical(nil)
	}
	add("ids", texts(IDs, ptr("a"), ptr("doc_2"), ptr("é")))

	e := NewRows(Embeddings, 3)
	e.AppendVector([]float32{1, -0.5, float32(math.Copysign(0, -1))}, nil)
	e.AppendVector([]float32{0.1, math.MaxFloat32, math.SmallestNonzeroFloat32}, nil)
	add("embeddings", e.AppendCanonical(nil))
	e.AppendAbsent()
	e.AppendVector([]float32{2, 0, 3}, []bool{false, true, false})
	add("embeddings, the third absent, the fourth with a null component", e.AppendCanonical(nil))

	add("documents", texts(Documents, ptr("first"), nil, ptr(""), ptr("line\nbreak \x00 😀")))

	m, err := NewMetadata([]Field{
		{"string", Value{Type: String, Str: "ünïcode"}},
		{"int", Value{Type: Int, Int: -3}},
		{"int-largest", Value{Type: Int, Int: math.MaxInt64}},
		{"int-smallest", Value{Type: Int, Int: math.MinInt64}},
		{"float", Value{Type: Float, Float: 1}},
		{"float-minus-zero", Value{Type: Float, Float: math.Copysign(0, -1)}},
		{"true", Value{Type: Bool, Bool: true}},
		{"false", Value{Type: Bool}},
		{"array", Value{Type: Array, Array: []Value{
			{Type: String, Str: "x"}, {Type: Int, Int: 300}, {Type: Float, Float: 0.1}, {Type: Bool, Bool: true},
		}}},
		{"array-empty", Value{Type: Array}},
		{"json", Value{Type: JSON, Str: `{"indices":[1,2],"values":[0.5,1.0]}`}},
		{"", Value{Type: String}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := NewRows(Metadatas, 0)
	rows.AppendWith(0, func(dst []byte) []byte { return AppendMetadata(dst, m) })
	rows.AppendAbsent()
	add("metadatas, every type", rows.AppendCanonical(nil))

	add("uris", texts(URIs, nil, ptr("s3://bucket/key")))

	configuration, err := CanonicalJSON([]byte(`{"spann": null, "hnsw": {"space": "cosine", "ef_construction": 100}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err = NewMetadata([]Field{{"owner", Value{Type: String, Str: "search"}}})
	if err != nil {
		t.Fatal(err)
	}
	add("description", CollectionDescription{Dimension: 384, Metadata: m, Configuration: configuration}.AppendCanonical(nil))
	add("description of nothing known", CollectionDescription{}.AppendCanonical(nil))
	return names, canonical
}

func exampleSecret() (secret [32]byte) {
	for i := range secret {
		secret[i] = byte(i)
	}
	return secret
}

func TestGoldenChunks(t *testing.T) {
	names, canonical := examples(t)
	plain, keyed := Plain(), Keyed(exampleSecret())
	var b strings.Builder
	fmt.Fprintf(&b, "# Canonical bytes of form %d and their ids. keyed: the id secret is %x.\n", formVersion, exampleSecret())
	for _, name := range names {
		c := canonical[name]
		fmt.Fprintf(&b, "\n%s\ncanonical  %x\nplain      %v\nkeyed      %v\n", name, c, plain.ID(c), keyed.ID(c))
		var err error
		if Kind(c[0]) == Description {
			_, err = DecodeDescription(c)
		} else {
			_, err = DecodeRows(c)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	golden(t, "chunks.txt", b.String())
}

func TestGoldenHashes(t *testing.T) {
	text := []byte("autochrome")
	plain, keyed := Plain(), Keyed(exampleSecret())
	var b strings.Builder
	fmt.Fprintf(&b, "# Hashes of the ten bytes %q. keyed: the id secret is %x.\n\n", text, exampleSecret())
	for _, c := range []struct {
		name string
		id   ID
	}{
		{"chunk id, plain", plain.ID(text)},
		{"chunk id, keyed", keyed.ID(text)},
		{"logical id, plain", plain.Logical(text)},
		{"logical id, keyed", keyed.Logical(text)},
		{"file", FileHash(text)},
		{"snapshot", SnapshotHash(text)},
		{"audit entry", AuditHash(text)},
	} {
		fmt.Fprintf(&b, "%-18s %v\n", c.name, c.id)
	}
	golden(t, "hashes.txt", b.String())
}

// The cut of the ids doc_000000, doc_000001 and so on.
func TestGoldenCut(t *testing.T) {
	const n = 3000
	ids := numbered(n)
	var b strings.Builder
	fmt.Fprintf(&b, "# The numbers of elements after which groups end, for the %d ids %s to %s.\n", n, ids[0], ids[n-1])
	fmt.Fprintf(&b, "# The last group ends with the elements. keyed: the id secret is %x.\n", exampleSecret())
	for _, h := range []struct {
		name string
		*Hasher
	}{{"plain", Plain()}, {"keyed", Keyed(exampleSecret())}} {
		for level := range 3 {
			fmt.Fprintf(&b, "\n%s, level %d\n%s\n", h.name, level, strings.Trim(fmt.Sprint(cut(h.Hasher, level, ids)), "[]"))
		}
	}
	golden(t, "cut.txt", b.String())
}
