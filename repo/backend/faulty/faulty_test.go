package faulty_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"autochrome/repo/backend"
	"autochrome/repo/backend/backendtest"
	"autochrome/repo/backend/faulty"
)

func TestNoFaults(t *testing.T) {
	backendtest.Run(t, func(*testing.T) backend.Backend { return faulty.Wrap(new(backend.Memory)) })
}

// TestHarmless runs the contract under every fault that strikes nothing.
func TestHarmless(t *testing.T) {
	never := faulty.All(faulty.Any(), faulty.Folder("no such name"))
	backendtest.Run(t, func(*testing.T) backend.Backend {
		var c faulty.Counter
		return faulty.Wrap(new(backend.Memory), c.Count, faulty.Fail(never, nil), faulty.LoseAnswer(never),
			faulty.CutShort(never, 0), faulty.FlipBit(never, 0), faulty.OutOfSpace(1<<40), faulty.StaleList(0),
			faulty.Hook(func(faulty.Op) {}, func(faulty.Op, error) {}))
	})
}

func load(t *testing.T, b backend.Backend, name string) string {
	t.Helper()
	data, err := backend.LoadAll(t.Context(), b, name)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestFail(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	own := errors.New("my own")
	b := faulty.Wrap(m, faulty.Fail(faulty.Nth(2, faulty.Save), nil), faulty.Fail(faulty.All(faulty.Folder("p/"), faulty.Nth(2, faulty.Save)), own))
	must(t, b.Save(ctx, "a", nil))
	_, err := b.Now(ctx)
	must(t, err)
	wantErr(t, b.Save(ctx, "b", nil), faulty.ErrInjected)
	must(t, b.Save(ctx, "p/c", nil))
	must(t, b.Save(ctx, "d", nil))
	wantErr(t, b.Save(ctx, "p/e", nil), own)
	must(t, b.Save(ctx, "p/e", nil))
	if names, err := backend.Names(ctx, m, ""); fmt.Sprint(names) != "[a d p/c p/e]" || err != nil {
		t.Errorf("saved: %v, %v", names, err)
	}
}

func TestFrom(t *testing.T) {
	ctx := t.Context()
	b := faulty.Wrap(new(backend.Memory), faulty.Fail(faulty.From(2, faulty.Save), nil))
	must(t, b.Save(ctx, "a", nil))
	must(t, b.Remove(ctx, "x"))
	wantErr(t, b.Save(ctx, "b", nil), faulty.ErrInjected)
	wantErr(t, b.Remove(ctx, "x"), faulty.ErrInjected)
	_, err := b.Now(ctx)
	wantErr(t, err, faulty.ErrInjected)
	_, err = backend.LoadAll(ctx, b, "a")
	wantErr(t, err, faulty.ErrInjected)
	_, err = backend.Names(ctx, b, "")
	wantErr(t, err, faulty.ErrInjected)
	wantErr(t, b.Create(ctx, "c", nil), faulty.ErrInjected)
}

func TestLoseAnswer(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	b := faulty.Wrap(m, faulty.LoseAnswer(faulty.Nth(1, faulty.Create)))
	wantErr(t, b.Create(ctx, "a", []byte("x")), faulty.ErrInjected)
	if got := load(t, m, "a"); got != "x" {
		t.Errorf("saved: %q", got)
	}
	wantErr(t, b.Create(ctx, "a", nil), backend.ErrExist)
}

func TestDamage(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	data := []byte("abcdef")
	must(t, m.Save(ctx, "ok", data))
	b := faulty.Wrap(m, faulty.CutShort(faulty.Folder("cut/"), 3), faulty.FlipBit(faulty.All(faulty.Any(faulty.Load), faulty.Folder("ok")), 8))
	must(t, b.Save(ctx, "cut/a", data))
	must(t, b.Save(ctx, "whole", data))
	for name, want := range map[string]string{"cut/a": "abc", "whole": "abcdef", "ok": "abcdef"} {
		if got := load(t, m, name); got != want {
			t.Errorf("%s: stored %q, want %q", name, got, want)
		}
	}
	if got := load(t, b, "ok"); got != "accdef" {
		t.Errorf("flipped: %q", got)
	}
	if string(data) != "abcdef" {
		t.Errorf("the caller's data became %q", data)
	}
}

func TestOutOfSpace(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	b := faulty.Wrap(m, faulty.OutOfSpace(10))
	must(t, b.Save(ctx, "a", make([]byte, 6)))
	wantErr(t, b.Save(ctx, "b", make([]byte, 5)), backend.ErrNoSpace)
	wantErr(t, b.Create(ctx, "b", make([]byte, 5)), backend.ErrNoSpace)
	must(t, b.Create(ctx, "b", make([]byte, 4)))
	must(t, b.Save(ctx, "c", nil))
	wantErr(t, b.Save(ctx, "d", make([]byte, 1)), backend.ErrNoSpace)
	must(t, b.Remove(ctx, "a"))
}

func TestStaleList(t *testing.T) {
	ctx := t.Context()
	b := faulty.Wrap(new(backend.Memory), faulty.StaleList(3))
	for _, name := range []string{"a", "b", "c"} {
		must(t, b.Save(ctx, name, nil))
	}
	for _, want := range []string{"[a]", "[a b]", "[a b c]"} { // each List is an operation
		if names, err := backend.Names(ctx, b, ""); fmt.Sprint(names) != want || err != nil {
			t.Errorf("listed %v, error %v, want %v", names, err, want)
		}
	}
}

func TestHook(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	var log []string
	var crashed []*backend.Memory
	b := faulty.Wrap(m, faulty.Hook(
		func(op faulty.Op) { crashed = append(crashed, m.Clone()) },
		func(op faulty.Op, err error) {
			log = append(log, fmt.Sprint(op.Kind, " ", op.Name, " ", len(op.Data), " ", err == nil))
		}))
	must(t, b.Save(ctx, "a", []byte("xy")))
	wantErr(t, b.Create(ctx, "a", nil), backend.ErrExist)
	load(t, b, "a")
	if got, want := fmt.Sprintf("%q", log), `["save a 2 true" "create a 0 false" "load a 2 true"]`; got != want {
		t.Errorf("seen %s, want %s", got, want)
	}
	for i, want := range []bool{false, true, true} {
		if ok, err := backend.Exists(ctx, crashed[i], "a"); ok != want || err != nil {
			t.Errorf("after a crash before operation %d: %v, %v", i, ok, err)
		}
	}
}

// TestKill panics before the third operation, as a crash test may.
func TestKill(t *testing.T) {
	m := new(backend.Memory)
	nth := faulty.Nth(3)
	b := faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
		if nth(&op) {
			panic("killed")
		}
	}, nil))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("not killed")
			}
		}()
		for _, name := range []string{"a", "b", "c", "d"} {
			must(t, b.Save(t.Context(), name, nil))
		}
	}()
	if names, err := backend.Names(t.Context(), m, ""); len(names) != 2 || err != nil {
		t.Errorf("left: %v, %v", names, err)
	}
}

func TestCounter(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	b := faulty.Wrap(new(backend.Memory), c.Count)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() { must(t, b.Save(context.Background(), fmt.Sprintf("packs/%d", i), make([]byte, 100))) })
	}
	wg.Wait()
	must(t, b.Create(ctx, "index/a", make([]byte, 7)))
	_, err := b.Load(ctx, "packs/3", 10, 20)
	must(t, err)
	_ = load(t, b, "missing")
	for _, test := range []struct {
		got, want faulty.Moved
	}{
		{c.Sum(""), faulty.Moved{Ops: 12, Bytes: 1027}},
		{c.Sum("packs/"), faulty.Moved{Ops: 11, Bytes: 1020}},
		{c.Sum("", faulty.Save, faulty.Create), faulty.Moved{Ops: 11, Bytes: 1007}},
		{c.Sum("packs/", faulty.Load), faulty.Moved{Ops: 1, Bytes: 20}},
	} {
		if test.got != test.want {
			t.Errorf("counted %+v, want %+v", test.got, test.want)
		}
	}
	c.Reset()
	if c.Sum("") != (faulty.Moved{}) {
		t.Error("Reset forgot nothing")
	}
}

// TestDraft: a draft's pieces and its saving are operations, and a fault may change
// what is saved.
func TestDraft(t *testing.T) {
	ctx := t.Context()
	var c faulty.Counter
	m := new(backend.Memory)
	saved := func(faults ...faulty.Fault) ([]byte, error) {
		b := faulty.Wrap(m, append(faults, c.Count)...)
		d, err := backend.NewDraft(ctx, b, "packs/")
		if err != nil {
			return nil, err
		}
		defer d.Discard()
		for range 3 {
			if err := d.Write(ctx, []byte("abc")); err != nil {
				return nil, err
			}
		}
		if err := d.Save(ctx, "packs/x"); err != nil {
			return nil, err
		}
		return backend.LoadAll(ctx, m, "packs/x")
	}
	if got, err := saved(); string(got) != "abcabcabc" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if n, all := c.Sum("packs/", faulty.Write), c.Sum("packs/x", faulty.Save); n.Ops != 3 || n.Bytes != 9 || all.Ops != 1 || all.Bytes != 9 {
		t.Errorf("counted %+v and %+v", n, all)
	}
	if got, err := saved(faulty.CutShort(faulty.Any(faulty.Save), 4)); string(got) != "abca" || err != nil {
		t.Errorf("cut short: %q, %v", got, err)
	}
	if _, err := saved(faulty.Fail(faulty.Nth(2, faulty.Write), nil)); !errors.Is(err, faulty.ErrInjected) {
		t.Errorf("a piece that fails: %v", err)
	}
}
