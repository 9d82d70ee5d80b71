package repo

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"

	"autochrome/chunk"
	"autochrome/internal/wire"
)

// A key is a file keys/<hash of the file>. It holds the repository's secrets
// for one passphrase or one age recipient:
//
//	magic    "ACKY"
//	version  u8             0
//	wrapped  uvarint, bytes an age file of the secrets, as canonical JSON
//	note     to end         envelope of the KeyInfo, as canonical JSON
//
// The note can be read by who has any key of the repository, and by nobody
// else. Versions: 0 is the first.
const (
	keyMagic   = "ACKY"
	keyVersion = 0

	secretBytes = 32

	// maxKey bounds a key's file, maxSecrets what age may unwrap, in bytes.
	maxKey     = 64 << 10
	maxSecrets = 1 << 10

	// maxKeys bounds the keys of a repository, since each may have to be tried.
	maxKeys = 64
)

// What a key is for.
const (
	KeyPassphrase = "passphrase"
	KeyRecipient  = "recipient"
)

// secrets are what all keys of a repository wrap.
type secrets struct {
	Repository string `json:"repository"`    // its id, so that no key of another one fits
	Data       secret `json:"data"`          // what the envelopes' key is derived from
	IDs        secret `json:"ids,omitempty"` // what ids and cuts are keyed with; "" where they are plain
}

// secret is 64 hexadecimal digits, or "".
type secret string

func newSecret() secret {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return secret(hex.EncodeToString(b[:]))
}

func (s secret) bytes() (b [secretBytes]byte, err error) {
	raw, err := hex.DecodeString(string(s))
	if err != nil || len(raw) != secretBytes || hex.EncodeToString(raw) != string(s) {
		return b, errors.New("a secret is not of 64 hexadecimal digits")
	}
	copy(b[:], raw)
	return b, nil
}

// envelope gives the envelope, and hasher what makes ids, of a repository with
// these secrets.
func (s secrets) envelope() (*envelope, error) {
	data, err := s.Data.bytes()
	if err != nil {
		return nil, err
	}
	return newEnvelope(data), nil
}

func (s secrets) hasher() (*chunk.Hasher, error) {
	if s.IDs == "" {
		return chunk.Plain(), nil
	}
	ids, err := s.IDs.bytes()
	if err != nil {
		return nil, err
	}
	return chunk.Keyed(ids), nil
}

// KeyInfo is what is known of a key.
type KeyInfo struct {
	Created   time.Time `json:"created"`
	Host      string    `json:"host,omitempty"`
	User      string    `json:"user,omitempty"`
	Kind      string    `json:"kind"` // KeyPassphrase or KeyRecipient
	Recipient string    `json:"recipient,omitempty"`
	Label     string    `json:"label,omitempty"`

	ID      chunk.ID `json:"-"` // the hash of its file, which is its name
	Current bool     `json:"-"` // it opened the repository
	Damaged error    `json:"-"` // why nothing of the above is known
}

// wrap makes the file of a new key.
func (s secrets) wrap(k NewKey, created time.Time) ([]byte, error) {
	if err := k.Validate(); err != nil {
		return nil, err
	}
	recipient, err := k.recipient()
	if err != nil {
		return nil, err
	}
	plain, err := canonicalJSON(s)
	if err != nil {
		return nil, err
	}
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, recipient)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("wrapping the key: %w", err)
	}
	envelope, err := s.envelope()
	if err != nil {
		return nil, err
	}
	info := KeyInfo{Created: created.UTC().Truncate(time.Millisecond).Round(0), Kind: k.kind(), Recipient: k.Recipient, Label: k.Label}
	info.Host, info.User = whoami()
	note, err := canonicalJSON(info)
	if err != nil {
		return nil, err
	}
	return appendKey(envelope, wrapped.Bytes(), note), nil
}

func appendKey(e *envelope, wrapped, note []byte) []byte {
	file := append([]byte(keyMagic), keyVersion)
	file = append(binary.AppendUvarint(file, uint64(len(wrapped))), wrapped...)
	return e.seal(file, sealedNote(wrapped), func(dst []byte) []byte { return append(dst, note...) })
}

func sealedNote(wrapped []byte) []byte {
	sum := chunk.FileHash(wrapped)
	return append([]byte{sealsKeyNote}, sum[:]...)
}

// parseKey takes a key's file apart.
func parseKey(file []byte) (wrapped, note []byte, err error) {
	b, err := openFile(file, keyMagic, keyVersion, "key")
	if err != nil {
		return nil, nil, err
	}
	d := wire.Reader{Rest: b}
	wrapped = d.Take(d.Int(maxKey))
	if d.Err != nil {
		return nil, nil, corrupt("key: %v", d.Err)
	}
	return wrapped, d.Rest, nil
}

// unwrap gives the secrets of a key; ErrWrongKey when the credential is not for
// it.
func unwrap(wrapped []byte, c Credential, repository string) (secrets, error) {
	var s secrets
	plain, err := age.Decrypt(bytes.NewReader(wrapped), c.identities...)
	if err != nil {
		return s, ErrWrongKey
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxSecrets+1))
	if err != nil || len(b) > maxSecrets {
		return s, corrupt("key: what it wraps cannot be read")
	}
	if err := parseCanonical(b, &s); err != nil {
		return secrets{}, corrupt("key: it wraps no secrets") // the error may quote them
	}
	if s.Repository != repository {
		return secrets{}, ErrWrongKey
	}
	return s, nil
}

// readNote reads what a key's file says of it.
func (e *envelope) readNote(wrapped, note []byte) (KeyInfo, error) {
	var k KeyInfo
	b, err := e.open(note, sealedNote(wrapped))
	if err != nil {
		return k, err
	}
	if err := parseCanonical(b, &k); err != nil {
		return k, corrupt("key: %v", err)
	}
	if k.Kind != KeyPassphrase && k.Kind != KeyRecipient {
		return k, corrupt("key: of unknown kind %q", k.Kind)
	}
	return k, validTime(k.Created)
}
