package deflate

// packer packs parts, one after the other; each by itself.
type packer struct {
	finder        finder
	pending, next block
}

// pack appends a part, packed, to out: b from start on. What lies before is what
// matches may refer to. It ends with a byte.
func (p *packer) pack(out, b []byte, start int) []byte {
	f := &p.finder
	f.reset(b)
	w := &bitWriter{out: out}
	p.pending.reset()
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
			p.next.reset()
			if numbers {
				f.numbers(i, stop, &p.next)
			} else {
				f.text(i, stop, &p.next)
			}
			i = stop
			p.join(w)
		}
	}
	if len(p.pending.tokens) > 0 {
		w.write(&p.pending)
	}
	w.align()
	return w.out
}

// join makes one block of the last two where that is shorter, or writes the
// earlier one.
func (p *packer) join(w *bitWriter) {
	n := len(p.pending.tokens)
	if n == 0 {
		p.pending, p.next = p.next, p.pending
		return
	}
	if n+len(p.next.tokens) <= blockTokens && p.pending.cost(&p.next) <= p.pending.cost(nil)+p.next.cost(nil) {
		p.pending.add(&p.next)
		return
	}
	w.write(&p.pending)
	p.pending, p.next = p.next, p.pending
}
