package repo

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"autochrome/chunk"
)

// nonceBytes makes two records differ that say the same.
const nonceBytes = 16

func newNonce() string {
	var b [nonceBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// complete fills in what a caller leaves to the repository.
func (s Snapshot) complete() Snapshot {
	s.Format, s.Nonce = snapshotVersion, newNonce()
	if s.Time.IsZero() {
		s.Time = time.Now()
	}
	s.Time = s.Time.UTC().Truncate(time.Millisecond).Round(0)
	if s.Parent != nil && s.Parent.IsZero() {
		s.Parent = nil
	}
	if s.Host == "" && s.User == "" {
		s.Host, s.User = whoami()
	}
	return s
}

// encodeRecord gives a snapshot's canonical JSON, and the snapshot as whoever
// reads that will see it.
func encodeRecord(s Snapshot) ([]byte, Snapshot, error) {
	if err := s.validate(); errors.Is(err, ErrInvalid) {
		return nil, s, fmt.Errorf("snapshot: %w", err)
	} else if err != nil {
		return nil, s, invalid("snapshot: %v", err)
	}
	b, err := canonicalJSON(s)
	if err != nil {
		return nil, s, invalid("snapshot: %v", err)
	}
	if len(b) > maxRecord {
		return nil, s, invalid("snapshot: a record of %d bytes", len(b))
	}
	if !credible(len(b), 0) && !credible(len(b), len(chunk.Encode(nil, b))) {
		return nil, s, invalid("snapshot: a record of %d bytes that says nearly nothing", len(b))
	}
	out, err := parseRecord(b)
	if err != nil {
		return nil, s, invalid("snapshot: %v", err)
	}
	return b, out, nil
}

// encodeSnapshotFile gives the file of a record.
func encodeSnapshotFile(record []byte) []byte {
	b := append([]byte(snapshotMagic), snapshotVersion)
	return chunk.Encode(b, record)
}

// canonicalJSON is the one form of v: sorted keys, no white space.
func canonicalJSON(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return chunk.CanonicalJSON(b)
}
