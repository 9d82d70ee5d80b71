package index

import (
	"crypto/rand"
	"encoding/binary"
	"slices"

	"autochrome/chunk"
)

// AppendDirectory appends a pack's directory. The entries' offsets are not
// written: they follow from the lengths.
func AppendDirectory(dst []byte, entries []Entry) []byte {
	dst = slices.Grow(dst, binary.MaxVarintLen32+len(entries)*EntryMax)
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for _, e := range entries {
		dst = append(dst, byte(e.Kind))
		dst = append(dst, e.ID[:]...)
		dst = binary.AppendUvarint(dst, uint64(e.Length))
	}
	return dst
}

// AppendFile appends an index file over these packs. It is named by the hash
// of all its bytes, [FileName], and unlike any other: its salt is random.
func AppendFile(dst []byte, packs []Pack) []byte {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // never fails
	return appendFile(dst, salt, packs)
}

func appendFile(dst []byte, salt [saltSize]byte, packs []Pack) []byte {
	start := len(dst)
	entries := 0
	for _, p := range packs {
		entries += len(p.Entries)
	}
	const head = 64 // more than the file's, with the checksum, or a pack's take
	dst = slices.Grow(dst, head+len(packs)*head+entries*EntryMax)
	dst = append(dst, fileMagic...)
	dst = append(dst, fileVersion)
	dst = append(dst, salt[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(packs)))
	for _, p := range packs {
		dst = append(dst, p.ID[:]...)
		dst = binary.AppendUvarint(dst, uint64(p.Size))
		dst = AppendDirectory(dst, p.Entries)
	}
	sum := chunk.FileHash(dst[start:])
	return append(dst, sum[:]...)
}
