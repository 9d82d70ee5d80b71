package archive

import "autochrome/chunk"

// What a record and a value of its metadata take in memory, about, beside their
// texts.
const (
	recordSize = 128
	valueSize  = 80
)

// size is what a record without an embedding takes in memory, about. A value of
// two characters is forty times as large there.
func size(r chunk.Record) int {
	n := recordSize + len(r.ID)
	for _, text := range []*string{r.Document, r.URI} {
		if text != nil {
			n += len(*text)
		}
	}
	for _, f := range r.Metadata {
		n += len(f.Key) + sizeOf(f.Value)
	}
	return n
}

func sizeOf(v chunk.Value) int {
	n := valueSize + len(v.Str)
	for _, x := range v.Array {
		n += sizeOf(x)
	}
	return n
}
