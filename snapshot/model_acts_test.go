package snapshot_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
	"autochrome/repo/backend/faulty"
	"autochrome/snapshot"
	"autochrome/tree"
)

// change changes the client's database, in ways that others know too: so their
// snapshots share chunks.
func (c *client) change() {
	for range 1 + c.rnd.IntN(3) {
		id := []string{"id-of-docs", "id-of-other"}[c.rnd.IntN(2)]
		switch from, n, v := c.rnd.IntN(4)*40, 1+c.rnd.IntN(50), c.rnd.IntN(4); c.rnd.IntN(4) {
		case 0:
			c.live.remove(id, recordName(c.rnd.IntN(200)))
		case 1:
			c.live.put(id, version(recordName(c.rnd.IntN(200)), v))
		case 2:
			f := c.live.find(id)
			f.records = f.records[:len(f.records)*c.rnd.IntN(4)/4]
		default:
			for i := from; i < from+n; i++ {
				c.live.put(id, version(recordName(i), v))
			}
		}
	}
}

func recordName(i int) string { return fmt.Sprintf("r%05d", i) }

// take takes a snapshot as users do.
func (c *client) take() error {
	r, err := c.at(c.w.main)
	if err != nil {
		return err
	}
	name := c.w.name()
	h := c.w.main.begin(name, c.live.content())
	res, err := snapshot.Take(c.w.ctx, r, c.live, snapshot.Options{Name: name, Source: c.source, AllowShrink: true})
	c.w.main.made(h, res.Snapshot, err)
	return err
}

// points writes points as a guarded run does, each on the one before.
func (c *client) points() error {
	r, err := c.at(c.w.main)
	if err != nil {
		return err
	}
	base := c.w.main.some(c.rnd, alive, deleted)
	c.onLost = base != nil && c.w.main.is(base, deleted)
	return r.Write(c.w.ctx, func(w *repo.Writer) error {
		for range 1 + c.rnd.IntN(5) {
			if c.rnd.IntN(2) == 0 {
				c.change()
			}
			name := c.w.name()
			h := c.w.main.begin(name, c.live.content())
			s := repo.Snapshot{Name: name, Source: c.source, Time: time.Now().UTC(), Kind: repo.KindSnapshot, Capture: repo.CaptureStill,
				Scope: repo.Scope{Tenant: "t", Database: "d"}}
			if s.Root, err = c.build(w, base); err != nil && base != nil {
				err = fmt.Errorf("on %v (%d), %q: %w", base.snapshot, base.state, base.story, err)
			}
			if err == nil {
				s, err = w.SavePoint(c.w.ctx, s)
			}
			c.w.main.made(h, s, err)
			if err != nil {
				return err
			}
			base = h
		}
		if c.rnd.IntN(2) == 0 {
			return nil
		}
		return w.SealPoints(c.w.ctx)
	})
}

// build builds the tree of the client's database on that of a snapshot.
func (c *client) build(w *repo.Writer, base *held) (tree.Root, error) {
	if base == nil {
		return buildOn(c.w.ctx, w, c.live, tree.Root{})
	}
	return buildOn(c.w.ctx, w, c.live, base.snapshot.Root)
}

func (c *client) delete(at *store) error {
	r, err := c.at(at)
	h := at.some(c.rnd, alive)
	if err != nil || h == nil {
		return err
	}
	err = r.Delete(c.w.ctx, h.snapshot, "test")
	at.becomes(h, deleted, err)
	return err
}

func (c *client) undelete(at *store) error {
	r, err := c.at(at)
	h := at.some(c.rnd, deleted, gone)
	if err != nil || h == nil {
		return err
	}
	err = r.Undelete(c.w.ctx, h.snapshot)
	if errors.Is(err, repo.ErrNoSnapshot) && !c.struck && !c.w.now.pruning {
		at.becomes(h, gone, nil)
		return err
	}
	if c.w.now.pruning { // which may be about to remove its record
		at.becomes(h, unsure, nil)
		return err
	}
	at.becomes(h, alive, err)
	return err
}

func (c *client) hold(at *store) error {
	r, err := c.at(at)
	h := at.some(c.rnd, alive)
	if err != nil || h == nil {
		return err
	}
	hold := c.rnd.IntN(2) == 0
	at.mu.Lock()
	h.kept = false
	at.mu.Unlock()
	err = r.Annotate(c.w.ctx, repo.Annotation{Snapshot: h.snapshot.ID, Key: repo.KeyHold, Removed: !hold})
	at.mu.Lock()
	defer at.mu.Unlock()
	h.kept = hold && err == nil && c.w.now.clients == 1
	return err
}

func (c *client) tag(at *store) error {
	r, err := c.at(at)
	h := at.some(c.rnd, alive)
	if err != nil || h == nil {
		return err
	}
	return r.Annotate(c.w.ctx, repo.Annotation{Snapshot: h.snapshot.ID, Key: repo.TagKey("t"), Removed: c.rnd.IntN(3) == 0})
}

func (c *client) cleanUp(at *store) error {
	r, err := c.at(at)
	if err != nil {
		return err
	}
	policy := []repo.Policy{{Last: 3}, {Last: 8}, {Age: 48 * time.Hour}, {Daily: 3, Last: 2}}[c.rnd.IntN(4)]
	done, err := r.CleanUp(c.w.ctx, repo.CleanupOptions{Policy: policy})
	for _, d := range done.Decisions {
		h := at.get(d.Snapshot.Name)
		removed := slices.ContainsFunc(done.Removed, func(s repo.Snapshot) bool { return s.ID == d.Snapshot.ID })
		switch {
		case h == nil:
			c.w.Errorf("%s: cleanup of %s decided about %v, which nobody took", c.w.at, at.name, d.Snapshot)
		case removed && h.kept && c.w.now.clients == 1 && !c.struck:
			c.w.Errorf("%s: cleanup of %s removed %v, which is held", c.w.at, at.name, d.Snapshot)
		case removed:
			at.becomes(h, deleted, nil)
		case !d.Kept():
			at.becomes(h, deleted, err)
		}
	}
	return err
}

func (c *client) prune(at *store) error {
	r, err := c.at(at)
	if err != nil {
		return err
	}
	o := repo.PruneOptions{Grace: c.w.grace}
	if c.rnd.IntN(3) == 0 {
		o.MaxUnused = func(int64) int64 { return 0 }
	}
	_, err = r.Prune(c.w.ctx, o)
	return err
}

// check finds nothing wrong, whoever is at work; but of a prune without a grace
// it may see the one half and not the other.
func (c *client) check(at *store) error {
	if _, err := c.at(at); err != nil {
		return err
	}
	r, err := at.tryOpen(c.w.ctx, faulty.Wrap(indirect{at}, c.strike, at.plug.fault))
	if err != nil {
		return err
	}
	var found []string
	_, err = r.Check(c.w.ctx, repo.CheckOptions{Read: repo.All(), Found: func(f repo.Finding) {
		if f.Err != nil {
			found = append(found, fmt.Sprintf("%s: %v", f.File, f.Err))
		}
	}})
	if err == nil && len(found) > 0 {
		err = errors.New("found " + strings.Join(found, "; "))
	}
	return err
}

// look lists the snapshots: those that are there throughout are listed, and can
// be read.
func (c *client) look(at *store) error {
	r, err := c.at(at)
	if err != nil {
		return err
	}
	sure := at.sure()
	if err := r.Refresh(c.w.ctx); err != nil {
		return err
	}
	list, err := r.Snapshots(c.w.ctx)
	if err != nil {
		return err
	}
	there := byName(list)
	for name := range sure {
		if _, listed := there[name]; !listed && !c.misreads && !c.w.now.deletes.Load() {
			return fmt.Errorf("%s is there and not listed", name)
		}
	}
	h := at.some(c.rnd, alive)
	if h == nil {
		return nil
	}
	content, err := c.w.read(tree.NewReader(r), h.snapshot)
	if err == nil && content != h.content {
		c.w.Errorf("%s: %v holds\n%s\nand should hold\n%s", c.w.at, h.snapshot, content, h.content)
	}
	return err
}

func (c *client) repair(at *store) error {
	r, err := c.at(at)
	if err != nil {
		return err
	}
	_, err = r.RepairIndex(c.w.ctx, func(repo.IndexRepair) error { return nil })
	return err
}

func (c *client) copy(from, to *store) error {
	a, err := c.at(from)
	if err != nil {
		return err
	}
	b, err := c.at(to)
	if err != nil {
		return err
	}
	if err := errors.Join(a.Refresh(c.w.ctx), b.Refresh(c.w.ctx)); err != nil {
		return err
	}
	if (c.w.now.copies.Add(1) > 1 || c.misreads) && !a.SameIDs(b) {
		return nil // what is not seen over there gets a second copy, with an id of its own
	}
	to.mu.Lock()
	for _, h := range to.held {
		h.kept = false // what is said of a snapshot is copied, too
	}
	to.mu.Unlock()
	again := c.rnd.IntN(3) == 0
	res, err := snapshot.Copy(c.w.ctx, a, b, snapshot.CopyOptions{Again: again})
	for _, d := range res.Copied {
		to.copied(from.get(d.From.Name), d.To, c.w.now.pruning)
	}
	if err != nil {
		to.perhaps(from, again)
	}
	if n := len(res.Damaged); err == nil && n > 0 {
		err = fmt.Errorf("not whole: %v: %w", res.Damaged[0].Snapshot, res.Damaged[0].Err)
	}
	return err
}

func (c *client) audit(at *store) error {
	r, err := c.at(at)
	if err != nil {
		return err
	}
	return r.Audit(c.w.ctx, repo.AuditEntry{Action: "test", Outcome: "success", User: c.name, Host: "h"})
}
