package index

import "autochrome/chunk"

// An index file repeats the directories of packs, so that opening a repository
// need not ask each pack:
//
//	magic      "ACIX"
//	version    u8         0
//	salt       16 bytes   random
//	packs      uvarint
//	each pack  its id (32 bytes), its size (uvarint), its directory
//	checksum   32 bytes   chunk.FileHash of all bytes before it
//
// It can be made again from the packs alone. The salt makes the name of a file
// that was removed never come back, so that who was about to remove one when he
// was suspended cannot remove another's. Versions: 0 is the first.
const (
	fileMagic   = "ACIX"
	fileVersion = 0

	saltSize = 16
)

// FileName is the name of an index file with these bytes.
func FileName(file []byte) chunk.ID { return chunk.FileHash(file) }
