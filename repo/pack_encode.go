package repo

import (
	"crypto/rand"
	"encoding/binary"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
)

// packBuilder collects stored chunks.
type packBuilder struct {
	target   int    // packTarget, but for tests
	buf      []byte // header and chunks
	entries  []index.Entry
	salt     int // entries that make the pack unlike any other
	envelope *envelope
}

// newPack starts a pack in the memory of buf.
func newPack(buf []byte, target int, e *envelope) *packBuilder {
	buf = append(buf[:0], packMagic...)
	return &packBuilder{target: target, buf: append(buf, packVersion), envelope: e}
}

// openPack starts a pack that is unlike any other, also one of the same chunks:
// its first chunk is a document of random text, which nothing refers to. So the
// name of a pack that was deleted never comes back, and who was about to delete
// one when he was suspended cannot delete another's.
func (r *Repository) openPack(buf []byte) *packBuilder {
	p := newPack(buf, r.packTarget, r.envelope)
	salt := chunk.NewRows(chunk.Documents, 0)
	salt.AppendString(rand.Text())
	canonical := salt.AppendCanonical(nil)
	id := r.hasher.ID(canonical)
	p.add(chunk.Documents, id, r.envelope.encode(nil, chunk.Documents, id, canonical))
	p.salt = len(p.entries)
	return p
}

// size is the length that the file will have without padding, or a little more.
func (p *packBuilder) size() int {
	return len(p.buf) + len(p.entries)*entryMax + 5 + p.envelope.directorySize() + packTrailer
}

// fits reports whether a stored form of n bytes may still be added. One always
// fits into an empty pack.
func (p *packBuilder) fits(n int) bool {
	return len(p.entries) == p.salt || p.size()+entryMax+n <= p.target
}

func (p *packBuilder) add(kind chunk.Kind, id chunk.ID, stored []byte) {
	p.entries = append(p.entries, index.Entry{ID: id, Kind: kind, Offset: uint32(len(p.buf)), Length: uint32(len(stored))})
	if cap(p.buf)-len(p.buf) < len(stored) {
		// Append alone grows by a quarter, and so copies a pack five times over.
		// What has come to a sixteenth of a pack is likely to fill one.
		more := max(len(stored), len(p.buf))
		if len(p.buf) > p.target/16 {
			more = max(more, p.target-len(p.buf))
		}
		p.buf = slices.Grow(p.buf, more)
	}
	p.buf = append(p.buf, stored...)
}

// stored gives the bytes of entry i.
func (p *packBuilder) stored(i int) []byte {
	e := p.entries[i]
	return p.buf[e.Offset : e.Offset+e.Length]
}

// finish gives the whole file. The builder stays as it is: only memory behind
// its buffer's end is written.
func (p *packBuilder) finish() (file []byte, pack index.Pack) {
	file = p.envelope.sealDirectory(p.buf, index.AppendDirectory(nil, p.entries))
	sum := chunk.FileHash(file[len(p.buf):])
	length := len(file) - len(p.buf)
	file = append(file, sum[:]...)
	file = binary.LittleEndian.AppendUint32(file, uint32(length))
	file = append(file, packVersion)
	file = append(file, packEnd...)
	return file, index.Pack{ID: chunk.FileHash(file), Size: int64(len(file)), Entries: p.entries}
}
