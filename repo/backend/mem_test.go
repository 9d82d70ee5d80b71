package backend_test

import (
	"testing"
	"time"

	"autochrome/repo/backend"
	"autochrome/repo/backend/backendtest"
)

func TestMemory(t *testing.T) {
	backendtest.Run(t, func(*testing.T) backend.Backend { return new(backend.Memory) })
}

func TestMemoryClone(t *testing.T) {
	ctx := t.Context()
	var m backend.Memory
	if err := m.Save(ctx, "a", []byte("old")); err != nil {
		t.Fatal(err)
	}
	c := m.Clone()
	for _, err := range []error{m.Save(ctx, "a", []byte("new")), m.Save(ctx, "b", nil), c.Save(ctx, "c", nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if data, err := backend.LoadAll(ctx, c, "a"); string(data) != "old" || err != nil {
		t.Errorf("the clone has %q, error %v", data, err)
	}
	if names, err := backend.Names(ctx, c, ""); len(names) != 2 || err != nil {
		t.Errorf("the clone lists %q, error %v", names, err)
	}
	if names, err := backend.Names(ctx, &m, ""); len(names) != 2 || err != nil {
		t.Errorf("the original lists %q, error %v", names, err)
	}
}

func TestMemoryClock(t *testing.T) {
	ctx := t.Context()
	at := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	m := &backend.Memory{Clock: func() time.Time { return at }}
	if err := m.Save(ctx, "a", nil); err != nil {
		t.Fatal(err)
	}
	at = at.Add(time.Hour)
	if now, err := m.Now(ctx); !now.Equal(at) || err != nil {
		t.Errorf("Now = %v, %v", now, err)
	}
	if err := m.List(ctx, "", func(info backend.Info) error {
		if age := at.Sub(info.Modified); age != time.Hour {
			t.Errorf("age %v", age)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
