package snapshot_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
)

// filled is a fake with one collection.
func filled(records int) (f *fake, id string) {
	f = newFake()
	id = f.create("docs")
	grow(f, id, 0, records)
	return f, id
}

func grow(f *fake, id string, from, to int) {
	for i := from; i < to; i++ {
		f.put(id, version(fmt.Sprintf("r%05d", i), i))
	}
}

func shrink(f *fake, id string, from, to int) {
	for i := from; i < to; i++ {
		f.remove(id, fmt.Sprintf("r%05d", i))
	}
}

func infos(s repo.Snapshot) string {
	var out []string
	for _, c := range s.Collections {
		out = append(out, fmt.Sprintf("%s %d %s", c.Name, c.Records, c.Capture))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// TestCollectionsComeAndGo while a snapshot is taken.
func TestCollectionsComeAndGo(t *testing.T) {
	for name, test := range map[string]struct {
		at                   string // the call in which it happens, and which one
		nth                  int
		do                   func(f *fake)
		once, gone, fresh    string
		consistent           string
		captured, consistCap repo.Capture
	}{
		"nothing":               {"none", 0, nil, "docs 50 ids-stable, other 1 ids-stable", "", "", "docs 50 still, other 1 still", repo.CaptureIDsStable, repo.CaptureStill},
		"dropped before":        {"ids", 1, func(f *fake) { f.drop("id-of-docs") }, "other 1 ids-stable", "docs", "", "other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"dropped in the middle": {"fetch", 1, func(f *fake) { f.drop("id-of-docs") }, "other 1 ids-stable", "docs", "", "other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"dropped behind":        {"ids", 3, func(f *fake) { f.drop("id-of-docs") }, "docs 50 moving, other 1 ids-stable", "", "", "other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"emptied by a drop":     {"ids", 1, func(f *fake) { shrink(f, "id-of-docs", 0, 50); f.dropWhenListed("id-of-docs") }, "other 1 ids-stable", "docs", "", "other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"emptied":               {"ids", 1, func(f *fake) { shrink(f, "id-of-docs", 0, 50) }, "docs 0 ids-stable, other 1 ids-stable", "", "", "docs 0 still, other 1 still", repo.CaptureIDsStable, repo.CaptureStill},
		"made meanwhile":        {"fetch", 1, func(f *fake) { f.put(f.create("new"), version("a", 1)) }, "docs 50 ids-stable, other 1 ids-stable", "", "new", "docs 50 still, new 1 still, other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"renamed meanwhile":     {"ids", 3, func(f *fake) { f.collections[0].Name = "named" }, "docs 50 moving, other 1 ids-stable", "", "", "named 50 still, other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"described otherwise":   {"ids", 3, func(f *fake) { f.collections[0].Description.Configuration = []byte(`{"a":1}`) }, "docs 50 moving, other 1 ids-stable", "", "", "docs 50 still, other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"its first record":      {"ids", 3, func(f *fake) { f.put(f.create("new"), version("a", 1)) }, "docs 50 ids-stable, other 1 ids-stable", "", "new", "docs 50 still, new 1 still, other 1 still", repo.CaptureMoving, repo.CaptureStill},
		"a record in the end":   {"ids", 6, func(f *fake) { f.put("id-of-docs", version("late", 1)) }, "docs 50 ids-stable, other 1 ids-stable", "", "", "docs 51 still, other 1 still", repo.CaptureIDsStable, repo.CaptureStill},
	} {
		for _, consistent := range []bool{false, true} {
			t.Run(fmt.Sprint(name, consistent), func(t *testing.T) {
				withoutWaiting(t, func(t *testing.T) {
					f, _ := filled(50)
					f.put(f.create("other"), version("a", 1))
					calls := 0
					f.between = func(op string) {
						if op == test.at {
							if calls++; calls == test.nth {
								test.do(f)
							}
						}
					}
					res, err := snapshot.Take(t.Context(), newRepository(t), f, snapshot.Options{Consistent: consistent})
					if err != nil {
						t.Fatal(err)
					}
					want, capture, gone, fresh := test.once, test.captured, test.gone, test.fresh
					if consistent {
						want, capture, gone, fresh = test.consistent, test.consistCap, "", ""
					}
					if got := infos(res.Snapshot); got != want || res.Snapshot.Capture != capture {
						t.Errorf("%s, %s, want %s, %s", got, res.Snapshot.Capture, want, capture)
					}
					if strings.Join(res.Gone, " ") != gone || strings.Join(res.Fresh, " ") != fresh {
						t.Errorf("gone %v, fresh %v", res.Gone, res.Fresh)
					}
				})
			})
		}
	}
}

// TestTooLargeAtOnce: a page that is too large is asked for in parts, and the
// next ones are smaller.
func TestTooLargeAtOnce(t *testing.T) {
	for name, test := range map[string]struct{ records, document, limit, refused int }{
		"an answer beyond its limit":      {1500, 15_000, 12 << 20, 1},
		"one record at a time":            {30, 1000, 1500, 40},
		"a limit below the size of pages": {3000, 0, 20_000, 60},
	} {
		t.Run(name, func(t *testing.T) {
			f, id := newFake(), "id-of-docs"
			f.create("docs")
			want := map[string]chunk.Record{}
			for i := range test.records {
				r := version(fmt.Sprintf("r%05d", i), i)
				text := strings.Repeat("x", test.document)
				r.Document = &text
				f.put(id, r)
				want[r.ID] = r
			}
			f.large = test.limit
			r := newRepository(t)
			res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Captured[0].State != snapshot.IDsStable || f.tooLarge == 0 || f.tooLarge > test.refused {
				t.Errorf("%s, %d answers were too large", res.Captured[0].State, f.tooLarge)
			}
			if got := recordsIn(t, r, res.Snapshot, "docs"); !reflect.DeepEqual(got, want) {
				t.Errorf("%d records are not those that there are", len(got))
			}
		})
	}
	f, _ := filled(3)
	f.large = 10
	if _, err := snapshot.Take(t.Context(), newRepository(t), f, snapshot.Options{}); !errors.Is(err, errFakeLarge) {
		t.Errorf("one record that is too large: %v", err)
	}
}

// TestFilledMeanwhile: the first record of a collection sets its dimension, after
// it was listed without.
func TestFilledMeanwhile(t *testing.T) {
	f, id := filled(0)
	f.between = func(op string) {
		if op == "ids" {
			f.put(id, version("first", 1))
		}
	}
	r := newRepository(t)
	res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{})
	if err != nil || res.Captured[0].Collection.Description.Dimension != 2 {
		t.Fatalf("%+v, %v", res.Captured, err)
	}
	if got := recordsIn(t, r, res.Snapshot, "docs"); len(got) != 1 {
		t.Errorf("%d records", len(got))
	}
}

// TestShrunken goes through the life of a source that loses records.
func TestShrunken(t *testing.T) {
	f, id := filled(400)
	r := newRepository(t)
	take := func(o snapshot.Options) (snapshot.Result, error) { return snapshot.Take(t.Context(), r, f, o) }
	must := func(o snapshot.Options, suspect bool) repo.Snapshot {
		t.Helper()
		res, err := take(o)
		if err != nil {
			t.Fatal(err)
		}
		if (res.Snapshot.Suspect != "") != suspect {
			t.Errorf("suspect: %q", res.Snapshot.Suspect)
		}
		return res.Snapshot
	}
	refused := func() {
		t.Helper()
		if _, err := take(snapshot.Options{}); !errors.Is(err, snapshot.ErrShrunken) {
			t.Errorf("not refused: %v", err)
		}
	}
	full := must(snapshot.Options{}, false)
	shrink(f, id, 0, 200)
	must(snapshot.Options{}, false) // half is left
	grow(f, id, 0, 200)
	must(snapshot.Options{}, false)

	shrink(f, id, 0, 201)
	refused()
	must(snapshot.Options{Kind: repo.KindPreRollback, Source: full.Source, Tags: map[string]string{"pre-rollback": full.DisplayID()}}, false)
	refused() // it is judged by no state before a rollback
	forced := must(snapshot.Options{AllowShrink: true}, true)
	refused()
	latest, err := r.Find(t.Context(), "latest", "")
	if err != nil || latest.Root.Records != 400 {
		t.Errorf("the latest has %d records, %v", latest.Root.Records, err)
	}
	if err := r.Annotate(t.Context(), repo.Annotation{Snapshot: forced.ID, Key: repo.KeySuspect, Removed: true}); err != nil {
		t.Fatal(err)
	}
	must(snapshot.Options{}, false)
	if latest, err = r.Find(t.Context(), "latest", ""); err != nil || latest.Root.Records != 199 {
		t.Errorf("the latest has %d records, %v", latest.Root.Records, err)
	}

	// What a rollback brought back is no loss, unless it wrote nothing.
	grow(f, id, 0, 1000)
	must(snapshot.Options{}, false)
	must(snapshot.Options{Kind: repo.KindPreRollback, Source: full.Source, Tags: map[string]string{"pre-rollback": forced.DisplayID()}}, false)
	shrink(f, id, 0, 801)
	note := repo.Annotation{Key: repo.TagKey(snapshot.TagRollback), Value: snapshot.WroteNothing}
	all, err := r.Snapshots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note.Snapshot = all[len(all)-1].ID
	if err := r.Annotate(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	refused()
	note.Removed, note.Value = true, ""
	if err := r.Annotate(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	_, other := makeVault(t, true, nil) // where snapshots have other ids
	copyAll(t, r, other, snapshot.CopyOptions{})
	if _, err := snapshot.Take(t.Context(), other, f, snapshot.Options{}); err != nil {
		t.Errorf("in a copy: %v", err)
	}
	must(snapshot.Options{}, false)

	// Of few records a single edit takes most; of none nothing is left.
	shrink(f, id, 920, 1000)
	must(snapshot.Options{}, false) // 119 of 199
	shrink(f, id, 831, 920)
	must(snapshot.Options{}, false) // 30 of 119
	shrink(f, id, 0, 1000)
	refused()
}

// TestScopesAreJudgedApart: what a snapshot did not look at is no loss.
func TestScopesAreJudgedApart(t *testing.T) {
	f, id := filled(500)
	other := f.create("other")
	grow(f, other, 0, 150)
	r := newRepository(t)
	take := func(names ...string) (snapshot.Result, error) {
		return snapshot.Take(t.Context(), r, f, snapshot.Options{Collections: names})
	}
	for _, names := range [][]string{nil, {"other"}, {"docs"}} {
		if _, err := take(names...); err != nil {
			t.Fatal(err)
		}
	}
	shrink(f, other, 0, 150)
	if _, err := take("other"); !errors.Is(err, snapshot.ErrShrunken) {
		t.Errorf("%v", err)
	}
	f.drop(other)
	res, err := take() // 500 of 650, and the last one of all is not the last one
	if err != nil || len(res.Losses) != 1 || res.Losses[0] != (snapshot.Loss{Collection: "other", Before: 150, Gone: true}) {
		t.Errorf("%+v, %v", res.Losses, err)
	}
	shrink(f, id, 0, 500)
	if _, err := take(); !errors.Is(err, snapshot.ErrShrunken) {
		t.Errorf("%v", err)
	}
}

// TestDamageIsSuspect where the last good snapshot has less of it.
func TestDamageIsSuspect(t *testing.T) {
	f, id := filled(10)
	r := newRepository(t)
	damaged := func(record string) {
		rec := version(record, 1)
		rec.Null = []bool{true, false}
		rec.Embedding[0] = 0
		f.put(id, rec)
	}
	take := func() repo.Snapshot {
		t.Helper()
		res, err := snapshot.Take(t.Context(), r, f, snapshot.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return res.Snapshot
	}
	if s := take(); !s.Good() {
		t.Error(s.Suspect)
	}
	damaged("r00001")
	s := take()
	if s.Suspect != "damaged records: 1" || s.Damage.First[0] != (repo.DamagedRecord{Collection: "docs", ID: "r00001", Reason: "embedding with null components"}) {
		t.Errorf("%q %+v", s.Suspect, s.Damage)
	}
	if s = take(); s.Good() {
		t.Error("the same damage is good the second time")
	}
	if err := r.Annotate(t.Context(), repo.Annotation{Snapshot: s.ID, Key: repo.KeySuspect, Removed: true}); err != nil {
		t.Fatal(err)
	}
	if s = take(); !s.Good() {
		t.Error("accepted, and suspect again")
	}
	damaged("r00002")
	if s = take(); s.Good() {
		t.Error("more damage is good")
	}
}

// TestConsistentOfNothing: that there is no collection has to be said twice too.
func TestConsistentOfNothing(t *testing.T) {
	withoutWaiting(t, func(t *testing.T) {
		f := newFake()
		lists := 0
		f.between = func(op string) {
			if op != "list" {
				return
			}
			if lists++; lists == 3 { // the first finds the source, the second is the first reading
				f.put(f.create("new"), version("a", 1))
			}
		}
		res, err := snapshot.Take(t.Context(), newRepository(t), f, snapshot.Options{Consistent: true})
		if err != nil || infos(res.Snapshot) != "new 1 still" {
			t.Errorf("%s, %v", infos(res.Snapshot), err)
		}
	})
}
