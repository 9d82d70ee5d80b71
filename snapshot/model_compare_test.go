package snapshot_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// compare demands that both repositories hold what the model says: what should
// be there verifies, and nothing else is.
func (w *world) compare() {
	for _, s := range []*store{w.main, w.copies} {
		w.compareStore(s)
	}
	if w.Failed() {
		w.FailNow()
	}
}

func (w *world) compareStore(s *store) {
	r := s.open(w, s.disk)
	list, err := r.Snapshots(w.ctx)
	if err != nil {
		w.fatal("%s: %v", s.name, err)
	}
	removed, err := r.DeletedSnapshots(w.ctx)
	if err != nil {
		w.fatal("%s: %v", s.name, err)
	}
	if damaged := r.Damaged(); len(damaged) > 0 {
		w.fatal("%s: %v", s.name, damaged)
	}
	there, back := byName(list), byName(removed)
	all := w.now.pruning || w.rnd.IntN(10) == 0
	reader := tree.NewReader(r)
	for name, x := range there {
		h := s.held[name]
		switch {
		case h == nil:
			w.fatal("%s: %v: nobody took it", s.name, x)
		case h.state == deleted || h.state == gone:
			w.fatal("%s: %v came back; %q, now %v", s.name, x, h.story, w.now.acts)
		}
		if h.state == alive && !all && rand.IntN(3) > 0 {
			continue
		}
		content, err := w.read(reader, x)
		if err != nil && h.state == maybe && w.window() {
			// Its writer ended between writing and looking again: format.md, 15.
			w.count("window", nil)
			w.removeBroken(r, x)
			h.snapshot, h.state = x, deleted
			continue
		}
		if err != nil {
			w.fatal("%s: %v (%d): %v", s.name, x, h.state, err)
		}
		if content != h.content {
			w.fatal("%s: %v holds\n%s\nand should hold\n%s", s.name, x, content, h.content)
		}
		if h.state == maybe || h.state == unsure {
			h.snapshot, h.state, h.kept = x, alive, false
		}
	}
	for name, h := range s.held {
		h.touched = 0
		_, listed := there[name]
		x, returns := back[name]
		switch {
		case h.state == alive && !listed:
			w.fatal("%s: %s %v is not there (deleted: %v); %q, now %v", s.name, name, h.snapshot, returns, h.story, w.now.acts)
		case listed:
		case returns && h.state == maybe:
			w.fatal("%s: %v was never there and is deleted", s.name, x)
		case returns:
			if h.state == gone {
				h.story = append(h.story, fmt.Sprint(time.Now().Format("02 15:04"), " record came back ", w.now.acts))
			}
			h.snapshot, h.state = x, deleted
			if _, err := w.read(reader, x); err != nil {
				w.fatal("%s: deleted %v, which can be brought back: %v; %q, now %q", s.name, x, err, h.story, w.now.acts)
			}
		default:
			if h.state != gone {
				h.story = append(h.story, fmt.Sprintf("%s: %d is gone", time.Now().Format("02 15:04"), h.state))
			}
			h.state = gone
		}
	}
}

// window reports whether a snapshot that was never acknowledged may lack chunks.
func (w *world) window() bool {
	return w.grace == repo.NoGrace && w.now.pruning && w.now.faults && w.now.clients > 1
}

func (w *world) removeBroken(r *repo.Repository, s repo.Snapshot) {
	if err := r.Delete(w.ctx, s, "it lacks chunks"); err != nil {
		w.fatal("%v", err)
	}
}

func byName(list []repo.Snapshot) map[string]repo.Snapshot {
	out := map[string]repo.Snapshot{}
	for _, s := range list {
		out[s.Name] = s
	}
	return out
}

// read verifies a snapshot and gives what it holds.
func (w *world) read(r *tree.Reader, s repo.Snapshot) (string, error) {
	cs, err := r.Collections(w.ctx, s.Root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range cs {
		err := tree.Verify(w.ctx, r, c, func(error) bool { return true }, func(tree.Group, int) {}, func(d tree.Damage) error { return d.Err })
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s:", c.Name)
		err = r.Groups(w.ctx, c, func(_ int64, g tree.Group) error {
			recs, err := r.Records(w.ctx, g)
			if err != nil {
				return err
			}
			for i := range recs.Len() {
				rec, err := recs.Record(i)
				if err != nil {
					return err
				}
				says(&b, rec)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// content is what a snapshot of the database holds, as read gives it.
func (f *fake) content() string {
	var b strings.Builder
	for _, c := range f.collections {
		fmt.Fprintf(&b, "%s:", c.Name)
		for _, r := range c.records {
			says(&b, r)
		}
	}
	return b.String()
}

func says(b *strings.Builder, r chunk.Record) {
	v, _ := r.Metadata.Get("n")
	fmt.Fprintf(b, " %s=%v,%s,%s,%d", r.ID, r.Embedding[0], *r.Document, *r.URI, v.Int)
}
