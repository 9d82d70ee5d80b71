package repo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"autochrome/chunk"
	"autochrome/internal/wire"
	"autochrome/repo/backend"
)

// A mark names packs that are to be deleted, marks/<hash of the file>:
//
//	magic     "ACMK"
//	version   u8         0
//	packs     uvarint
//	ids       32 bytes each, in ascending order
//	checksum  32 bytes   chunk.FileHash of all bytes before it
//
// A mark is for good. What is needed again is copied into a new pack before a
// marked one is deleted, so nobody who once saw the mark can be wrong about
// its packs, however long he was suspended meanwhile. For the same reason no
// pack ever comes back under its name: see packBuilder. Versions: 0 is the
// first.
const (
	markMagic   = "ACMK"
	markVersion = 0

	// maxMarked bounds the packs of one mark: half a terabyte of full ones.
	maxMarked = 1 << 16

	// maxMark bounds a mark's file, in bytes.
	maxMark = maxMarked*chunk.IDSize + 1<<10
)

const (
	// DefaultGrace is how long after the mark a pack is deleted at the
	// earliest, by the store's clock. Who reads or writes meanwhile is not
	// disturbed.
	DefaultGrace = 24 * time.Hour

	// markLife is how long a mark stays at least, also where the grace was
	// shorter and its packs are gone: so a writer sees what was deleted since
	// it began. One that began longer ago than half of it does not rely on
	// that: see standing.
	markLife = DefaultGrace
)

func encodeMark(packs []chunk.ID) []byte {
	b := append([]byte(markMagic), markVersion)
	b = binary.AppendUvarint(b, uint64(len(packs)))
	for _, id := range packs {
		b = append(b, id[:]...)
	}
	sum := chunk.FileHash(b)
	return append(b, sum[:]...)
}

func decodeMark(file []byte) ([]chunk.ID, error) {
	body, err := openFile(file, markMagic, markVersion, "mark")
	if err != nil {
		return nil, err
	}
	if len(body) < chunk.IDSize || chunk.FileHash(file[:len(file)-chunk.IDSize]) != chunk.ID(file[len(file)-chunk.IDSize:]) {
		return nil, corrupt("mark: its checksum does not hold")
	}
	d := wire.Reader{Rest: body[:len(body)-chunk.IDSize]}
	n := d.Int(maxMarked)
	if d.Err != nil || n == 0 || n*chunk.IDSize != len(d.Rest) {
		return nil, corrupt("mark: it does not name as many packs as it says")
	}
	packs := make([]chunk.ID, n)
	for i := range packs {
		copy(packs[i][:], d.Take(chunk.IDSize))
		if i > 0 && bytes.Compare(packs[i-1][:], packs[i][:]) >= 0 {
			return nil, corrupt("mark: its packs are not in order")
		}
	}
	return packs, nil
}

// mark is a file of marks/.
type mark struct {
	info  backend.Info
	packs []chunk.ID
	err   error // what is wrong with it: its packs are not known
}

// readMarks gives all marks that are in the store now.
func (r *Repository) readMarks(ctx context.Context) ([]mark, error) {
	infos, err := r.list(ctx, marksFolder)
	if err != nil {
		return nil, err
	}
	marks := make([]mark, len(infos))
	at := make([]int, len(infos))
	for i := range at {
		at[i] = i
	}
	err = each(ctx, at, func(ctx context.Context, i int) (err error) {
		marks[i], err = r.readMark(ctx, infos[i])
		return err
	})
	// One that went away was read by nobody: its packs are gone, or it took too
	// long to list. Whoever needs them finds that they do not exist.
	marks = slices.DeleteFunc(marks, func(m mark) bool { return errors.Is(m.err, backend.ErrNotExist) })
	return marks, err
}

// readMark reads a mark, once: like all files it never changes.
func (r *Repository) readMark(ctx context.Context, info backend.Info) (mark, error) {
	m := mark{info: info}
	r.mu.RLock()
	packs, ok := r.marks[info.Name]
	r.mu.RUnlock()
	if ok {
		m.packs = packs
		return m, nil
	}
	file, err := r.loadFile(ctx, info, maxMark)
	if err == nil {
		if id, ok := parseNamed(marksFolder, info.Name); !ok || chunk.FileHash(file) != id {
			err = corrupt("mark: its name is not the hash of its bytes")
		} else {
			m.packs, err = decodeMark(file)
		}
	}
	if err != nil {
		m.err = err
		if isDamage(err) {
			return m, nil
		}
		return m, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.marks == nil {
		r.marks = map[string][]chunk.ID{}
	}
	r.marks[info.Name] = m.packs
	return m, nil
}

func compareIDs(a, b chunk.ID) int { return bytes.Compare(a[:], b[:]) }

// saveMarks marks packs for deletion, and gives the names of the marks.
func (r *Repository) saveMarks(ctx context.Context, packs []chunk.ID) (names []string, err error) {
	packs = slices.Clone(packs)
	slices.SortFunc(packs, compareIDs)
	packs = slices.Compact(packs)
	for some := range slices.Chunk(packs, maxMarked) {
		file := encodeMark(some)
		name := marksFolder + chunk.FileHash(file).String()
		if err := r.be.Save(ctx, name, file); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}
