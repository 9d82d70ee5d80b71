package repo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"autochrome/chunk"
	"autochrome/internal/wire"
	"autochrome/repo/backend"
)

// A list holds the records of many snapshots, lists/<hash of the file>, so that a
// repository of many points opens with few reads:
//
//	magic     "ACPL"
//	version   u8         0
//	salt      16 bytes   random: the name of a list that was removed never comes back
//	records   uvarint    at least 1
//	each      uvarint    when the store got it first, milliseconds since 1970
//	          uvarint    length of the stored form
//	          bytes      stored form of the record (see snapshot.go)
//	checksum  32 bytes   chunk.FileHash of all bytes before it
//
// The records are in ascending order of their identities. Versions: 0 is the
// first.
const (
	listMagic   = "ACPL"
	listVersion = 0
	listSalt    = 16

	// A list is full with so many records, or bytes. It is made of whole files, so
	// it may become longer, by a record of any length.
	maxListed    = 1 << 14
	maxListBytes = 8 << 20
	longestList  = maxListBytes + maxRecord
)

// encodeList gives the file of snapshots, which are in the order of their
// identities, with their records.
func encodeList(snapshots []Snapshot, records [][]byte) []byte {
	b := append([]byte(listMagic), listVersion)
	var salt [listSalt]byte
	_, _ = rand.Read(salt[:]) // never fails
	b = append(b, salt[:]...)
	b = binary.AppendUvarint(b, uint64(len(records)))
	for i, record := range records {
		b = binary.AppendUvarint(b, uint64(max(0, snapshots[i].Stored.UnixMilli())))
		stored := chunk.Encode(nil, record)
		b = binary.AppendUvarint(b, uint64(len(stored)))
		b = append(b, stored...)
	}
	sum := chunk.FileHash(b)
	return append(b, sum[:]...)
}

func decodeList(file []byte) ([]Snapshot, error) {
	body, err := openFile(file, listMagic, listVersion, "list")
	if err != nil {
		return nil, err
	}
	end := len(file) - chunk.IDSize
	if len(body) < listSalt+chunk.IDSize || chunk.FileHash(file[:end]) != chunk.ID(file[end:]) {
		return nil, corrupt("list: its checksum does not hold")
	}
	d := wire.Reader{Rest: body[listSalt : len(body)-chunk.IDSize]}
	n := d.Int(min(maxListed, len(d.Rest)/3))
	var list []Snapshot
	for range n {
		ms := d.Uvarint()
		stored := d.Take(d.Int(maxRecord + 1<<10))
		if d.Err != nil || ms > 1<<47 {
			return nil, corrupt("list: %v", d.Err)
		}
		b, err := decodeStoredRecord(stored)
		if err != nil {
			return nil, err
		}
		s, err := parseRecord(b)
		if err != nil {
			return nil, corrupt("list: %v", err)
		}
		if len(list) > 0 && compareIDs(list[len(list)-1].ID, s.ID) >= 0 {
			return nil, corrupt("list: its records are not in order")
		}
		s.Stored, s.RecordBytes = time.UnixMilli(int64(ms)), int64(len(stored)+len(snapshotMagic)+1)
		list = append(list, s)
	}
	if err := d.End(); err != nil || n == 0 {
		return nil, corrupt("list: it does not hold as many records as it says")
	}
	return list, nil
}

// readList reads the snapshots of a list.
func (r *Repository) readList(ctx context.Context, name string, size int64) ([]Snapshot, error) {
	if size > longestList+1<<20 {
		return nil, corrupt("list: of %d bytes", size)
	}
	file, err := backend.LoadAll(ctx, r.be, name)
	if err != nil {
		return nil, err
	}
	if id, _ := parseList(name); chunk.FileHash(file) != id {
		return nil, corrupt("list: its name is not the hash of its bytes")
	}
	list, err := decodeList(file)
	for i := range list {
		list[i].File = name
	}
	return list, err
}

// saveList makes a list durable and gives its name.
func (r *Repository) saveList(ctx context.Context, snapshots []Snapshot) (string, error) {
	var records [][]byte
	for _, s := range snapshots {
		record, _, err := encodeRecord(s)
		if err != nil {
			return "", err
		}
		records = append(records, record)
	}
	file := encodeList(snapshots, records)
	name := listFile(chunk.FileHash(file))
	return name, r.be.Save(ctx, name, file)
}
