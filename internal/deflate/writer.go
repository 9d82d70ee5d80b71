package deflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// head begins gzip: deflate, no name, no time, no system.
var head = []byte{0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF}

// Writer packs what is written to it, several parts at once.
type Writer struct {
	to    io.Writer
	in    []byte // what lies back, and what was not handed on yet
	back  int    // how much of it lies back
	queue []*job // in their order
	idle  []*job
	begun bool
	crc   uint32
	size  uint32
	err   error
}

// job is a part that is packed.
type job struct {
	packer
	in    []byte
	start int
	out   []byte
	done  chan struct{}
}

// NewWriter begins a gzip file.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// Write packs p; an error may be that of an earlier part.
func (w *Writer) Write(p []byte) (int, error) {
	w.crc = crc32.Update(w.crc, crc32.IEEETable, p)
	w.size += uint32(len(p))
	for n := len(p); ; {
		k := min(len(p), part-(len(w.in)-w.back))
		w.in = append(w.in, p[:k]...)
		if p = p[k:]; len(w.in)-w.back < part {
			return n, w.err
		}
		if w.hand(); w.err != nil {
			return 0, w.err
		}
	}
}

// hand begins to pack what was written, and writes what is packed before more is
// under way than may be.
func (w *Writer) hand() {
	var j *job
	if n := len(w.idle); n > 0 {
		j, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		j = &job{in: make([]byte, 0, window+part)}
	}
	j.in, w.in = w.in, j.in[:0]
	j.start, j.done = w.back, make(chan struct{})
	w.back = min(len(j.in), window)
	w.in = append(w.in, j.in[len(j.in)-w.back:]...)
	go func() {
		defer close(j.done)
		j.out = j.pack(j.out[:0], j.in, j.start)
	}()
	w.queue = append(w.queue, j)
	w.drain(parts)
}

// drain writes what is packed until no more than this is under way.
func (w *Writer) drain(left int) {
	w.begin()
	for len(w.queue) > left {
		j := w.queue[0]
		w.queue = w.queue[1:]
		<-j.done
		w.write(j.out)
		w.idle = append(w.idle, j)
	}
}

func (w *Writer) begin() {
	if !w.begun {
		w.begun = true
		w.write(head)
	}
}

func (w *Writer) write(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

// Flush packs and writes everything until now. What comes later begins a part.
func (w *Writer) Flush() error {
	if len(w.in) > w.back {
		w.hand()
	}
	w.drain(0)
	return w.err
}

// Close ends the file; it does not close what it is written to. It must be called
// after an error too: it waits for what is under way.
func (w *Writer) Close() error {
	_ = w.Flush()             // the error stays
	end := []byte{0x03, 0x00} // an empty last block
	end = binary.LittleEndian.AppendUint32(end, w.crc)
	w.write(binary.LittleEndian.AppendUint32(end, w.size))
	return w.err
}
