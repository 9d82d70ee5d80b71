package chunk

import (
	"encoding/binary"
	"hash"
	"sync"

	"github.com/zeebo/blake3"
)

// Contexts for BLAKE3's derive-key mode, one for each thing that is hashed, so
// that no hash made for one purpose is ever valid for another.
const (
	contextChunk    = "autochrome 2026-11-23 chunk id"
	contextLogical  = "autochrome 2026-11-23 logical id"
	contextCut      = "autochrome 2026-11-23 cut"
	contextFile     = "autochrome 2026-11-23 file"
	contextSnapshot = "autochrome 2026-11-23 snapshot"
	contextAudit    = "autochrome 2026-11-23 audit entry"
)

// Hasher makes ids and cuts. All repositories without encryption use [Plain]
// and agree on every id; an encrypted one uses [Keyed], so that neither ids nor
// boundaries tell anything to who does not have the key. It is safe for
// concurrent use.
type Hasher struct {
	chunk, logical, cut pool
}

// Plain is the Hasher of repositories without encryption.
func Plain() *Hasher {
	return &Hasher{
		chunk:   newPool(blake3.NewDeriveKey(contextChunk)),
		logical: newPool(blake3.NewDeriveKey(contextLogical)),
		cut:     newPool(blake3.NewDeriveKey(contextCut)),
	}
}

// Keyed is the Hasher of a repository whose id secret is given. Each purpose
// has a subkey of its own.
func Keyed(secret [32]byte) *Hasher {
	sub := func(context string) pool {
		key := Subkey(context, secret)
		h, err := blake3.NewKeyed(key[:])
		if err != nil {
			panic(err) // the key has 32 bytes
		}
		return newPool(h)
	}
	return &Hasher{chunk: sub(contextChunk), logical: sub(contextLogical), cut: sub(contextCut)}
}

// Subkey derives the key for one purpose from a secret. The context names the
// purpose, and no two purposes have the same.
func Subkey(context string, secret [32]byte) (key [32]byte) {
	blake3.DeriveKey(context, secret[:], key[:])
	return key
}

// ID is the id of a chunk with these canonical bytes.
func (h *Hasher) ID(canonical []byte) ID { return h.chunk.sum(canonical) }

// Logical is the logical id of the content that b describes.
func (h *Hasher) Logical(b []byte) ID { return h.logical.sum(b) }

// FileHash is the checksum of a whole file of the repository, and the name of
// those that are named by their content. It needs no key.
func FileHash(parts ...[]byte) ID { return filePool.sum(parts...) }

// NewFileHash computes FileHash of what is written to it.
func NewFileHash() hash.Hash { return blake3.NewDeriveKey(contextFile) }

// SnapshotHash is the identity of a snapshot's record.
func SnapshotHash(record []byte) ID { return snapshotPool.sum(record) }

// AuditHash is the hash by which an audit entry names its predecessor.
func AuditHash(entry []byte) ID { return auditPool.sum(entry) }

var (
	filePool     = newPool(blake3.NewDeriveKey(contextFile))
	snapshotPool = newPool(blake3.NewDeriveKey(contextSnapshot))
	auditPool    = newPool(blake3.NewDeriveKey(contextAudit))
)

// pool keeps hashers of one context; making one costs more than hashing a
// small chunk.
type pool struct{ p *sync.Pool }

func newPool(prototype *blake3.Hasher) pool {
	return pool{&sync.Pool{New: func() any { return prototype.Clone() }}}
}

func (p pool) sum(parts ...[]byte) (id ID) {
	h := p.p.Get().(*blake3.Hasher)
	defer p.p.Put(h)
	h.Reset()
	for _, b := range parts {
		_, _ = h.Write(b)
	}
	h.Sum(id[:0])
	return id
}

// elementSize is what an element contributes to the cut: the 64 bytes of
// BLAKE3's extendable output over its level and id.
const elementSize = 64

func (p pool) element(level int, id []byte, out *[elementSize]byte) {
	h := p.p.Get().(*blake3.Hasher)
	defer p.p.Put(h)
	h.Reset()
	var l [4]byte
	binary.LittleEndian.PutUint32(l[:], uint32(level))
	_, _ = h.Write(l[:])
	_, _ = h.Write(id)
	_, _ = h.Digest().Read(out[:])
}
