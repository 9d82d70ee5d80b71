package repo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"golang.org/x/sync/errgroup"

	"autochrome/chunk"
	"autochrome/index"
	"autochrome/repo/backend"
)

// ReadShare says which packs a check reads to the last byte; the zero value:
// none. Packs stand in a ring, ordered by their ids, which are hashes: so a
// share is a fair sample, and shares that begin where the last one ended come
// round to every pack.
type ReadShare struct {
	Bytes func(total int64) int64 // how much, at least one pack; nil: see Parts
	After uint64                  // begin behind here; Checked.ReadTo of the last share

	// Part, from 1 on, of Parts equal arcs of the ring; 0: none. Part 1 of 1
	// are all packs.
	Part, Parts int
}

// All is the share that is everything.
func All() ReadShare { return ReadShare{Part: 1, Parts: 1} }

// ringPlace is where a pack stands in the ring: 62 bits, which an audit entry
// can hold.
func ringPlace(id chunk.ID) uint64 { return binary.BigEndian.Uint64(id[:]) >> 2 }

// choose gives the packs of a share, and where the next one begins.
func (s ReadShare) choose(packs map[chunk.ID]backend.Info) (ids []chunk.ID, to uint64) {
	var ring []chunk.ID
	var total int64
	for id, info := range packs {
		ring = append(ring, id)
		total += info.Size
	}
	slices.SortFunc(ring, func(a, b chunk.ID) int { return bytes.Compare(a[:], b[:]) })
	if s.Parts > 0 {
		return slices.DeleteFunc(ring, func(id chunk.ID) bool {
			part, _ := bits.Mul64(ringPlace(id)<<2, uint64(s.Parts))
			return int(part) != s.Part-1
		}), 0
	}
	if s.Bytes == nil || len(ring) == 0 {
		return nil, s.After
	}
	first := slices.IndexFunc(ring, func(id chunk.ID) bool { return ringPlace(id) > s.After })
	ring = append(ring[max(first, 0):], ring[:max(first, 0)]...)
	want := s.Bytes(total)
	n := 0
	for sum := int64(0); n < len(ring) && (n == 0 || sum < want); n++ {
		sum += packs[ring[n]].Size
	}
	return ring[:n], ringPlace(ring[n-1])
}

// parallelReads is how many packs are in memory at a time.
const parallelReads = 3

// read reads the packs of the share to the last byte.
func (c *checker) read(ctx context.Context) error {
	ids, to := c.o.Read.choose(c.out.Health.packs)
	c.out.ReadTo = to
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReads)
	done := 0
	for _, id := range ids {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			info := c.out.Health.packs[id]
			if err := c.readPack(ctx, id, info); err != nil {
				return err
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.out.Read.add(info.Size)
			if done++; c.o.Progress != nil {
				c.o.Progress(done, len(ids))
			}
			return nil
		})
	}
	return g.Wait()
}

// readPack reads a pack: its hash is its name, and every stored form decodes
// and has its id. What is wrong is read a second time: the store may have been
// at fault only once.
func (c *checker) readPack(ctx context.Context, id chunk.ID, info backend.Info) error {
	var file []byte
	var err error
	for range 2 {
		if file, err = c.r.loadFile(ctx, info, index.MaxPack); err == nil && chunk.FileHash(file) == id {
			return c.contents(ctx, id, info, file)
		}
		if err != nil && !isDamage(err) {
			return err
		}
	}
	if errors.Is(err, backend.ErrNotExist) {
		if deleted, e := c.deleted(ctx, id, info.Name); deleted || e != nil {
			return e
		}
	}
	spoilt := 0
	entries := c.entriesOf(id, file)
	for _, e := range entries {
		if err := c.entry(e, file); err != nil {
			spoilt++
			c.out.Health.spoil(e.ID, id)
		}
	}
	if err == nil {
		err = corrupt("pack: its name is not the hash of its bytes")
	}
	c.found(Finding{File: info.Name, Chunks: spoilt, Err: err})
	return nil
}

// contents looks into a pack that is what was written: whoever wrote it may
// have been wrong.
func (c *checker) contents(ctx context.Context, id chunk.ID, info backend.Info, file []byte) error {
	entries, err := decodePack(c.r.envelope, file)
	spoilt := 0
	for _, e := range entries {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wrong := c.entry(e, file); wrong != nil {
			spoilt++
			c.out.Health.spoil(e.ID, id)
			if err == nil {
				err = wrong
			}
		}
	}
	if err != nil {
		c.found(Finding{File: info.Name, Chunks: spoilt, Err: err})
	}
	return nil
}

// entriesOf gives what shall lie in a damaged pack: as the index says, for its
// own directory may be what is damaged.
func (c *checker) entriesOf(id chunk.ID, file []byte) []index.Entry {
	if _, known := c.r.index().PackSize(id); !known {
		entries, _ := decodePack(c.r.envelope, file)
		return entries
	}
	return c.r.entriesOf(id)
}

// entriesOf gives what lies in a pack as the index says, without records of
// snapshots.
func (r *Repository) entriesOf(id chunk.ID) []index.Entry {
	var entries []index.Entry
	r.index().Each(func(of chunk.ID, at index.Location) bool {
		if at.Pack == id {
			entries = append(entries, index.Entry{ID: of, Kind: at.Kind, Offset: uint32(at.Offset), Length: uint32(at.Length)})
		}
		return true
	})
	return entries
}

// entry checks one stored form in a pack.
func (c *checker) entry(e index.Entry, file []byte) error {
	if int64(e.Offset)+int64(e.Length) > int64(len(file)) {
		return backend.ErrShort
	}
	stored := file[e.Offset : e.Offset+e.Length]
	if e.Kind == index.Record {
		stored, err := c.r.envelope.stored(e.Kind, e.ID, stored)
		if err == nil {
			_, err = decodeRecord(stored, e.ID)
		}
		return err
	}
	_, err := c.r.decode(e.Kind, e.ID, stored)
	return err
}
