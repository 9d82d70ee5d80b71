package snapshot_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
	"autochrome/repo/backend"
)

// inspect reads all of both repositories, and plans a prune.
func (w *world) inspect() {
	for _, s := range []*store{w.main, w.copies} {
		r := s.open(w, s.disk)
		_, err := r.Check(w.ctx, repo.CheckOptions{Read: repo.All(), Found: func(f repo.Finding) {
			if f.Err != nil {
				w.Errorf("%s: check of %s: %s: %v", w.at, s.name, f.File, f.Err)
			}
		}})
		if err != nil {
			w.fatal("check of %s: %v", s.name, err)
		}
		if _, err := s.open(w, s.disk).Prune(w.ctx, repo.PruneOptions{DryRun: true, Grace: w.grace}); err != nil {
			w.fatal("plan of a prune of %s: %v", s.name, err)
		}
	}
	if w.Failed() {
		w.FailNow()
	}
}

// damage flips a bit of any file, or loses an index file: check names the file,
// and repair brings back what can be made again.
func (w *world) damage() {
	s := w.main
	if w.rnd.IntN(2) == 0 {
		s = w.copies
	}
	w.now = &happening{clients: 1}
	for _, c := range w.clients {
		c.forget() // what they keep in memory is not what is to be found
	}
	names, err := backend.Names(w.ctx, s.disk, []string{"", "index/", "roots/", "marks/", "packs/"}[w.rnd.IntN(5)])
	if err != nil {
		w.fatal("%v", err)
	}
	if len(names) == 0 {
		return
	}
	name := names[w.rnd.IntN(len(names))]
	healthy := s.disk.Clone()
	good, err := backend.LoadAll(w.ctx, s.disk, name)
	if err != nil {
		w.fatal("%v", err)
	}
	lost := strings.HasPrefix(name, "index/") && w.rnd.IntN(2) == 0
	if lost {
		err = s.disk.Remove(w.ctx, name)
	} else {
		bad := slices.Clone(good)
		bad[w.rnd.IntN(len(bad))] ^= 1 << w.rnd.IntN(8)
		err = s.disk.Save(w.ctx, name, bad)
	}
	if err != nil {
		w.fatal("%v", err)
	}
	w.count("damage in "+strings.Split(name, "/")[0], nil)
	// A record is named by what it says. A bit of its stored form that says
	// nothing may flip, and nobody is harmed.
	record := strings.HasPrefix(name, "roots/") && !strings.Contains(name, ".")
	if !lost && !record && !w.finds(s, name) {
		w.fatal("a bit of %s is flipped in %s, and check does not see it", name, s.name)
	}
	if !strings.HasPrefix(name, "index/") {
		s.disk = healthy
		return
	}
	if _, err := s.open(w, s.disk).RepairIndex(w.ctx, func(repo.IndexRepair) error { return nil }); err != nil {
		w.fatal("repair of %s: %v", s.name, err)
	}
}

// finds reports whether a check, or opening, names a file.
func (w *world) finds(s *store, name string) (found bool) {
	r, err := s.tryOpen(w.ctx, s.disk)
	if err != nil {
		d := new(repo.DamagedFileError)
		return errors.As(err, &d) && d.File == name || errors.Is(err, repo.ErrWrongKey) || errors.Is(err, repo.ErrFormat)
	}
	_, err = r.Check(w.ctx, repo.CheckOptions{Read: repo.All(), Found: func(f repo.Finding) { found = found || f.File == name }})
	if err != nil {
		w.fatal("check of %s: %v", s.name, err)
	}
	return found
}

// end deletes all but one snapshot of each repository and demands that what is
// left takes no more than it must.
func (w *world) end() {
	w.at, w.now = "end", &happening{clients: 1}
	w.inspect()
	for _, s := range []*store{w.main, w.copies} {
		r := s.open(w, s.disk)
		list, err := r.Snapshots(w.ctx)
		if err != nil {
			w.fatal("%v", err)
		}
		for _, x := range list[:max(len(list)-1, 0)] {
			if err := r.Delete(w.ctx, x, "test"); err != nil {
				w.fatal("%v", err)
			}
			s.held[x.Name].state = deleted
		}
		for range 8 {
			time.Sleep(49 * time.Hour)
			o := repo.PruneOptions{Grace: w.grace, MaxUnused: func(int64) int64 { return 0 }}
			if _, err := s.open(w, s.disk).Prune(w.ctx, o); err != nil {
				w.fatal("last prune of %s: %v", s.name, err)
			}
		}
		w.compareStore(s)
		size, err := s.open(w, s.disk).Size(w.ctx)
		if err != nil {
			w.fatal("%v", err)
		}
		if n := size.Folders["packs"].Bytes + size.Folders["roots"].Bytes; n > 64<<10 {
			w.fatal("%s: one snapshot takes %d bytes: %+v", s.name, n, size.Folders)
		}
		w.Logf("%s: %d snapshots were there, at last %+v", s.name, len(s.held), size.Folders)
	}
}
