package backend

import (
	"bytes"
	"context"
	"sync"
)

// Draft is an object on its way, for one that is made piece by piece and need not
// be in memory as a whole. Nobody sees it before Save. Discard must be called at
// the end, also after Save. Load may be called at the same time as the others.
type Draft interface {
	// Write appends to the draft. Where it fails, the draft can only be discarded. It
	// does not keep data.
	Write(ctx context.Context, data []byte) error

	// Load returns length bytes, from offset on, of what was written; also after
	// Save, until Discard. The result belongs to the caller.
	Load(ctx context.Context, offset, length int64) ([]byte, error)

	// Save makes the draft the object of this name, as Backend.Save does, once: nothing
	// may be written any more. Info.Modified is the time of the last Write, or later.
	Save(ctx context.Context, name string) error

	// Discard drops what was not saved, and frees what the draft holds.
	Discard()
}

// Drafter is a Backend that keeps drafts elsewhere than in memory.
type Drafter interface {
	// Draft begins an object whose name will begin with folder, which ends with a
	// slash.
	Draft(ctx context.Context, folder string) (Draft, error)
}

// NewDraft begins an object whose name will begin with folder. Where b is no
// Drafter it is in memory until it is saved.
func NewDraft(ctx context.Context, b Backend, folder string) (Draft, error) {
	if d, ok := b.(Drafter); ok {
		return d.Draft(ctx, folder)
	}
	if err := checkFolder("save", folder); err != nil {
		return nil, err
	}
	return &buffered{backend: b}, ctx.Err()
}

// buffered is a draft in memory.
type buffered struct {
	backend Backend

	mu   sync.RWMutex
	data []byte
}

func (d *buffered) Write(ctx context.Context, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data = append(d.data, data...)
	return ctx.Err()
}

func (d *buffered) Load(ctx context.Context, offset, length int64) ([]byte, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	where := d.backend.Location() + " (a draft)"
	if err := checkRange(where, offset, length); err != nil {
		return nil, err
	}
	from, n, err := within(where, offset, length, int64(len(d.data)))
	if err != nil {
		return nil, err
	}
	return bytes.Clone(d.data[from : from+n]), ctx.Err()
}

func (d *buffered) Save(ctx context.Context, name string) error {
	return d.backend.Save(ctx, name, d.data)
}

func (d *buffered) Discard() {}
