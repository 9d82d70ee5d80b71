package snapshot_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// plug is where the power of a store can be cut. What was answered is there
// then, with all that others saw before, as the journals of file systems do; of
// the rest all or nothing.
type plug struct {
	s *store

	mu      sync.Mutex
	rnd     *rand.Rand
	in      int // so many writes until the power is cut; 0: it is not
	pending map[string]*unsynced
	left    *backend.Memory // what the cut left
}

// unsynced is a change of an object that is under way.
type unsynced struct {
	before []byte // nil: there was none
	seen   bool   // others see it
}

// pull cuts the power at the nth write from now on.
func (p *plug) pull(rnd *rand.Rand, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rnd, p.in, p.pending = rnd, n, map[string]*unsynced{}
}

// plugIn gives the power back, and says whether it was cut.
func (p *plug) plugIn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	cut := p.left != nil
	if cut {
		p.s.disk, p.left = p.left, nil
	}
	p.in = 0
	return cut
}

// fault is a faulty.Fault.
func (p *plug) fault(op *faulty.Op, next func() error) error {
	writes := op.Kind == faulty.Save || op.Kind == faulty.Create || op.Kind == faulty.Remove
	p.mu.Lock()
	if p.left != nil {
		p.mu.Unlock()
		return faulty.ErrInjected
	}
	watched := p.in > 0 && writes
	if watched && p.pending[op.Name] == nil {
		before, _ := backend.LoadAll(context.Background(), p.s.disk, op.Name)
		p.pending[op.Name] = &unsynced{before: before}
	}
	p.mu.Unlock()
	err := next()
	if !watched {
		return err
	}
	p.mu.Lock()
	if w := p.pending[op.Name]; w != nil {
		w.seen = true
	}
	p.mu.Unlock()
	runtime.Gosched()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left != nil {
		return faulty.ErrInjected
	}
	if p.in--; p.in == 0 {
		p.cut()
		return faulty.ErrInjected
	}
	maps.DeleteFunc(p.pending, func(_ string, w *unsynced) bool { return w.seen })
	return err
}

// cut keeps what was answered, and perhaps the rest.
func (p *plug) cut() {
	p.left = p.s.disk.Clone()
	if p.rnd.IntN(2) == 0 {
		return
	}
	for name, w := range p.pending {
		if w.before == nil {
			_ = p.left.Remove(context.Background(), name)
		} else if ok, _ := backend.Exists(context.Background(), p.left, name); !ok {
			_ = p.left.Save(context.Background(), name, w.before)
		}
	}
}

// indirect is a store's disk, also after a power cut has replaced it.
type indirect struct{ s *store }

func (i indirect) Save(ctx context.Context, name string, data []byte) error {
	return i.s.disk.Save(ctx, name, data)
}
func (i indirect) Create(ctx context.Context, name string, data []byte) error {
	return i.s.disk.Create(ctx, name, data)
}
func (i indirect) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	return i.s.disk.Load(ctx, name, offset, length)
}

// List takes a while: of what comes or goes meanwhile it names some.
func (i indirect) List(ctx context.Context, folder string, fn func(backend.Info) error) error {
	look := func(into map[string]backend.Info) error {
		return i.s.disk.List(ctx, folder, func(info backend.Info) error { into[info.Name] = info; return nil })
	}
	first, then := map[string]backend.Info{}, map[string]backend.Info{}
	if err := look(first); err != nil {
		return err
	}
	for range rand.IntN(20) {
		runtime.Gosched()
	}
	if err := look(then); err != nil {
		return err
	}
	for name, info := range first {
		if _, stays := then[name]; stays || rand.IntN(2) == 0 {
			then[name] = info
		} else {
			delete(then, name)
		}
	}
	for name := range then {
		if _, was := first[name]; !was && rand.IntN(2) == 0 {
			delete(then, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(then)) {
		if err := fn(then[name]); err != nil {
			return err
		}
	}
	return nil
}

func (i indirect) Remove(ctx context.Context, name string) error { return i.s.disk.Remove(ctx, name) }
func (i indirect) Now(ctx context.Context) (time.Time, error)    { return i.s.disk.Now(ctx) }
func (i indirect) Location() string                              { return i.s.name }
func (i indirect) Close() error                                  { return nil }
