package repo

import "autochrome/chunk"

// A pack is
//
//	magic      "ACPK"
//	version    u8         0
//	salt       16 bytes   random
//	chunks     stored forms (see chunk.Encode), back to back
//	directory  see package index
//	checksum   32 bytes   chunk.FileHash of the directory
//	length     u32 LE     of the directory, in bytes
//	version    u8         0, again: readers begin at the end
//	end magic  "ACPE"
//
// and is named by chunk.FileHash of all of it. Its directory makes it complete
// in itself: an index can be made from packs alone. The salt makes a pack unlike
// any other, also one of the same chunks: so the name of a pack that was deleted
// never comes back, and who was about to delete one when he was suspended cannot
// delete another's. Versions: 0 is the first.
const (
	packMagic   = "ACPK"
	packEnd     = "ACPE"
	packVersion = 0

	packSalt    = 16
	packHeader  = len(packMagic) + 1 + packSalt // index.FirstOffset
	packTrailer = chunk.IDSize + 4 + 1 + len(packEnd)

	// packTarget is where a pack is full, in bytes with its directory. Larger files
	// gain nothing in a folder, and in an object store a request costs as much as 1
	// to 2 MB of transfer. A larger chunk makes a larger pack.
	packTarget = 8 << 20

	// packPieces is in how many pieces a full pack is written.
	packPieces = 32

	// packTail is how much of a pack's end is read first: the directory of a
	// full pack of text chunks, or a point pack's directory and record.
	packTail = 64 << 10
)
