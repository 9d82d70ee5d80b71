package snapshot_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/repo/backend"
	"autochrome/repo/backend/faulty"
	"autochrome/snapshot"
)

// vault is a store of a repository, plain or encrypted.
type vault struct {
	*backend.Memory
	secret string // identity; "": plain
}

func makeVault(t *testing.T, encrypted bool, like *repo.Repository) (vault, *repo.Repository) {
	t.Helper()
	v := vault{Memory: new(backend.Memory)}
	o := repo.InitOptions{Like: like}
	if encrypted {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		v.secret, o.Keys = id.String(), []repo.NewKey{{Recipient: id.Recipient().String()}}
	}
	r, err := repo.Init(t.Context(), v.Memory, o)
	if err != nil {
		t.Fatal(err)
	}
	return v, r
}

// open opens the repository in a store that has what the vault has.
func (v vault) open(t *testing.T, be backend.Backend) (*repo.Repository, error) {
	return repo.OpenWith(t.Context(), be, repo.OpenOptions{Unlock: func(context.Context) (repo.Credential, error) {
		return repo.NewCredential("", strings.NewReader(v.secret))
	}})
}

func (v vault) must(t *testing.T) *repo.Repository {
	t.Helper()
	r, err := v.open(t, v.Memory)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lived takes four snapshots of two collections that change.
func lived(t *testing.T, r *repo.Repository, records int) (list []repo.Snapshot) {
	t.Helper()
	f, id := filled(records)
	other := f.create("other")
	grow(f, other, 0, 50)
	for _, change := range []func(){
		func() {},
		func() { grow(f, id, records, records+20) },
		func() { f.put(id, version("r00003", -1)); shrink(f, id, 5, 9) },
		func() { f.find(other).Name = "renamed" },
	} {
		change()
		res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{Name: "n", Tags: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, res.Snapshot)
	}
	return list
}

func annotate(t *testing.T, r *repo.Repository, s repo.Snapshot, key, value string, removed bool) {
	t.Helper()
	if err := r.Annotate(t.Context(), repo.Annotation{Snapshot: s.ID, Key: key, Value: value, Removed: removed}); err != nil {
		t.Fatal(err)
	}
}

func copyAll(t *testing.T, from, to *repo.Repository, o snapshot.CopyOptions) snapshot.CopyResult {
	t.Helper()
	res, err := snapshot.Copy(t.Context(), from, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func packBytes(t *testing.T, r *repo.Repository) int64 {
	t.Helper()
	size, err := r.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return size.Folders["packs"].Bytes
}

// sameSnapshot demands that a copy says what the snapshot says.
func sameSnapshot(t *testing.T, from, to *repo.Repository, s, c repo.Snapshot) {
	t.Helper()
	for _, info := range s.Collections {
		if want, got := recordsIn(t, from, s, info.Name), recordsIn(t, to, c, info.Name); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %d records of %q, want %d, or they differ", s, len(got), info.Name, len(want))
		}
	}
	if !c.Time.Equal(s.Time) || c.Name != s.Name || c.Source != s.Source || c.Root.Records != s.Root.Records ||
		!reflect.DeepEqual(c.Collections, s.Collections) || !reflect.DeepEqual(c.Tags, s.Tags) || c.Origin() != s.Origin() {
		t.Errorf("the copy of %+v is %+v", s, c)
	}
}

func TestCopy(t *testing.T) {
	type made struct{ from, to *repo.Repository }
	for name, test := range map[string]struct {
		make func(t *testing.T) made
		same bool
	}{
		"plain to plain": {func(t *testing.T) made {
			_, a := makeVault(t, false, nil)
			_, b := makeVault(t, false, nil)
			return made{a, b}
		}, true},
		"plain to encrypted": {func(t *testing.T) made {
			_, a := makeVault(t, false, nil)
			_, b := makeVault(t, true, nil)
			return made{a, b}
		}, false},
		"plain to encrypted like it": {func(t *testing.T) made {
			_, a := makeVault(t, false, nil)
			_, b := makeVault(t, true, a)
			return made{a, b}
		}, true},
		"encrypted to plain": {func(t *testing.T) made {
			_, a := makeVault(t, true, nil)
			_, b := makeVault(t, false, nil)
			return made{a, b}
		}, false},
		"encrypted to another": {func(t *testing.T) made {
			_, a := makeVault(t, true, nil)
			_, b := makeVault(t, true, nil)
			return made{a, b}
		}, false},
		"encrypted to one like it": {func(t *testing.T) made {
			_, a := makeVault(t, true, nil)
			_, b := makeVault(t, true, a)
			return made{a, b}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := test.make(t)
			list := lived(t, m.from, 600)
			annotate(t, m.from, list[0], repo.KeyHold, "why", false)
			annotate(t, m.from, list[1], repo.TagKey("later"), "x", false)
			annotate(t, m.from, list[1], repo.TagKey("a"), "", true)
			annotate(t, m.from, list[1], repo.KeyVerified, "all", false)

			// One alone, then the others.
			res := copyAll(t, m.from, m.to, snapshot.CopyOptions{Snapshots: list[1:2]})
			if len(res.Copied) != 1 || res.Notes != 2 || res.SameIDs != test.same {
				t.Errorf("copied %+v", res)
			}
			dry := copyAll(t, m.from, m.to, snapshot.CopyOptions{DryRun: true})
			if len(dry.Copied) != 3 || dry.Present != 1 {
				t.Errorf("would copy %+v", dry)
			}
			res = copyAll(t, m.from, m.to, snapshot.CopyOptions{})
			if len(res.Copied) != 3 || res.Present != 1 || res.Notes != 1 || len(res.Damaged) != 0 || res.Stored == 0 {
				t.Errorf("copied %+v", res)
			}
			again := copyAll(t, m.from, m.to, snapshot.CopyOptions{})
			if len(again.Copied) != 0 || again.Present != 4 || again.Notes != 0 || again.Stored != 0 {
				t.Errorf("copied again %+v", again)
			}
			back := copyAll(t, m.to, m.from, snapshot.CopyOptions{})
			if len(back.Copied) != 0 || back.Present != 4 || back.Notes != 0 {
				t.Errorf("copied back %+v", back)
			}

			there, err := m.to.Snapshots(t.Context())
			if err != nil || len(there) != 4 {
				t.Fatalf("there are %v, %v", there, err)
			}
			notes, err := m.to.Annotations(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			byOrigin := map[chunk.ID]repo.Snapshot{}
			for _, c := range there {
				byOrigin[c.Origin()] = c
			}
			for i, s := range list {
				c := byOrigin[s.ID]
				sameSnapshot(t, m.from, m.to, s, c)
				if (c.ID == s.ID) != test.same {
					t.Errorf("the copy of %v is %v", s.ID, c.ID)
				}
				if i > 1 && c.ParentID() != byOrigin[list[i-1].ID].ID {
					t.Errorf("snapshot %d has the parent %v", i, c.ParentID())
				}
			}
			if why, held := notes[byOrigin[list[0].ID].ID].Held(); !held || why != "why" {
				t.Errorf("held: %v", why)
			}
			second := byOrigin[list[1].ID]
			if tags := notes[second.ID].Tags(second); len(tags) != 1 || tags["later"] != "x" {
				t.Errorf("tags %v", tags)
			}
			if _, ok := notes[second.ID][repo.KeyVerified]; ok {
				t.Error("the copy counts as verified")
			}
			// Whatever was copied first, the latest is the latest.
			_, late := makeVault(t, true, nil)
			copyAll(t, m.from, late, snapshot.CopyOptions{Snapshots: list[3:]})
			copyAll(t, m.from, late, snapshot.CopyOptions{})
			if got, err := late.Find(t.Context(), "latest", ""); err != nil || got.Origin() != list[3].ID {
				t.Errorf("latest is %v, %v, want the copy of %v", got, err, list[3])
			}
			// A chain of copies costs what the chain of snapshots did.
			if got, want := packBytes(t, m.to), packBytes(t, m.from); got > want*5/4+8<<10 {
				t.Errorf("the copies take %d bytes, the snapshots %d", got, want)
			}
			// What was deleted there stays so, unless it is asked for.
			if err := m.to.Delete(t.Context(), second, "test"); err != nil {
				t.Fatal(err)
			}
			if res := copyAll(t, m.from, m.to, snapshot.CopyOptions{}); len(res.Copied) != 0 || res.Deleted != 1 {
				t.Errorf("copied what was deleted: %+v", res)
			}
			if res := copyAll(t, m.from, m.to, snapshot.CopyOptions{Snapshots: list[1:2], Again: true}); len(res.Copied) != 1 {
				t.Errorf("brought back %+v", res)
			}
		})
	}
}

// TestCopyDamaged: what is damaged is named and left out, the rest is copied.
func TestCopyDamaged(t *testing.T) {
	for _, like := range []bool{true, false} {
		v, from := makeVault(t, false, nil)
		lived(t, from, 300)
		before, err := backend.Names(t.Context(), v.Memory, "packs/")
		if err != nil {
			t.Fatal(err)
		}
		f := newFake()
		grow(f, f.create("last"), 0, 40)
		res, err := snapshot.Take(t.Context(), from, f, snapshot.Options{Source: "another"})
		if err != nil {
			t.Fatal(err)
		}
		damage(t, v.Memory, before)
		from = v.must(t)
		toVault, to := makeVault(t, !like, nil)
		got := copyAll(t, from, to, snapshot.CopyOptions{})
		if len(got.Damaged) != 1 || got.Damaged[0].Snapshot.ID != res.Snapshot.ID || len(got.Copied) != 4 || !errors.Is(got.Damaged[0].Err, repo.ErrDamaged) {
			t.Errorf("copied %+v", got)
		}
		there, err := toVault.must(t).Snapshots(t.Context())
		if err != nil || len(there) != 4 {
			t.Errorf("there are %v, %v", there, err)
		}
	}
}

// damage changes bytes in each pack but those.
func damage(t *testing.T, m *backend.Memory, but []string) {
	t.Helper()
	packs, err := backend.Names(t.Context(), m, "packs/")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range packs {
		if slices.Contains(but, name) {
			continue
		}
		b, err := backend.LoadAll(t.Context(), m, name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 50; i < len(b)/2; i += 10 {
			b[i] ^= 1
		}
		if err := m.Save(t.Context(), name, b); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopyCutShort fails each operation at the other side in turn: what is
// listed there then is whole, and copying again ends it.
func TestCopyCutShort(t *testing.T) {
	for name, encrypted := range map[string]bool{"as they are": false, "anew": true} {
		t.Run(name, func(t *testing.T) {
			_, from := makeVault(t, false, nil)
			list := lived(t, from, 100)
			v, _ := makeVault(t, encrypted, nil)
			for n := int64(1); ; n++ {
				m := v.Memory.Clone()
				struck := false
				hit := faulty.Nth(n)
				to, err := v.open(t, faulty.Wrap(m, faulty.Fail(func(op *faulty.Op) bool {
					ok := hit(op)
					struck = struck || ok
					return ok
				}, nil)))
				if err == nil {
					_, err = snapshot.Copy(t.Context(), from, to, snapshot.CopyOptions{})
				}
				if err != nil && !errors.Is(err, faulty.ErrInjected) {
					t.Fatalf("operation %d: %v", n, err)
				}
				to, err = v.open(t, m)
				if err != nil {
					t.Fatal(err)
				}
				there, err := to.Snapshots(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range there {
					for _, info := range c.Collections {
						recordsIn(t, to, c, info.Name)
					}
				}
				copyAll(t, from, to, snapshot.CopyOptions{})
				there, err = to.Snapshots(t.Context())
				if err != nil || len(there) != len(list) {
					t.Fatalf("operation %d: there are %v, %v", n, there, err)
				}
				if !struck {
					t.Logf("%d operations", n)
					return
				}
			}
		})
	}
}

func TestExtra(t *testing.T) {
	ctx := t.Context()
	v, from := makeVault(t, false, nil)
	_, to := makeVault(t, true, nil)
	_, empty := makeVault(t, false, nil)
	list := lived(t, from, 60)
	copyAll(t, from, to, snapshot.CopyOptions{})
	remove, held, err := snapshot.Extra(ctx, from, to)
	if err != nil || len(remove)+len(held) != 0 {
		t.Errorf("extra are %v and %v, %v", remove, held, err)
	}
	for _, s := range list[:2] {
		if err := from.Delete(ctx, s, "test"); err != nil {
			t.Fatal(err)
		}
	}
	there, err := to.Snapshots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	annotate(t, to, there[0], repo.KeyHold, "", false)
	remove, held, err = snapshot.Extra(ctx, from, to)
	if err != nil || len(remove) != 1 || remove[0].ID != there[1].ID || len(held) != 1 || held[0].ID != there[0].ID {
		t.Errorf("extra are %v and %v, %v", remove, held, err)
	}
	if _, _, err := snapshot.Extra(ctx, empty, to); !errors.Is(err, snapshot.ErrMirror) {
		t.Errorf("an empty model: %v", err)
	}
	if err := v.Memory.Save(ctx, list[3].File, []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := snapshot.Extra(ctx, v.must(t), to); !errors.Is(err, snapshot.ErrMirror) {
		t.Errorf("a damaged model: %v", err)
	}
}

// TestCopyPruned deletes a copy and prunes: it is copied again only when it is
// asked for, and then it is there.
func TestCopyPruned(t *testing.T) {
	_, from := makeVault(t, false, nil)
	list := lived(t, from, 100)
	v, to := makeVault(t, false, nil)
	copyAll(t, from, to, snapshot.CopyOptions{})
	if err := to.Delete(t.Context(), list[1], "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := to.Prune(t.Context(), repo.PruneOptions{Grace: repo.NoGrace}); err != nil {
		t.Fatal(err)
	}
	to = v.must(t)
	if res := copyAll(t, from, to, snapshot.CopyOptions{}); res.Deleted != 1 || len(res.Copied) != 0 {
		t.Errorf("copied %d, deleted before %d, want 0 and 1", len(res.Copied), res.Deleted)
	}
	if res := copyAll(t, from, to, snapshot.CopyOptions{Again: true}); len(res.Copied) != 1 {
		t.Errorf("copied %d again, want 1", len(res.Copied))
	}
	there, err := v.must(t).Snapshots(t.Context())
	if err != nil || !slices.ContainsFunc(there, func(s repo.Snapshot) bool { return s.ID == list[1].ID }) {
		t.Errorf("the snapshot that was copied again is not there: %v, %v", there, err)
	}
}
