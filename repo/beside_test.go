package repo

import (
	"os"
	"path/filepath"
	"testing"

	"autochrome/repo/backend"
)

// TestBeside: a link among archives that stand in the same folder is nobody's
// business; one among packs is refused.
func TestBeside(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	be, err := backend.OpenLocal(folder)
	must(t, err)
	take(t, initialised(t, be), "a")
	before, err := opened(t, be).Size(ctx)
	must(t, err)
	link := func(name string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		if err := os.Symlink(folder, filepath.Join(folder, name)); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	link("snapshots/latest")
	link("somewhere")

	r := opened(t, be)
	checked, err := r.Check(ctx, CheckOptions{Read: All()})
	if err != nil || checked.Damaged != 0 || checked.Remarks != 0 {
		t.Errorf("check: %+v, %v", checked, err)
	}
	size, err := r.Size(ctx)
	if err != nil || size.FolderSize != before.FolderSize || size.Folders[""].Files != 1 {
		t.Errorf("size: %+v, then %+v, %v", before, size, err)
	}
	if infos, err := r.Objects(ctx, "config"); err != nil || len(infos) != 1 || infos[0].Name != configName {
		t.Errorf("config: %v, %v", infos, err)
	}

	link("packs/latest")
	_, err = opened(t, be).Check(ctx, CheckOptions{})
	mustContain(t, err, "links")
}
