package chunk

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/huff0"
	"github.com/klauspost/compress/zstd"

	"autochrome/internal/reuse"
	"autochrome/internal/wire"
)

// The stored form of a chunk is a codec number, the length of its canonical
// bytes, and what the codec made of them. It may change freely: ids are made
// from canonical bytes only.
const (
	codecRaw    = 0
	codecZstd   = 1
	codecPlanes = 2 // embeddings: byte planes, see planes.go
	codecRecord = 3 // records of snapshots: zstd with a dictionary, see codec_record.go
)

// Encode appends the stored form of canonical bytes, or of a snapshot's record,
// which is JSON.
func Encode(dst, canonical []byte) []byte {
	if canonical[0] == '{' {
		return encodeRecord(dst, canonical)
	}
	kind := Kind(canonical[0])
	if kind == Embeddings && !zstdWins(canonical) {
		return encodePlanes(appendHead(dst, codecPlanes, len(canonical)), canonical)
	}
	encoder := zstdFast
	if kind == Embeddings {
		encoder = zstdDefault
	}
	at := len(dst)
	dst = appendHead(dst, codecZstd, len(canonical))
	body := len(dst)
	dst = encoder().EncodeAll(canonical, dst)
	if len(dst)-body < len(canonical) {
		return dst
	}
	return append(appendHead(dst[:at], codecRaw, len(canonical)), canonical...)
}

func appendHead(dst []byte, codec byte, length int) []byte {
	return binary.AppendUvarint(append(dst, codec), uint64(length))
}

// Decode gives the canonical bytes of a stored form. Nothing longer than it
// announces, or than MaxRow allows, is ever allocated.
func Decode(stored []byte) ([]byte, error) { return DecodeWith(nil, stored) }

// DecodeWith is Decode in memory that alloc gives, of any content, when it is told
// how many bytes it takes. It is told once at the most.
func DecodeWith(alloc func(length int) []byte, stored []byte) ([]byte, error) {
	if alloc == nil {
		alloc = func(length int) []byte { return make([]byte, length) }
	}
	d := wire.Reader{Rest: stored}
	codec := d.Byte()
	length := d.Int(MaxRow + MaxSize)
	if d.Err != nil {
		return nil, corrupt("stored form: %v", d.Err)
	}
	switch codec {
	case codecRaw:
		if len(d.Rest) != length {
			return nil, corrupt("stored form: %d bytes instead of %d", len(d.Rest), length)
		}
		return append(alloc(length)[:0], d.Rest...), nil // what is stored may be a small part of much
	case codecZstd:
		return decodeZstd(zstdDecoder(), alloc, d.Rest, length)
	case codecRecord:
		return decodeZstd(recordDecoder(), alloc, d.Rest, length)
	case codecPlanes:
		return decodePlanes(alloc, d.Rest, length)
	}
	return nil, corrupt("stored form: unknown codec %d", codec)
}

// zstdBlock is what a block of a zstd frame decodes to at the most.
const zstdBlock = 128 << 10

func decodeZstd(decoder *zstd.Decoder, alloc func(int) []byte, b []byte, length int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(b); err != nil {
		return nil, corrupt("zstd: %v", err)
	}
	if !h.HasFCS || h.FrameContentSize != uint64(length) {
		return nil, corrupt("zstd: frame does not announce %d bytes", length)
	}
	// A block has at least four bytes: what is announced beyond that is a lie.
	if length/zstdBlock > len(b)/4 {
		return nil, corrupt("zstd: %d bytes announced in %d", length, len(b))
	}
	out, err := decoder.DecodeAll(b, alloc(length)[:0:length])
	if err != nil {
		return nil, corrupt("zstd: %v", err)
	}
	if len(out) != length {
		return nil, corrupt("zstd: %d bytes instead of %d", len(out), length)
	}
	return out, nil
}

// zstdWindow is how far back matches are looked for: most chunks have less, and an
// encoder takes as much memory.
const zstdWindow = 1 << 20

// The fastest level makes texts 7 % larger than the default one, in half the
// time. Embeddings that were 8-bit integers once are rare enough for the latter.
var (
	zstdFast    = sync.OnceValue(func() *zstd.Encoder { return newZstd(zstd.SpeedFastest, zstdWindow) })
	zstdDefault = sync.OnceValue(func() *zstd.Encoder { return newZstd(zstd.SpeedDefault, zstdWindow) })
	zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(MaxRow+MaxSize),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(fmt.Sprintf("zstd: %v", err)) // only for bad options
		}
		return d
	})
)

func newZstd(level zstd.EncoderLevel, window int, more ...zstd.EOption) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, append(more, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(window), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))...)
	if err != nil {
		panic(fmt.Sprintf("zstd: %v", err)) // only for bad options
	}
	return e
}

// zstdSample is how much of a chunk of embeddings is tried with zstd. It shows
// in so little: vectors that were 8-bit once are a third of their size with it
// and half with byte planes, all others are larger.
const zstdSample = 16 << 10

// zstdWins reports whether plain zstd makes a chunk of embeddings smaller than
// byte planes do. It does for vectors that were 8-bit integers once; for all
// others its matches are false ones and cost size (docs/benchmarks.md).
func zstdWins(canonical []byte) bool {
	sample := canonical[:min(len(canonical), zstdSample)]
	start, count := floatSpan(canonical)
	count = min(count, max(0, len(sample)-start)/4)
	buf := scratch.Get()
	defer scratch.Put(buf)
	*buf = zstdFast().EncodeAll(sample, (*buf)[:0])
	plain := len(*buf)
	*buf = appendPlanes((*buf)[:0], sample[start:start+4*count])
	return plain < len(*buf)+len(sample)-4*count
}

var (
	scratch     reuse.Buffers
	huffScratch = reuse.Stack[*huff0.Scratch]{New: func() *huff0.Scratch { return new(huff0.Scratch) }}
)
