package bench

import (
	"syscall"
	"testing"
)

// warm makes sure that as much memory as any run needs is the machine's own. A
// virtual machine may give free memory back to its host after two seconds and gets
// it again page by page: that took 0.13 s of a first snapshot, as system time of
// the program, and nothing of a client that needs no memory.
func warm(b *testing.B) {
	b.Helper()
	p, err := syscall.Mmap(-1, 0, 256<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		b.Fatal(err)
	}
	_ = syscall.Madvise(p, syscall.MADV_HUGEPAGE)
	clear(p)
	if err := syscall.Munmap(p); err != nil {
		b.Fatal(err)
	}
}
