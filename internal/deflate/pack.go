package deflate

// packer packs parts, one after the other; each by itself.
type packer struct {
	finder   finder
	segments []*block // that have no codes yet, of texts and numbers in turn
	idle     []*block
	whole    block // all of them as one
}

// pack appends a part, packed, to out: b from start on. What lies before is what
// matches may refer to. It ends with a byte.
func (p *packer) pack(out, b []byte, start int) []byte {
	f := &p.finder
	f.reset(b)
	w := &bitWriter{out: out}
	for i := 0; i < start; {
		end, numbers := segment(b[:start], i)
		if numbers {
			f.skipNumbers(i, end)
		} else {
			f.skipText(i, end)
		}
		i = end
	}
	for i := start; i < len(b); {
		end, numbers := segment(b, i)
		for i < end { // a block at a time
			stop := min(end, i+blockTokens)
			b := p.block()
			if numbers {
				f.numbers(i, stop, b)
			} else {
				f.text(i, stop, b)
			}
			i = stop
			if p.whole.add(b); len(p.whole.tokens) >= blockTokens {
				p.write(w)
			}
		}
	}
	p.write(w)
	w.align()
	return w.out
}

// block gives an empty one, the next of the segments.
func (p *packer) block() *block {
	b := &block{}
	if n := len(p.idle); n > 0 {
		b, p.idle = p.idle[n-1], p.idle[:n-1]
		b.reset()
	}
	p.segments = append(p.segments, b)
	return b
}

// write writes the segments: neighbours as one block where that is shorter, or all
// of them as one.
func (p *packer) write(w *bitWriter) {
	if len(p.segments) == 0 {
		return
	}
	groups := p.segments[:1]
	for _, b := range p.segments[1:] {
		last := groups[len(groups)-1]
		if last.cost(b) <= last.cost(nil)+b.cost(nil) {
			last.add(b)
			p.idle = append(p.idle, b)
		} else {
			groups = append(groups, b)
		}
	}
	apart := 0
	for _, b := range groups {
		apart += b.cost(nil)
	}
	if p.whole.cost(nil) <= apart {
		w.write(&p.whole)
	} else {
		for _, b := range groups {
			w.write(b)
		}
	}
	p.idle, p.segments = append(p.idle, groups...), p.segments[:0]
	p.whole.reset()
}
