package index

import (
	"autochrome/chunk"
	"autochrome/internal/wire"
)

// DecodeDirectory reads a pack's directory and gives the offset behind its
// last entry.
func DecodeDirectory(b []byte) (entries []Entry, end int64, err error) {
	d := wire.Reader{Rest: b}
	entries, end, err = decodeEntries(&d)
	if err == nil && len(d.Rest) != 0 {
		err = corrupt("directory: %d bytes too many", len(d.Rest))
	}
	return entries, end, err
}

func decodeEntries(d *wire.Reader) ([]Entry, int64, error) {
	count := d.Int(len(d.Rest) / entryMin)
	if d.Err == nil && count == 0 {
		return nil, 0, corrupt("directory: empty")
	}
	entries := make([]Entry, 0, count)
	offset := int64(FirstOffset)
	records := false
	for range count {
		e := Entry{Kind: chunk.Kind(d.Byte())}
		copy(e.ID[:], d.Take(chunk.IDSize))
		length := d.Int(MaxStored)
		if d.Err != nil {
			break
		}
		switch {
		case !validKind(e.Kind):
			return nil, 0, corrupt("directory: unknown kind %d", uint8(e.Kind))
		case records && e.Kind != Record:
			return nil, 0, corrupt("directory: a chunk behind a snapshot's record")
		case length == 0 || e.ID.IsZero():
			return nil, 0, corrupt("directory: an entry without id or length")
		case offset+int64(length) > MaxPack:
			return nil, 0, corrupt("directory: a pack of more than %d bytes", MaxPack)
		}
		records = e.Kind == Record
		e.Offset, e.Length = uint32(offset), uint32(length)
		offset += int64(length)
		entries = append(entries, e)
	}
	if d.Err != nil {
		return nil, 0, corrupt("directory: %v", d.Err)
	}
	return entries, offset, nil
}

// DecodeFile reads an index file and refuses what AppendFile would not write.
func DecodeFile(b []byte) ([]Pack, error) {
	if len(b) < len(fileMagic)+1+saltSize+chunk.IDSize || string(b[:len(fileMagic)]) != fileMagic {
		return nil, corrupt("not an index file")
	}
	if v := b[len(fileMagic)]; v != fileVersion {
		return nil, corrupt("index file of version %d, this program reads version %d", v, fileVersion)
	}
	body := b[:len(b)-chunk.IDSize]
	if chunk.FileHash(body) != chunk.ID(b[len(body):]) {
		return nil, corrupt("index file: its checksum does not hold")
	}
	d := wire.Reader{Rest: body[len(fileMagic)+1+saltSize:]}
	count := d.Int(len(d.Rest) / (chunk.IDSize + 2))
	if d.Err == nil && count == 0 {
		return nil, corrupt("index file: empty")
	}
	packs := make([]Pack, 0, count)
	for range count {
		var p Pack
		copy(p.ID[:], d.Take(chunk.IDSize))
		p.Size = int64(d.Int(MaxPack))
		entries, end, err := decodeEntries(&d)
		if err != nil {
			return nil, err
		}
		if p.ID.IsZero() || end > p.Size {
			return nil, corrupt("index file: pack %v ends before its last chunk", p.ID)
		}
		p.Entries = entries
		packs = append(packs, p)
	}
	if err := d.End(); err != nil {
		return nil, corrupt("index file: %v", err)
	}
	return packs, nil
}
