package backend

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a Backend in memory. Its zero value is empty and ready; it must
// not be copied (see Clone) and outlives Close, so that a test can open it
// again.
type Memory struct {
	// Clock is the store's clock; nil means time.Now.
	Clock func() time.Time

	mu      sync.RWMutex
	objects map[string]object
}

type object struct {
	data     []byte // never changed once it is here, so Clone shares it
	modified time.Time
}

var _ Backend = (*Memory)(nil)

// Clone returns a store of its own with what a power cut at this moment would
// leave: all that Save and Create have returned from, and nothing by halves.
func (m *Memory) Clone() *Memory {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return &Memory{Clock: m.Clock, objects: maps.Clone(m.objects)}
}

// Save implements Backend.
func (m *Memory) Save(ctx context.Context, name string, data []byte) error {
	return m.put(ctx, "save", name, data)
}

// Create implements Backend.
func (m *Memory) Create(ctx context.Context, name string, data []byte) error {
	return m.put(ctx, "create", name, data)
}

func (m *Memory) put(ctx context.Context, op, name string, data []byte) error {
	if err := checkName(op, name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o := object{data: bytes.Clone(data), modified: m.now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[name]; ok && op == "create" {
		return &Error{Op: op, Where: m.where(name), Kind: ErrExist}
	}
	if m.objects == nil {
		m.objects = make(map[string]object)
	}
	m.objects[name] = o
	return nil
}

// Load implements Backend.
func (m *Memory) Load(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	if err := checkName("load", name); err != nil {
		return nil, err
	}
	if err := checkRange(m.where(name), offset, length); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	o, ok := m.objects[name]
	m.mu.RUnlock()
	if !ok {
		return nil, &Error{Op: "load", Where: m.where(name), Kind: ErrNotExist}
	}
	from, n, err := within(m.where(name), offset, length, int64(len(o.data)))
	if err != nil {
		return nil, err
	}
	return append(make([]byte, 0, n), o.data[from:from+n]...), nil
}

// List implements Backend. It shows the store as it was when it was called.
func (m *Memory) List(ctx context.Context, folder string, fn func(Info) error) error {
	if err := checkFolder("list", folder); err != nil {
		return err
	}
	m.mu.RLock()
	var infos []Info
	for name, o := range m.objects {
		if strings.HasPrefix(name, folder) {
			infos = append(infos, Info{Name: name, Size: int64(len(o.data)), Modified: o.modified})
		}
	}
	m.mu.RUnlock()
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(info); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Remove implements Backend.
func (m *Memory) Remove(ctx context.Context, name string) error {
	if err := checkName("remove", name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// Now implements Backend.
func (m *Memory) Now(ctx context.Context) (time.Time, error) {
	return m.now(), ctx.Err()
}

// Location implements Backend.
func (m *Memory) Location() string { return "memory" }

// Close implements Backend; it keeps the objects.
func (m *Memory) Close() error { return nil }

func (m *Memory) now() time.Time {
	if m.Clock != nil {
		return m.Clock()
	}
	return time.Now()
}

func (m *Memory) where(name string) string { return m.Location() + ":" + name }
