package parquet

import (
	"reflect"
	"slices"

	pq "github.com/parquet-go/parquet-go"

	"autochrome/chunk"
)

// layout is what a file's columns are, in their order.
type layout struct {
	dim     int
	columns []Column // of metadata
	rest    bool
}

// field is one column of a file.
type field struct {
	name string
	node pq.Node
	kind arrowType
	size int // of a list whose length is fixed; 0: it is not
	list bool
}

// fields gives the columns of a file in their order.
func (l layout) fields() []field {
	text := func(name string) field {
		return field{name: name, node: pq.Optional(packed(pq.String())), kind: arrowText}
	}
	id := text(idColumn)
	id.node = packed(pq.String())
	// Planes of bytes pack better: exponents and signs are alike, the rest is noise.
	float := pq.Encoded(packed(pq.Leaf(pq.FloatType)), &pq.ByteStreamSplit)
	embedding := field{name: embeddingColumn, node: listOf(pq.Optional(float)), kind: arrowFloat32, size: l.dim, list: true}
	out := []field{id, embedding, text(documentColumn), text(uriColumn)}
	for _, c := range l.columns {
		node, kind := packed(pq.String()), arrowText
		switch c.Type {
		case chunk.Int:
			node, kind = packed(pq.Leaf(pq.Int64Type)), arrowInt64
		case chunk.Float:
			node, kind = packed(pq.Leaf(pq.DoubleType)), arrowFloat64
		case chunk.Bool:
			node, kind = packed(pq.Leaf(pq.BooleanType)), arrowBool
		}
		if c.Array {
			node = listOf(pq.Optional(node)) // as all readers expect
		} else {
			node = pq.Optional(node)
		}
		out = append(out, field{name: c.Key, node: node, kind: kind, list: c.Array})
	}
	if l.rest {
		out = append(out, text(restColumn))
	}
	return out
}

// Levels of what listOf makes: the list is there, it has elements, this one is
// not null.
const (
	listPresent = 1
	listFilled  = 2
	listValue   = 3
)

func listOf(element pq.Node) pq.Node { return pq.Optional(pq.List(element)) }

func packed(n pq.Node) pq.Node { return pq.Compressed(n, &pq.Zstd) }

// schema gives the columns as Parquet has them.
func schema(fields []field) *pq.Schema {
	root := ordered{Group: pq.Group{}}
	for _, f := range fields {
		root.Group[f.name] = f.node
		root.order = append(root.order, f.name)
	}
	return pq.NewSchema("records", root)
}

// ordered is a group whose fields keep their order; those of pq.Group are
// sorted.
type ordered struct {
	pq.Group
	order []string
}

func (o ordered) Fields() []pq.Field {
	out := o.Group.Fields()
	slices.SortFunc(out, func(a, b pq.Field) int { return slices.Index(o.order, a.Name()) - slices.Index(o.order, b.Name()) })
	return out
}

// GoType is not asked for: no Go values are written.
func (o ordered) GoType() reflect.Type { return reflect.TypeFor[any]() }
