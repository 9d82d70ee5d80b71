package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"autochrome/chunk"
)

// A pack's directory, the same bytes at a pack's end and in an index file:
//
//	count      uvarint
//	entries    count × (kind u8, id 32 bytes, stored length uvarint)
//
// in the order in which the chunks lie, without gaps: the first begins at
// [FirstOffset], each next one where the last one ends. Snapshot records stand
// after all chunks.
const (
	// FirstOffset is where a pack's first chunk begins, behind magic, version and
	// salt.
	FirstOffset = 21

	// Record is the kind of an entry that is a snapshot's record and not a
	// chunk; its id is the snapshot's identity.
	Record chunk.Kind = 16

	// MaxStored bounds the stored length of a chunk: a codec that gains nothing
	// adds a few bytes of its own.
	MaxStored = chunk.MaxRow + chunk.MaxSize + 1<<16

	// MaxPack bounds the length of a pack, so that places fit into 32 bits: a
	// full pack, or one chunk of the largest size, and what stands around it.
	MaxPack = 512 << 20

	// EntryMax is the length of a directory's longest entry, entryMin of the shortest.
	EntryMax = 1 + chunk.IDSize + binary.MaxVarintLen32
	entryMin = 1 + chunk.IDSize + 1
)

// ErrCorrupt is wrapped by every error about bytes that the encoder would not
// have written.
var ErrCorrupt = errors.New("corrupt")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Entry is one line of a pack's directory.
type Entry struct {
	ID     chunk.ID
	Kind   chunk.Kind
	Offset uint32 // from the pack's beginning, in bytes
	Length uint32 // of the stored form, in bytes
}

// Pack is a pack and its directory.
type Pack struct {
	ID      chunk.ID // of the whole file
	Size    int64    // of the whole file, in bytes
	Entries []Entry
}

// Location is where a chunk lies.
type Location struct {
	Pack   chunk.ID
	Kind   chunk.Kind
	Offset int64 // from the pack's beginning, in bytes
	Length int64 // of the stored form, in bytes
}

// validKind reports whether an entry may have kind k.
func validKind(k chunk.Kind) bool { return k.Valid() || k == Record }
