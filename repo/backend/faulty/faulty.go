// Package faulty makes a backend fail on purpose, for tests.
//
// [Wrap] puts faults around a backend; a [Fault] is a function of ten lines
// that sees each operation, may change it, and decides whether it happens.
// Which operations it strikes says a [Match]:
//
//	b := faulty.Wrap(new(backend.Memory),
//		faulty.LoseAnswer(faulty.Nth(3, faulty.Save)),
//		faulty.FlipBit(faulty.Folder("packs/"), 77))
package faulty

import (
	"context"
	"time"

	"autochrome/repo/backend"
)

// Kind is a method of a backend.
type Kind string

// The kinds of operations.
const (
	Save   Kind = "save" // also of a draft
	Create Kind = "create"
	Write  Kind = "write" // a piece of a draft, which has no name yet
	Load   Kind = "load"
	List   Kind = "list"
	Remove Kind = "remove"
	Now    Kind = "now"
)

// Op is one call of a backend on its way.
type Op struct {
	Kind Kind
	Name string // of the object, or of the folder to list, or that a draft is made for
	Data []byte // what is to be saved, or was loaded: replace it, do not write into it

	// Omit, when set, says what a List keeps to itself.
	Omit func(backend.Info) bool
}

// Fault stands around one operation, which happens when it calls next. It is
// called from many goroutines at a time, and the wrapped call returns its
// error.
type Fault func(op *Op, next func() error) error

// Wrap puts faults around a backend, the first one outermost. Without faults
// it changes nothing.
func Wrap(b backend.Backend, faults ...Fault) backend.Backend {
	return &wrapper{b, faults}
}

type wrapper struct {
	inner  backend.Backend
	faults []Fault
}

func (w *wrapper) do(op *Op, call func() error) error {
	for i := len(w.faults) - 1; i >= 0; i-- {
		fault, next := w.faults[i], call
		call = func() error { return fault(op, next) }
	}
	return call()
}

func (w *wrapper) Save(ctx context.Context, name string, data []byte) error {
	op := &Op{Kind: Save, Name: name, Data: data}
	return w.do(op, func() error { return w.inner.Save(ctx, name, op.Data) })
}

func (w *wrapper) Create(ctx context.Context, name string, data []byte) error {
	op := &Op{Kind: Create, Name: name, Data: data}
	return w.do(op, func() error { return w.inner.Create(ctx, name, op.Data) })
}

func (w *wrapper) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	op := &Op{Kind: Load, Name: name}
	err := w.do(op, func() (err error) {
		op.Data, err = w.inner.Load(ctx, name, offset, length)
		return err
	})
	if err != nil {
		return nil, err
	}
	return op.Data, nil
}

func (w *wrapper) List(ctx context.Context, folder string, fn func(backend.Info) error) error {
	op := &Op{Kind: List, Name: folder}
	return w.do(op, func() error {
		return w.inner.List(ctx, folder, func(info backend.Info) error {
			if op.Omit != nil && op.Omit(info) {
				return nil
			}
			return fn(info)
		})
	})
}

func (w *wrapper) Remove(ctx context.Context, name string) error {
	return w.do(&Op{Kind: Remove, Name: name}, func() error { return w.inner.Remove(ctx, name) })
}

func (w *wrapper) Now(ctx context.Context) (now time.Time, err error) {
	err = w.do(&Op{Kind: Now}, func() (err error) {
		now, err = w.inner.Now(ctx)
		return err
	})
	return now, err
}

func (w *wrapper) Location() string { return w.inner.Location() }

func (w *wrapper) Close() error { return w.inner.Close() }
