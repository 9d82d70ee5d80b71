// Package parquet writes the records of a collection as a Parquet file
// ([Writer]) and reads such files, also those of other programs ([File]).
//
// A row is a record, in the server's order. The columns:
//
//	id             STRING
//	embedding      LIST of FLOAT, all of one length; null: none (damage); a
//	               component that is null had no value (damage)
//	document, uri  STRING; null: none
//	KEY ...        a column for each key of the metadata, of the type of its
//	               values; null: the record has no such key
//	metadata_rest  STRING: a JSON object with what the columns do not say; null:
//	               nothing. It is there only where something needs it
//
// A key's column has the type that most of its values have ([Survey]). A value
// of another type stands in metadata_rest, and what stands there counts more
// than the column. So does each integer of a key that also has floats: its
// column has all of them as floats. Keys that cannot name a column are in
// metadata_rest only.
package parquet

const (
	idColumn        = "id"
	embeddingColumn = "embedding"
	documentColumn  = "document"
	uriColumn       = "uri"
	restColumn      = "metadata_rest"

	// indexPrefix begins the names of columns in which pandas keeps its index.
	indexPrefix = "__index_level_"
)

const (
	// maxColumns bounds the columns for keys: each has buffers of its own, and a
	// table with more is of no use to anybody. The keys that most records have get
	// one.
	maxColumns = 256
	// maxKeys bounds the keys that are counted, and so memory, where each record
	// has keys of its own.
	maxKeys = 8192
	// maxKeyName bounds the bytes of a column's name.
	maxKeyName = 128

	// groupBytes and groupRows end a row group, whose packed columns are in memory
	// until it is written. Readers take one at a time each.
	groupBytes = 12 << 20
	groupRows  = 122_880
)
