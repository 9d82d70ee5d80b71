package backend

import (
	"crypto/rand"
	"errors"
	"os"
	"sync"
)

// reserve is space that is held back until the disk is full: a file that has no
// name any more, so that it goes with the process however that ends.
type reserve struct {
	mu   sync.Mutex
	name string
	file *os.File // nil: none is held
	used bool
	gave int // how many were given up
}

// Reserve holds back size bytes of the folder's file system. When a write finds
// it full that space is given up, and this write, and those that found the same
// meanwhile, are tried again; ReserveUsed tells.
// ErrNoSpace where there is not as much. Another call replaces what the last one
// held.
func (l *Local) Reserve(size int64) error {
	l.dropReserve()
	r := &l.reserve
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name = tmpPrefix + "reserve-" + rand.Text()
	f, err := l.root.OpenFile(r.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileError("create", l.where(r.name), err)
	}
	_ = l.root.Remove(r.name) // refused on Windows while it is open
	noise := make([]byte, piece)
	for rest := size; rest > 0 && err == nil; rest -= piece {
		_, _ = rand.Read(noise) // it never fails; a file system may compress what is not random
		_, err = f.Write(noise[:min(rest, piece)])
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fileError("save", l.where(r.name), errors.Join(err, f.Close()))
	}
	r.file, r.used = f, false
	return nil
}

// ReserveUsed reports whether the disk was found full and the reserve given up.
func (l *Local) ReserveUsed() bool {
	l.reserve.mu.Lock()
	defer l.reserve.mu.Unlock()
	return l.reserve.used
}

// withReserve writes, and does so again where the disk was full and a reserve was
// given up since it began, by it or by somebody else.
func (l *Local) withReserve(write func() error) error {
	r := &l.reserve
	r.mu.Lock()
	before := r.gave
	r.mu.Unlock()
	err := write()
	if isNoSpace(err) && l.giveUp() > before {
		err = write()
	}
	return err
}

// giveUp frees the reserve, and counts those that were given up.
func (l *Local) giveUp() int {
	r := &l.reserve
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.drop(l.root) {
		r.used = true
		r.gave++
	}
	return r.gave
}

func (l *Local) dropReserve() {
	l.reserve.mu.Lock()
	defer l.reserve.mu.Unlock()
	l.reserve.drop(l.root)
}

// drop frees what is held, and reports whether anything was. r.mu is held.
func (r *reserve) drop(root *os.Root) bool {
	if r.file == nil {
		return false
	}
	_ = r.file.Close()      // nothing in it matters
	_ = root.Remove(r.name) // where it still has its name
	r.file = nil
	return true
}
