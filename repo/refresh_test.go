package repo

import (
	"testing"

	"autochrome/index"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
)

// TestRefresh: what another process wrote is seen after a refresh, and its
// chunks at once.
func TestRefresh(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	one, two := initialised(t, m), opened(t, m)
	a, p := take(t, two, "a"), takePoint(t, two, "p")
	if list, err := one.Snapshots(ctx); len(list) != 0 || err != nil {
		t.Errorf("before: %v, %v", list, err)
	}
	if one.Has(a.Root.Runs[0].Chunk) {
		t.Error("known before")
	}
	loads(t, one, a) // by a refresh of its own
	must(t, one.Refresh(ctx))
	list, err := one.Snapshots(ctx)
	if len(list) != 2 || err != nil || list[0].ID != a.ID || list[1].ID != p.ID {
		t.Errorf("after: %v, %v", list, err)
	}
	loads(t, one, p)
	if !one.Has(a.Root.Runs[0].Chunk) {
		t.Error("not known after")
	}
	must(t, m.Remove(ctx, a.File))
	must(t, one.Refresh(ctx))
	if list, err = one.Snapshots(ctx); len(list) != 1 || err != nil {
		t.Errorf("after one was removed: %v, %v", list, err)
	}
}

// scatter moves points one by one: their chunks into a full pack each, their
// records into a list each.
func scatter(t *testing.T, m *backend.Memory, snapshots ...Snapshot) {
	ctx := t.Context()
	r := opened(t, m)
	for _, s := range snapshots {
		file, err := backend.LoadAll(ctx, m, s.File)
		must(t, err)
		entries, err := decodePack(r.envelope, file)
		must(t, err)
		pack := newPack(nil, packTarget, r.envelope)
		for _, e := range entries {
			if e.Kind != index.Record {
				pack.add(e.Kind, e.ID, file[e.Offset:e.Offset+e.Length])
			}
		}
		file, p := pack.finish()
		must(t, m.Save(ctx, packFile(p.ID), file))
		file = index.AppendFile(nil, []index.Pack{p})
		must(t, r.be.Save(ctx, indexFile(index.FileName(file)), file))
		_, err = r.saveList(ctx, []Snapshot{s})
		must(t, err)
		must(t, m.Remove(ctx, s.File))
	}
}

// TestMoved: chunks that another process moved are found in their new place.
func TestMoved(t *testing.T) {
	ctx := t.Context()
	m := new(backend.Memory)
	r := initialised(t, m)
	a, p, q := take(t, r, "a"), takePoint(t, r, "p"), takePoint(t, r, "q")
	scatter(t, m, p, q)
	for _, s := range []Snapshot{a, p, q} {
		loads(t, r, s)
	}
	must(t, r.Refresh(ctx))
	list, err := r.Snapshots(ctx)
	if len(list) != 3 || err != nil {
		t.Errorf("snapshots %v, %v", list, err)
	}
	if n := r.index().Len(); n != 3 {
		t.Errorf("%d places, want 3", n)
	}
	// Index files are merged.
	var packs []index.Pack
	view := inside(t, m)
	for _, name := range names(t, m, indexFolder) {
		b, err := backend.LoadAll(ctx, view, name)
		must(t, err)
		more, err := index.DecodeFile(b)
		must(t, err)
		packs = append(packs, more...)
		must(t, m.Remove(ctx, name))
	}
	file := index.AppendFile(nil, packs)
	must(t, view.Save(ctx, indexFile(index.FileName(file)), file))
	must(t, r.Refresh(ctx))
	for _, s := range []Snapshot{a, p, q} {
		loads(t, r, s)
	}
	if n := r.index().Len(); n != 3 {
		t.Errorf("%d places, want 3", n)
	}
}

// TestVanishing: files that go away while they are read do no harm when what
// replaces them is there.
func TestVanishing(t *testing.T) {
	for n := int64(1); n < 12; n++ {
		m := new(backend.Memory)
		w := initialised(t, m)
		a, p, q := take(t, w, "a"), takePoint(t, w, "p"), takePoint(t, w, "q")
		hit := faulty.Nth(n)
		b := faulty.Wrap(m, faulty.Hook(func(op faulty.Op) {
			if hit(&op) {
				scatter(t, m, p, q)
			}
		}, nil))
		r := opened(t, b)
		list, err := r.Snapshots(t.Context())
		if len(list) != 3 || err != nil {
			t.Fatalf("before operation %d: snapshots %v, %v", n, list, err)
		}
		for _, s := range []Snapshot{a, p, q} {
			loads(t, r, s)
		}
		must(t, r.Refresh(t.Context()))
		if list, err = r.Snapshots(t.Context()); len(list) != 3 || err != nil {
			t.Fatalf("before operation %d: then snapshots %v, %v", n, list, err)
		}
	}
}

// TestStrangers: a name that means nothing here may mean something to a newer
// program.
func TestStrangers(t *testing.T) {
	m := new(backend.Memory)
	initialised(t, m)
	for _, name := range []string{"roots/list-of-points", "index/x"} {
		must(t, m.Save(t.Context(), name, nil))
	}
	d := opened(t, m).Damaged()
	if len(d) != 2 || !named(d, "roots/list-of-points") || !named(d, "index/x") {
		t.Errorf("damaged: %v", d)
	}
}

func TestSize(t *testing.T) {
	m := everything(t)
	must(t, m.Save(t.Context(), "snapshots/of-an-earlier-script", make([]byte, 1000)))
	r := opened(t, m)
	size, err := r.Size(t.Context())
	must(t, err)
	want := map[string]int64{"": 1, "packs": 1, "index": 1, "roots": 2, "lists": 1, "notes": 1, "audit": 2}
	if world.encrypted() {
		want["keys"] = 1
	}
	var files, bytes int64
	for folder, f := range size.Folders {
		if f.Files != want[folder] || f.Bytes <= 0 {
			t.Errorf("%q: %+v, want %d files", folder, f, want[folder])
		}
		files, bytes = files+f.Files, bytes+f.Bytes
	}
	if len(size.Folders) != len(want) || files != size.Files || bytes != size.Bytes {
		t.Errorf("%+v does not add up", size)
	}
}

// TestRefreshDamaged: what was found damaged stays so when all else is read
// anew, and is not damaged any more where it was put right.
func TestRefreshDamaged(t *testing.T) {
	ctx := t.Context()
	for _, list := range []bool{false, true} {
		m := new(backend.Memory)
		w := initialised(t, m)
		take(t, w, "a")
		s := take(t, w, "b", noise(1, 5000))
		if list {
			name, err := w.saveList(ctx, []Snapshot{s})
			must(t, err)
			must(t, m.Remove(ctx, s.File))
			s.File = name
		}
		good, err := backend.LoadAll(ctx, m, s.File)
		must(t, err)
		replace(t, m, s.File, func(b []byte) []byte { return b[:len(b)-2] })
		r := openedSmall(t, m)
		_, err = r.Snapshots(ctx)
		must(t, err)
		if d := r.Damaged(); len(d) != 1 || !named(d, s.File) {
			t.Fatalf("damaged: %v", d)
		}
		n, err := opened(t, m).mergeIndexes(ctx, nil, 2)
		if must(t, err); n != 2 {
			t.Fatalf("%d index files were merged", n)
		}
		must(t, r.Refresh(ctx))
		if d := r.Damaged(); len(d) != 1 || !named(d, s.File) {
			t.Errorf("after a refresh: %v", d)
		}
		_, err = r.Prune(ctx, harsh)
		wantErr(t, err, ErrNotPruned)
		must(t, r.Refresh(ctx))
		_, err = r.CleanUp(ctx, CleanupOptions{Policy: Policy{Last: 1}})
		wantErr(t, err, ErrDamaged)

		must(t, m.Save(ctx, s.File, good))
		must(t, r.Refresh(ctx))
		if list, err := r.Snapshots(ctx); err != nil || len(list) != 2 || len(r.Damaged()) != 0 {
			t.Errorf("put right: %d snapshots, %v, damaged %v", len(list), err, r.Damaged())
		}
	}
}
