package repo

import (
	"bytes"
	"encoding/json"
	"fmt"

	"autochrome/chunk"
	"autochrome/internal/wire"
)

// decodeSnapshotFile reads the file of the snapshot with this identity.
func decodeSnapshotFile(b []byte, id chunk.ID) (Snapshot, error) {
	stored, err := openFile(b, snapshotMagic, snapshotVersion, "snapshot")
	if err != nil {
		return Snapshot{}, err
	}
	return decodeRecord(stored, id)
}

// openFile checks magic and version and gives what follows them.
func openFile(b []byte, magic string, version byte, what string) ([]byte, error) {
	n := len(magic)
	if len(b) <= n || string(b[:n]) != magic {
		return nil, corrupt("not a file of this kind: %s", what)
	}
	if b[n] != version {
		return nil, corrupt("%s: of version %d, this program reads version %d", what, b[n], version)
	}
	return b[n+1:], nil
}

// credible reports whether a record of n bytes may be stored in so many. Records
// stay in memory, and a zstd frame can announce thousands of times its length;
// the names of a great many collections with long names that differ in a number
// come to 350 times.
func credible(n, stored int) bool { return n <= 64<<10+512*stored }

// decodeStoredRecord gives the bytes of a record.
func decodeStoredRecord(stored []byte) ([]byte, error) {
	// What the stored form announces is allocated: look at it first.
	d := wire.Reader{Rest: stored}
	d.Byte()
	n := d.Int(maxRecord)
	if d.Err != nil {
		return nil, corrupt("snapshot: %v", d.Err)
	}
	if !credible(n, len(stored)) {
		return nil, corrupt("snapshot: a record of %d bytes in %d", n, len(stored))
	}
	return chunk.Decode(stored)
}

// decodeRecord reads the stored form of a record.
func decodeRecord(stored []byte, id chunk.ID) (Snapshot, error) {
	b, err := decodeStoredRecord(stored)
	if err != nil {
		return Snapshot{}, err
	}
	if chunk.SnapshotHash(b) != id {
		return Snapshot{}, corrupt("snapshot: its hash is not its name")
	}
	s, err := parseRecord(b)
	if err != nil {
		return Snapshot{}, corrupt("snapshot: %v", err)
	}
	return s, nil
}

// parseRecord reads a record's JSON and refuses what encodeRecord would not
// write: other versions, unknown fields, another spelling.
func parseRecord(b []byte) (Snapshot, error) {
	var s Snapshot
	if err := parseCanonical(b, &s); err != nil || s.Format != snapshotVersion {
		var head struct {
			Format int `json:"format"`
		}
		if json.Unmarshal(b, &head) == nil && head.Format != snapshotVersion {
			err = fmt.Errorf("of format %d, this program reads format %d", head.Format, snapshotVersion)
		}
		return s, err
	}
	s.ID = chunk.SnapshotHash(b)
	return s, s.validate()
}

// parseCanonical reads v from b, which must be what canonicalJSON(v) gives.
func parseCanonical(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	again, err := canonicalJSON(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("its JSON is not canonical")
	}
	return nil
}
