package repo

import (
	"crypto/cipher"
	"crypto/rand"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"autochrome/chunk"
)

// An envelope is what lies in an encrypted repository in place of bytes that a
// plain one has as they are:
//
//	nonce   24 random bytes
//	sealed  XChaCha20-Poly1305 of the bytes, under a subkey of the data key
//	tag     16 bytes
//
// Each stored form has one of its own, so that one chunk can be read and
// checked by itself; so has each pack's directory, and each file that is no
// pack, behind its magic and version. What is sealed is bound to its place by
// additional data: who moves or exchanges envelopes makes them unreadable.
const (
	contextEnvelope = "autochrome 2026-11-23 envelope"

	envelopeNonce = chacha20poly1305.NonceSizeX
	envelopeSize  = envelopeNonce + chacha20poly1305.Overhead // that it adds

	// The additional data begin with what is sealed.
	sealsChunk     = 'C' // then kind and id
	sealsDirectory = 'D' // then magic and version of packs
	sealsFile      = 'F' // then magic, version and name
	sealsKeyNote   = 'K' // then the file hash of the wrapped secrets
)

// envelope seals and opens under one key. Nil is the envelope of a plain
// repository: it adds nothing and checks nothing.
type envelope struct{ aead cipher.AEAD }

func newEnvelope(data [secretBytes]byte) *envelope {
	key := chunk.Subkey(contextEnvelope, data)
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	return &envelope{aead}
}

// size is how much longer sealing makes bytes.
func (e *envelope) size() int {
	if e == nil {
		return 0
	}
	return envelopeSize
}

// seal appends to dst what fill appends, sealed. fill must not change what is
// before.
func (e *envelope) seal(dst, additional []byte, fill func([]byte) []byte) []byte {
	if e == nil {
		return fill(dst)
	}
	at := len(dst)
	dst = append(dst, make([]byte, envelopeNonce)...)
	_, _ = rand.Read(dst[at:]) // never fails
	dst = fill(dst)
	nonce, plain := dst[at:at+envelopeNonce], dst[at+envelopeNonce:]
	return e.aead.Seal(dst[:at+envelopeNonce], nonce, plain, additional)
}

// open gives what was sealed. In a plain repository that is sealed itself, else
// memory of its own.
func (e *envelope) open(sealed, additional []byte) ([]byte, error) {
	if e == nil {
		return sealed, nil
	}
	if len(sealed) < envelopeSize {
		return nil, corrupt("an envelope of %d bytes", len(sealed))
	}
	nonce, rest := sealed[:envelopeNonce], sealed[envelopeNonce:]
	plain, err := e.aead.Open(make([]byte, 0, len(rest)-chacha20poly1305.Overhead), nonce, rest, additional)
	if err != nil {
		return nil, corrupt("it is not what was sealed here")
	}
	return plain, nil
}

// encode appends the stored form of canonical bytes as it lies in packs.
func (e *envelope) encode(dst []byte, kind chunk.Kind, id chunk.ID, canonical []byte) []byte {
	return e.seal(dst, sealedChunk(kind, id), func(dst []byte) []byte { return chunk.Encode(dst, canonical) })
}

// stored gives the stored form of what encode made.
func (e *envelope) stored(kind chunk.Kind, id chunk.ID, sealed []byte) ([]byte, error) {
	return e.open(sealed, sealedChunk(kind, id))
}

func sealedChunk(kind chunk.Kind, id chunk.ID) []byte {
	return append([]byte{sealsChunk, byte(kind)}, id[:]...)
}

func sealedFile(head []byte, name string) []byte {
	return append(append([]byte{sealsFile}, head...), name...)
}

var sealedDirectory = append(append([]byte{sealsDirectory}, packMagic...), packVersion)

// isSealed reports whether a file is sealed as a whole. Packs are sealed in
// parts; keys are wrapped, each by itself.
func isSealed(name string) bool {
	_, point, _ := parseRoot(name)
	return !point && name != configName && !strings.HasPrefix(name, packsFolder) && !strings.HasPrefix(name, keysFolder)
}
