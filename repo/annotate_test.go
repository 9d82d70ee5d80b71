package repo

import (
	"fmt"
	"testing"
	"time"

	"autochrome/chunk"
	"autochrome/repo/backend"
)

func TestAnnotations(t *testing.T) {
	ctx := t.Context()
	clock := tick()
	m := &backend.Memory{Clock: func() time.Time { return clock() }}
	r := initialised(t, m)
	a, b := chunk.ID{1}, chunk.ID{2}
	say := func(id chunk.ID, key, value string, removed bool) {
		t.Helper()
		must(t, r.Annotate(ctx, Annotation{Snapshot: id, Key: key, Value: value, Removed: removed}))
	}
	say(a, TagKey("env"), "test", false)
	say(a, TagKey("env"), "prod", false)
	say(a, TagKey("old"), "x", false)
	say(a, TagKey("old"), "", true)
	say(b, KeyHold, "audit", false)
	say(b, KeyHold, "audit", false) // twice the same
	say(b, KeySuspect, "", false)
	for _, r := range []*Repository{r, opened(t, m)} {
		for range 2 { // the second time from memory
			notes, err := r.Annotations(ctx)
			must(t, err)
			if v, ok := notes[a].Value(TagKey("env")); v != "prod" || !ok {
				t.Errorf("env is %q, %v", v, ok)
			}
			if v, ok := notes[a].Value(TagKey("old")); v != "" || ok {
				t.Errorf("old is %q, %v", v, ok)
			}
			if v, ok := notes[b].Value(KeyHold); v != "audit" || !ok {
				t.Errorf("hold is %q, %v", v, ok)
			}
			if _, ok := notes[b].Value(KeyVerified); ok {
				t.Error("verified, which nobody said")
			}
			s := snapshotOf()
			s.Tags = map[string]string{"env": "dev", "old": "y", "kept": "z"}
			if got, want := fmt.Sprint(notes[a].Tags(s)), "map[env:prod kept:z]"; got != want {
				t.Errorf("tags %s, want %s", got, want)
			}
			if notes[b].Suspect(s) == "" || notes[a].Suspect(s) != "" {
				t.Error("suspect is wrong")
			}
			s.Suspect = "record"
			if notes[chunk.ID{3}].Suspect(s) != "record" || notes[b].Suspect(s) != "marked as suspect" {
				t.Error("suspect by its record is wrong")
			}
		}
	}
	// Where the store's clock does not tell, the writer's does.
	same := clock()
	clock = func() time.Time { return same }
	now := time.Now()
	for i := range 20 {
		must(t, r.Annotate(ctx, Annotation{Snapshot: a, Key: KeyRestored, Value: fmt.Sprint(i), Time: now.Add(time.Duration(i) * time.Second)}))
	}
	notes, err := r.Annotations(ctx)
	must(t, err)
	if v, _ := notes[a].Value(KeyRestored); v != "19" || notes[a][KeyRestored].Stored != same {
		t.Errorf("restored %q at %v", v, notes[a][KeyRestored].Stored)
	}
}

func TestInvalidAnnotations(t *testing.T) {
	ctx := t.Context()
	r := initialised(t, new(backend.Memory))
	for name, a := range map[string]Annotation{
		"no snapshot": {Key: KeyHold}, "no key": {Snapshot: chunk.ID{1}}, "unknown key": {Snapshot: chunk.ID{1}, Key: "x"},
		"no tag": {Snapshot: chunk.ID{1}, Key: TagKey("")}, "removed value": {Snapshot: chunk.ID{1}, Key: KeyHold, Value: "x", Removed: true},
		"long": {Snapshot: chunk.ID{1}, Key: KeyHold, Value: string(make([]byte, maxAnnotation))},
	} {
		if err := r.Annotate(ctx, a); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantErr(t, err, ErrInvalid)
		}
	}
}
