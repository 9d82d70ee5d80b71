package repo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"hash"
	"slices"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// packBuilder collects stored chunks. What has come together goes to a draft, from
// piece to piece, so that a pack takes little memory.
type packBuilder struct {
	target   int // packTarget, but for tests
	entries  []index.Entry
	envelope *envelope

	draft   backend.Draft // begins with the file; nil: nothing was spilled
	hash    hash.Hash     // of what the draft has
	spilled int           // bytes in the draft
	buf     []byte        // what follows them
}

// newPack starts a pack in the memory of buf, with a salt of its own.
func newPack(buf []byte, target int, e *envelope) *packBuilder {
	var salt [packSalt]byte
	_, _ = rand.Read(salt[:]) // never fails
	buf = append(append(buf[:0], packMagic...), packVersion)
	return &packBuilder{target: target, buf: append(buf, salt[:]...), envelope: e}
}

// length of header and chunks.
func (p *packBuilder) length() int { return p.spilled + len(p.buf) }

// size is the length that the file will have without padding, or a little more.
func (p *packBuilder) size() int {
	return p.length() + len(p.entries)*index.EntryMax + 5 + p.envelope.directorySize() + packTrailer
}

// fits reports whether a stored form of n bytes may still be added. One always
// fits into an empty pack.
func (p *packBuilder) fits(n int) bool {
	return len(p.entries) == 0 || p.size()+index.EntryMax+n <= p.target
}

func (p *packBuilder) add(kind chunk.Kind, id chunk.ID, stored []byte) {
	p.entries = append(p.entries, index.Entry{ID: id, Kind: kind, Offset: uint32(p.length()), Length: uint32(len(stored))})
	p.buf = append(p.buf, stored...)
}

// put is add, after which what has come together is in the draft, or less than a
// piece.
func (p *packBuilder) put(ctx context.Context, be backend.Backend, kind chunk.Kind, id chunk.ID, stored []byte) error {
	piece := p.target / packPieces
	if len(stored) < piece {
		p.add(kind, id, stored)
		if len(p.buf) < piece {
			return nil
		}
		return p.spill(ctx, be, nil)
	}
	p.entries = append(p.entries, index.Entry{ID: id, Kind: kind, Offset: uint32(p.length()), Length: uint32(len(stored))})
	return p.spill(ctx, be, stored)
}

// spill takes what is in memory to the draft, and more behind it.
func (p *packBuilder) spill(ctx context.Context, be backend.Backend, more []byte) (err error) {
	if p.draft == nil {
		if p.draft, err = backend.NewDraft(ctx, be, packsFolder); err != nil {
			return err
		}
		p.hash = chunk.NewFileHash()
	}
	for _, data := range [...][]byte{p.buf, more} {
		if err := p.draft.Write(ctx, data); err != nil {
			return err
		}
		_, _ = p.hash.Write(data) // never fails
		p.spilled += len(data)
	}
	p.buf = p.buf[:0]
	return nil
}

// stored gives a copy of the bytes of entry i.
func (p *packBuilder) stored(ctx context.Context, i int) ([]byte, error) {
	e := p.entries[i]
	if at := int(e.Offset) - p.spilled; at >= 0 {
		return append([]byte(nil), p.buf[at:at+int(e.Length)]...), nil
	}
	return p.draft.Load(ctx, int64(e.Offset), int64(e.Length))
}

// finish gives the rest of the file, behind what was spilled. Nothing may be added
// then, but what was can still be read: only memory behind the buffer's end is written.
func (p *packBuilder) finish() (rest []byte, pack index.Pack) {
	rest = p.envelope.sealDirectory(p.spilled, p.buf, index.AppendDirectory(nil, p.entries))
	sum := chunk.FileHash(rest[len(p.buf):])
	length := len(rest) - len(p.buf)
	rest = append(rest, sum[:]...)
	rest = binary.LittleEndian.AppendUint32(rest, uint32(length))
	rest = append(rest, packVersion)
	rest = append(rest, packEnd...)
	pack = index.Pack{Size: int64(p.spilled + len(rest)), Entries: slices.Clone(p.entries)}
	if p.draft == nil {
		pack.ID = chunk.FileHash(rest)
		return rest, pack
	}
	_, _ = p.hash.Write(rest)
	p.hash.Sum(pack.ID[:0])
	return rest, pack
}

// save writes the file, of which rest is what finish gave.
func (p *packBuilder) save(ctx context.Context, be backend.Backend, name string, rest []byte) error {
	if p.draft == nil {
		return be.Save(ctx, name, rest)
	}
	if err := p.draft.Write(ctx, rest); err != nil {
		return err
	}
	return p.draft.Save(ctx, name)
}

// discard frees what the pack holds, whether it was saved or not.
func (p *packBuilder) discard() {
	if p.draft != nil {
		p.draft.Discard()
	}
}
