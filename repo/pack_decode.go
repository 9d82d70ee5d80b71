package repo

import (
	"context"
	"encoding/binary"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// readDirectory reads a pack's directory with one load, two where it is longer
// than packTail. tail is what was read of the file's end.
func readDirectory(ctx context.Context, be backend.Backend, e *envelope, name string, size int64) (entries []index.Entry, tail []byte, err error) {
	if tail, err = be.Load(ctx, name, -packTail, -1); err != nil {
		return nil, nil, err
	}
	need, err := tailNeeded(tail, size)
	if err != nil {
		return nil, nil, err
	}
	if need > int64(len(tail)) {
		if tail, err = be.Load(ctx, name, -need, -1); err != nil {
			return nil, nil, err
		}
	}
	entries, err = decodeTail(e, tail, size)
	return entries, tail, err
}

// tailNeeded says how much of the end of a pack of this size its directory and
// trailer take.
func tailNeeded(tail []byte, size int64) (int64, error) {
	if len(tail) < packTrailer || size > index.MaxPack {
		return 0, corrupt("pack: of %d bytes", size)
	}
	end := tail[len(tail)-packTrailer+chunk.IDSize:]
	if string(end[5:]) != packEnd {
		return 0, corrupt("pack: it does not end like one")
	}
	if end[4] != packVersion {
		return 0, corrupt("pack: of version %d, this program reads version %d", end[4], packVersion)
	}
	need := int64(binary.LittleEndian.Uint32(end)) + int64(packTrailer)
	if need > size-int64(packHeader) {
		return 0, corrupt("pack: a directory longer than the file")
	}
	return need, nil
}

// decodeTail reads the directory from the end of a pack.
func decodeTail(e *envelope, tail []byte, size int64) ([]index.Entry, error) {
	need, err := tailNeeded(tail, size)
	if err != nil {
		return nil, err
	}
	if need > int64(len(tail)) {
		return nil, corrupt("pack: shorter than it was")
	}
	tail = tail[int64(len(tail))-need:]
	directory := tail[:need-int64(packTrailer)]
	if chunk.FileHash(directory) != chunk.ID(tail[len(directory):len(directory)+chunk.IDSize]) {
		return nil, corrupt("pack: its directory's checksum does not hold")
	}
	if directory, err = e.openDirectory(directory, size); err != nil {
		return nil, err
	}
	entries, end, err := index.DecodeDirectory(directory)
	if err != nil {
		return nil, err
	}
	if end+need != size {
		return nil, corrupt("pack: %d bytes where its directory says %d", size, end+need)
	}
	return entries, nil
}

// decodePack reads a whole pack's directory and refuses what finish would not
// write. The chunks themselves are not looked at.
func decodePack(e *envelope, file []byte) ([]index.Entry, error) {
	if len(file) < packHeader || string(file[:len(packMagic)]) != packMagic {
		return nil, corrupt("pack: it does not begin like one")
	}
	if v := file[len(packMagic)]; v != packVersion {
		return nil, corrupt("pack: of version %d, this program reads version %d", v, packVersion)
	}
	return decodeTail(e, file, int64(len(file)))
}
