package guard

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"autochrome/internal/tempfile"
)

// places finds the append number of a record by its id, in a scratch file: an
// open hash table of 24 bytes an entry. Where a table is full, a larger one
// follows it and nothing is moved, so that no write costs more for what was
// written before.
type places struct {
	file   *os.File
	hash   func(id []byte) idHash // hashID, but for tests
	tables []table
	end    int64 // of the file
}

// idHash stands for an id: 128 bits of a hash of which nobody can find two ids
// that share it. So an id need not be compared with the one that was put.
type idHash [16]byte

func hashID(id []byte) idHash {
	sum := sha256.Sum256(id)
	return idHash(sum[:])
}

// table is a part of the file.
type table struct {
	at       int64
	capacity uint64 // entries; a power of two
	used     uint64
}

// place is what is known of an id.
type place struct {
	number int64 // of its last append
	flags
	at int64 // in the file; 0: it is not there
}

type flags uint16

const (
	present     flags = 1 << iota // it is in the collection now
	document                      // with a document
	vector                        // with a whole vector
	ofBase                        // the base had it
	hadDocument                   // there, with a document
	hadVector                     // there, with a whole vector
	lost                          // it is counted as lost
)

const (
	entrySize  = len(idHash{}) + 8
	numberBits = 48
	fileHead   = entrySize // so that no entry is at 0
)

// newPlaces makes a scratch file for about so many ids.
func newPlaces(about int64) (*places, error) {
	f, err := tempfile.New("autochrome-guard-*")
	if err != nil {
		return nil, err
	}
	p := &places{file: f, hash: hashID, end: int64(fileHead)}
	capacity := uint64(1 << 12)
	for capacity < 2*uint64(about) {
		capacity *= 2
	}
	return p, p.grow(capacity)
}

func (p *places) close() error { return tempfile.Close(p.file) }

// grow adds an empty table; the file has a hole there.
func (p *places) grow(capacity uint64) error {
	p.tables = append(p.tables, table{at: p.end, capacity: capacity})
	p.end += int64(capacity) * int64(entrySize)
	return p.file.Truncate(p.end)
}

// find gives what is known of an id.
func (p *places) find(id []byte) (place, error) { return p.findHash(p.hash(id)) }

func (p *places) findHash(h idHash) (place, error) {
	for i := len(p.tables) - 1; i >= 0; i-- {
		at, there, err := p.probe(p.tables[i], h)
		if err != nil || there {
			pl, err2 := p.read(at)
			return pl, errors.Join(err, err2)
		}
	}
	return place{}, nil
}

// put notes what is known of an id; at is that of the place that find gave.
func (p *places) put(id []byte, pl place) error {
	h := p.hash(id)
	if pl.at == 0 {
		t := &p.tables[len(p.tables)-1]
		if t.used*4 >= t.capacity*3 {
			if err := p.grow(t.capacity * 2); err != nil {
				return err
			}
			t = &p.tables[len(p.tables)-1]
		}
		at, _, err := p.probe(*t, h)
		if err != nil {
			return err
		}
		t.used++
		pl.at = at
	}
	b := binary.LittleEndian.AppendUint64(h[:], uint64(pl.number)|uint64(pl.flags)<<numberBits)
	_, err := p.file.WriteAt(b, pl.at)
	return err
}

// probe gives where the entry of a hash is, or where it would be.
func (p *places) probe(t table, h idHash) (at int64, there bool, err error) {
	var b [8 * entrySize]byte
	for i := binary.LittleEndian.Uint64(h[:]) & (t.capacity - 1); ; {
		n := min(len(b)/entrySize, int(t.capacity-i))
		at := t.at + int64(i)*int64(entrySize)
		if _, err := p.file.ReadAt(b[:n*entrySize], at); err != nil {
			return 0, false, err
		}
		for k := range n {
			switch idHash(b[k*entrySize:]) {
			case h:
				return at + int64(k*entrySize), true, nil
			case idHash{}:
				return at + int64(k*entrySize), false, nil
			}
		}
		i = (i + uint64(n)) & (t.capacity - 1)
	}
}

func (p *places) read(at int64) (place, error) {
	var b [8]byte
	_, err := p.file.ReadAt(b[:], at+int64(len(idHash{})))
	v := binary.LittleEndian.Uint64(b[:])
	return place{number: int64(v & (1<<numberBits - 1)), flags: flags(v >> numberBits), at: at}, err
}

// each calls fn with the hash of every id that was ever there.
func (p *places) each(fn func(h idHash, pl place) error) error {
	var b [entrySize]byte
	for _, t := range p.tables {
		size := int64(t.capacity) * int64(entrySize)
		in := bufio.NewReaderSize(io.NewSectionReader(p.file, t.at, size), 1<<16)
		for at := t.at; at < t.at+size; at += int64(entrySize) {
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return err
			}
			h, v := idHash(b[:]), binary.LittleEndian.Uint64(b[len(idHash{}):])
			if h == (idHash{}) {
				continue
			}
			if err := fn(h, place{number: int64(v & (1<<numberBits - 1)), flags: flags(v >> numberBits), at: at}); err != nil {
				return err
			}
		}
	}
	return nil
}
