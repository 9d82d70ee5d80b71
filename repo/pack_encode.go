package repo

import (
	"crypto/rand"
	"encoding/binary"

	"autochrome/chunk"
	"autochrome/index"
)

// packBuilder collects stored chunks.
type packBuilder struct {
	target   int    // packTarget, but for tests
	buf      []byte // header and chunks
	entries  []index.Entry
	envelope *envelope
}

// newPack starts a pack in the memory of buf, with a salt of its own.
func newPack(buf []byte, target int, e *envelope) *packBuilder {
	var salt [packSalt]byte
	_, _ = rand.Read(salt[:]) // never fails
	buf = append(append(buf[:0], packMagic...), packVersion)
	return &packBuilder{target: target, buf: append(buf, salt[:]...), envelope: e}
}

// size is the length that the file will have without padding, or a little more.
func (p *packBuilder) size() int {
	return len(p.buf) + len(p.entries)*entryMax + 5 + p.envelope.directorySize() + packTrailer
}

// fits reports whether a stored form of n bytes may still be added. One always
// fits into an empty pack.
func (p *packBuilder) fits(n int) bool {
	return len(p.entries) == 0 || p.size()+entryMax+n <= p.target
}

func (p *packBuilder) add(kind chunk.Kind, id chunk.ID, stored []byte) {
	p.entries = append(p.entries, index.Entry{ID: id, Kind: kind, Offset: uint32(len(p.buf)), Length: uint32(len(stored))})
	p.buf = append(p.buf, stored...)
}

// lacks says how much memory the pack should move to before it takes n more
// bytes; 0: it has room. Append alone grows by a quarter, and so copies a pack five
// times over. What has come to a sixteenth of a pack is likely to fill one; but
// while others are uploaded their memory may soon be free.
func (p *packBuilder) lacks(n int, uploading bool) int {
	if cap(p.buf)-len(p.buf) >= n {
		return 0
	}
	all := len(p.buf) + max(n, len(p.buf))
	if len(p.buf) > p.target/16 && !uploading {
		all = max(all, p.target)
	}
	return all
}

// move takes the pack to other memory and gives what it was in.
func (p *packBuilder) move(to []byte) (was []byte) {
	was, p.buf = p.buf, append(to, p.buf...)
	return was
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
