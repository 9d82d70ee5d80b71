package chunk

import "fmt"

// Kind says what a chunk holds. It is the first byte of a chunk's canonical
// bytes, so content of different kinds never shares an id. A number is never
// used again for something else.
type Kind uint8

const (
	IDs         Kind = 1 // record ids, UTF-8
	Embeddings  Kind = 2 // float32 × dimension
	Documents   Kind = 3 // UTF-8
	Metadatas   Kind = 4 // canonical metadata, see Metadata
	URIs        Kind = 5 // UTF-8
	Groups      Kind = 6 // entries of a level-1 node, one for each row group
	Nodes       Kind = 7 // entries of a higher node, one for each child node
	Collections Kind = 8 // entries of the root, one for each collection
	Description Kind = 9 // what a collection is, without its records
)

// NumColumns is the number of columns of a record. The columns are the kinds
// from IDs to URIs.
const NumColumns = 5

// Columns lists the column kinds in the order in which they are written.
var Columns = [NumColumns]Kind{IDs, Embeddings, Documents, Metadatas, URIs}

// Column gives the position of a column kind in Columns.
func (k Kind) Column() int { return int(k) - 1 }

// IsColumn reports whether k is one of the five columns.
func (k Kind) IsColumn() bool { return k >= IDs && k <= URIs }

// HasRows reports whether chunks of kind k are runs of rows.
func (k Kind) HasRows() bool { return k >= IDs && k <= Collections }

// Valid reports whether k is a kind of this format version.
func (k Kind) Valid() bool { return k >= IDs && k <= Description }

var kindNames = [...]string{
	IDs: "ids", Embeddings: "embeddings", Documents: "documents", Metadatas: "metadatas", URIs: "uris",
	Groups: "groups", Nodes: "nodes", Collections: "collections", Description: "description",
}

func (k Kind) String() string {
	if k.Valid() {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}
