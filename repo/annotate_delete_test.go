package repo

import (
	"testing"

	"autochrome/repo/backend"
)

func TestDelete(t *testing.T) {
	ctx := t.Context()
	clock := tick()
	m := &backend.Memory{Clock: clock}
	r := initialised(t, m)
	a, b := take(t, r, "a"), take(t, r, "b")
	must(t, r.Delete(ctx, b, "by hand"))
	for _, r := range []*Repository{r, opened(t, m)} {
		list, err := r.Snapshots(ctx)
		must(t, err)
		gone, err := r.DeletedSnapshots(ctx)
		must(t, err)
		if len(list) != 1 || list[0].ID != a.ID || len(gone) != 1 || gone[0].ID != b.ID {
			t.Fatalf("there are %v, deleted %v", list, gone)
		}
		if s, err := r.Find(ctx, "latest", ""); err != nil || s.ID != a.ID {
			t.Errorf("the latest is %v, %v", s, err)
		}
		if s, ok, err := r.Newest(ctx, "shop"); err != nil || !ok || s.ID != a.ID {
			t.Errorf("the newest is %v, %v", s, err)
		}
		_, err = r.Find(ctx, b.DisplayID(), "")
		wantErr(t, err, ErrNoSnapshot)
		mustContain(t, err, "it was deleted", "snapshot delete --undo "+b.DisplayID())
		if s, err := r.FindDeleted(ctx, b.DisplayID(), ""); err != nil || s.ID != b.ID {
			t.Errorf("the deleted one is %v, %v", s, err)
		}
		_, err = r.FindDeleted(ctx, "no-such-name", "")
		wantErr(t, err, ErrNoSnapshot)
		mustContain(t, err, "list --deleted")
	}
	must(t, r.Undelete(ctx, b))
	if list := whole(t, m); len(list) != 2 {
		t.Errorf("%d snapshots after undelete", len(list))
	}
	_, err := r.FindDeleted(ctx, b.DisplayID(), "")
	mustContain(t, err, "no deleted snapshot is left")

	// Prune removes the record: then there is nothing to bring back.
	must(t, r.Delete(ctx, b, "by hand"))
	removeAll(t, m, append(names(t, m, listsFolder), b.File))
	wantErr(t, r.Undelete(ctx, b), ErrNoSnapshot)
}
