package chunk

import (
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/huff0"

	"autochrome/internal/reuse"
	"autochrome/internal/wire"
)

// Embeddings are coded by byte planes. Each float is rotated left by one bit,
// so that the sign leaves the exponent's byte; the four bytes of all floats are
// laid apart; each plane is coded on its own in blocks of 128 KiB, as Huffman
// literals or as it is, whichever is smaller. The mantissa of a real embedding
// is noise, its exponent has about 2.5 bits of entropy: nothing more is to be
// had (83.1 % of the raw size against a limit of 82.7 %), while bytes that were
// 16-bit floats once lose their empty planes.
//
//	head length  uvarint    canonical bytes before the first float
//	floats       uvarint
//	head         bytes
//	planes 3..0  blocks     plane 3 holds the exponent
//	tail         bytes      canonical bytes behind the last float
//
// A block is its mode, for Huffman its coded length as uvarint, and its bytes.
const planeBlock = 128 << 10

const (
	blockStored  = 0
	blockRLE     = 1 // one byte, repeated
	blockHuffman = 2 // huff0: table and four streams
)

// floatSpan says where the floats of canonical embeddings lie.
func floatSpan(canonical []byte) (start, count int) {
	d := wire.Reader{Rest: canonical[2:]}
	n := d.Int(MaxRows)
	dim := d.Int(MaxDimension)
	flags := d.Byte()
	present := n
	if flags&flagPresence != 0 {
		_, present = d.Bits(n)
	}
	if flags&flagHoles != 0 {
		d.Bits(n)
	}
	return len(canonical) - len(d.Rest), present * dim
}

func encodePlanes(dst, canonical []byte) []byte {
	start, count := floatSpan(canonical)
	dst = binary.AppendUvarint(dst, uint64(start))
	dst = binary.AppendUvarint(dst, uint64(count))
	dst = append(dst, canonical[:start]...)
	dst = appendPlanes(dst, canonical[start:start+4*count])
	return append(dst, canonical[start+4*count:]...)
}

func appendPlanes(dst, floats []byte) []byte {
	n := len(floats) / 4
	buf := scratch.Get()
	defer scratch.Put(buf)
	*buf = reuse.Sized(*buf, 4*n)
	p0, p1, p2, p3 := (*buf)[:n], (*buf)[n:2*n], (*buf)[2*n:3*n], (*buf)[3*n:4*n]
	p1, p2, p3 = p1[:n], p2[:n], p3[:n] // or each byte is checked against the length
	for i := range n {
		u := binary.LittleEndian.Uint32(floats[4*i : 4*i+4])
		u = u<<1 | u>>31
		p0[i], p1[i], p2[i], p3[i] = byte(u), byte(u>>8), byte(u>>16), byte(u>>24)
	}
	s := huffScratch.Get()
	defer huffScratch.Put(s)
	for _, plane := range [][]byte{p3, p2, p1, p0} {
		for len(plane) > 0 {
			block := plane[:min(len(plane), planeBlock)]
			plane = plane[len(block):]
			dst = appendBlock(dst, block, s)
		}
	}
	return dst
}

func appendBlock(dst, block []byte, s *huff0.Scratch) []byte {
	if isNoise(block) {
		return append(append(dst, blockStored), block...)
	}
	s.Reuse = huff0.ReusePolicyNone
	out, _, err := huff0.Compress4X(block, s)
	switch {
	case err == huff0.ErrUseRLE:
		return append(dst, blockRLE, block[0])
	case err == nil && len(out)+4 < len(block):
		dst = binary.AppendUvarint(append(dst, blockHuffman), uint64(len(out)))
		return append(dst, out...)
	}
	return append(append(dst, blockStored), block...)
}

// isNoise reports whether a block is not worth trying: three planes of four are
// not. It counts bytes here and there, and judges as huff0 does when it has
// counted all: by whether one stands twice as often as the average.
func isNoise(block []byte) bool {
	const pieces, length = 16, 256
	step := len(block) / pieces
	if step < 2*length {
		return false
	}
	var count [256]int
	for at := range pieces {
		for _, c := range block[at*step:][:length] {
			count[c]++
		}
	}
	return slices.Max(count[:]) < pieces*length>>7+4
}

func decodePlanes(alloc func(int) []byte, b []byte, length int) ([]byte, error) {
	d := wire.Reader{Rest: b}
	start, count := d.Int(length), d.Int(length/4)
	head := d.Take(start)
	if d.Err != nil || start+4*count > length {
		return nil, corrupt("planes: bad lengths")
	}
	// A block has at least two bytes: what is announced beyond that is a lie.
	if blocks := (count + planeBlock - 1) / planeBlock; 4*2*blocks > len(d.Rest) {
		return nil, corrupt("planes: %d floats in %d bytes", count, len(d.Rest))
	}
	buf := scratch.Get()
	defer scratch.Put(buf)
	*buf = reuse.Sized(*buf, 4*count)
	var planes [4][]byte
	for p := 3; p >= 0; p-- {
		var err error
		if planes[p], err = decodePlane(&d, (*buf)[p*count:(p+1)*count]); err != nil {
			return nil, err
		}
	}
	tail := d.Take(length - start - 4*count)
	if d.Err != nil || len(d.Rest) != 0 {
		return nil, corrupt("planes: truncated, or bytes too many")
	}
	out := alloc(length)
	copy(out, head)
	floats := out[start : start+4*count]
	p0, p1, p2, p3 := planes[0], planes[1][:count], planes[2][:count], planes[3][:count]
	for i := range p0 {
		u := uint32(p0[i]) | uint32(p1[i])<<8 | uint32(p2[i])<<16 | uint32(p3[i])<<24
		binary.LittleEndian.PutUint32(floats[4*i:], u>>1|u<<31)
	}
	copy(out[start+4*count:], tail)
	return out, nil
}

// decodePlane gives a plane of len(buf) bytes: where it lies, if it is stored as
// it is in one block, or else in buf.
func decodePlane(d *wire.Reader, buf []byte) ([]byte, error) {
	if len(buf) > 0 && len(buf) <= planeBlock && len(d.Rest) > len(buf) && d.Rest[0] == blockStored {
		d.Byte()
		return d.Take(len(buf)), nil
	}
	for rest := buf; len(rest) > 0; {
		block := rest[:min(len(rest), planeBlock)]
		rest = rest[len(block):]
		if err := decodeBlock(d, block); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

func decodeBlock(d *wire.Reader, block []byte) error {
	switch mode := d.Byte(); mode {
	case blockStored:
		copy(block, d.Take(len(block)))
	case blockRLE:
		c := d.Byte()
		for i := range block {
			block[i] = c
		}
	case blockHuffman:
		in := d.Take(d.Int(len(block)))
		if d.Err != nil {
			break
		}
		s := huffScratch.Get()
		defer huffScratch.Put(s)
		s, rest, err := huff0.ReadTable(in, s)
		if err != nil {
			return corrupt("planes: %v", err)
		}
		out, err := s.Decoder().Decompress4X(block[:0:len(block)], rest)
		if err != nil || len(out) != len(block) {
			return corrupt("planes: block does not decode to %d bytes (%v)", len(block), err)
		}
	default:
		return corrupt("planes: unknown block mode %d", mode)
	}
	if d.Err != nil {
		return corrupt("planes: %v", d.Err)
	}
	return nil
}
