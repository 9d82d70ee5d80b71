package chunk

import (
	"encoding/binary"

	"autochrome/internal/wire"
)

// CollectionDescription is what a collection is, without its records, its name
// and its server id.
type CollectionDescription struct {
	Dimension     int      // 0: no record was ever added
	Metadata      Metadata // of the collection itself
	Configuration []byte   // configuration_json as canonical JSON; nil: not known
	Schema        []byte   // likewise; nil where the server has none
}

// AppendCanonical appends the canonical bytes of c.
func (c CollectionDescription) AppendCanonical(dst []byte) []byte {
	dst = append(dst, byte(Description), formVersion)
	dst = binary.AppendUvarint(dst, uint64(c.Dimension))
	var m []byte
	if len(c.Metadata) > 0 {
		m = AppendMetadata(nil, c.Metadata)
	}
	for _, b := range [][]byte{m, c.Configuration, c.Schema} {
		dst = binary.AppendUvarint(dst, uint64(len(b)))
		dst = append(dst, b...)
	}
	return dst
}

// DecodeDescription reads canonical bytes and refuses what AppendCanonical
// would not write.
func DecodeDescription(b []byte) (CollectionDescription, error) {
	var c CollectionDescription
	d := wire.Reader{Rest: b}
	if k, form := Kind(d.Byte()), d.Byte(); k != Description || form != formVersion {
		return c, corrupt("not a description of form %d", formVersion)
	}
	c.Dimension = d.Int(MaxDimension)
	m := d.Take(d.Int(MaxRow))
	for _, p := range []*[]byte{&c.Configuration, &c.Schema} {
		text := d.Take(d.Int(MaxRow))
		if len(text) == 0 {
			continue
		}
		canonical, err := CanonicalJSON(text)
		if err != nil || string(canonical) != string(text) {
			return c, corrupt("description: JSON is not canonical")
		}
		*p = canonical
	}
	if d.Err != nil || len(d.Rest) != 0 {
		return c, corrupt("description: truncated, or bytes too many")
	}
	if len(m) > 0 {
		var err error
		if c.Metadata, err = DecodeMetadata(m); err != nil {
			return c, corrupt("description: %v", err)
		}
	}
	return c, nil
}
