package deflate

// bitWriter writes bits, the lowest first.
type bitWriter struct {
	out []byte
	acc uint64
	n   uint // in acc
}

func (w *bitWriter) put(v uint64, n uint) {
	w.acc |= v << (w.n & 63)
	w.n += n
	if w.n >= 32 {
		w.out = append(w.out, byte(w.acc), byte(w.acc>>8), byte(w.acc>>16), byte(w.acc>>24))
		w.acc >>= 32
		w.n -= 32
	}
}

// align ends with an empty stored block, so that the next part begins with a byte.
func (w *bitWriter) align() {
	w.put(0, 3)
	for w.n > 0 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
		w.n -= min(w.n, 8)
	}
	w.out = append(w.out, 0, 0, 0xFF, 0xFF)
}

// lengthOrder is in which order the lengths of the lengths' codes stand.
var lengthOrder = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// write writes a block with codes of its own.
func (w *bitWriter) write(b *block) {
	b.litlen[endOfBlock] = 1
	lits, dists := makeCodes(b.litlen[:], 15), makeCodes(b.dist[:], 15)
	nl, nd := 286, 30
	for nl > 257 && lits.lengths[nl-1] == 0 {
		nl--
	}
	for nd > 1 && dists.lengths[nd-1] == 0 {
		nd--
	}
	w.put(0b100, 3) // not the last one; codes follow
	w.put(uint64(nl-257), 5)
	w.put(uint64(nd-1), 5)
	w.lengths(append(append(make([]uint8, 0, nl+nd), lits.lengths[:nl]...), dists.lengths[:nd]...))
	var literals [256]uint32 // code and, in the upper half, its length
	for i := range literals {
		literals[i] = uint32(lits.bits[i]) | uint32(lits.lengths[i])<<16
	}
	for _, t := range b.tokens {
		if t&matchFlag == 0 {
			c := literals[byte(t)]
			w.put(uint64(c&0xFFFF), uint(c>>16))
			continue
		}
		length, distance := t.length(), t.distance()
		l := lengthCode[length-3]
		s := 257 + int(l)
		n := uint(lits.lengths[s])
		w.put(uint64(lits.bits[s])|uint64(length-int(lengthBase[l]))<<n, n+uint(lengthExtra[l]))
		d := distanceCode(distance)
		n = uint(dists.lengths[d])
		w.put(uint64(dists.bits[d])|uint64(distance-int(distBase[d]))<<n, n+uint(distExtra[d]))
	}
	w.put(uint64(lits.bits[endOfBlock]), uint(lits.lengths[endOfBlock]))
}

// run is a symbol of the code of lengths, and what stands behind it.
type run struct {
	symbol uint8
	extra  uint8
	bits   uint
}

// lengths writes the lengths of codes: repeated ones as runs.
func (w *bitWriter) lengths(all []uint8) {
	var runs []run
	for i := 0; i < len(all); {
		n := 1
		for i+n < len(all) && all[i+n] == all[i] {
			n++
		}
		i += n
		switch v := all[i-1]; {
		case v == 0:
			for ; n >= 3; n -= min(n, 138) {
				if k := min(n, 138); k > 10 {
					runs = append(runs, run{18, uint8(k - 11), 7})
				} else {
					runs = append(runs, run{17, uint8(k - 3), 3})
				}
			}
		default:
			runs = append(runs, run{v, 0, 0})
			for n--; n >= 3; n -= min(n, 6) {
				runs = append(runs, run{16, uint8(min(n, 6) - 3), 2})
			}
		}
		for ; n > 0; n-- {
			runs = append(runs, run{all[i-1], 0, 0})
		}
	}
	var freq [19]uint32
	for _, r := range runs {
		freq[r.symbol]++
	}
	c := makeCodes(freq[:], 7)
	count := len(lengthOrder)
	for count > 4 && c.lengths[lengthOrder[count-1]] == 0 {
		count--
	}
	w.put(uint64(count-4), 4)
	for _, s := range lengthOrder[:count] {
		w.put(uint64(c.lengths[s]), 3)
	}
	for _, r := range runs {
		n := uint(c.lengths[r.symbol])
		w.put(uint64(c.bits[r.symbol])|uint64(r.extra)<<n, n+r.bits)
	}
}
