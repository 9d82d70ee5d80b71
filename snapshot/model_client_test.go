package snapshot_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"

	"autochrome/repo"
	"autochrome/repo/backend/faulty"
)

// client is somebody who uses the repositories, in a process of his own that
// lives until a crash.
type client struct {
	w        *world
	name     string
	source   string
	live     *fake // his database
	rnd      *rand.Rand
	opened   map[*store]*repo.Repository
	fault    faulty.Fault
	struck   bool
	misreads bool // what it reads may be wrong
	onLost   bool // it builds on what was deleted, which a prune may take away
	what     string
	do       func() error
}

// prepare chooses what to do, and what goes wrong.
func (c *client) prepare(rnd *rand.Rand) {
	c.rnd = rnd
	c.change()
	c.fault, c.struck, c.misreads, c.onLost = nil, c.w.now.faults, false, false
	if rnd.IntN(5) == 0 {
		c.fault, c.struck = c.trouble(), true
		c.w.now.faults = true
	}
	if rnd.IntN(3) == 0 {
		c.forget()
	}
	at := c.w.main
	if rnd.IntN(4) == 0 {
		at = c.w.copies
	}
	acts := []struct {
		weight int
		what   string
		do     func() error
	}{
		{16, "create", c.take},
		{14, "points", c.points},
		{12, "delete", func() error { return c.delete(at) }},
		{6, "undelete", func() error { return c.undelete(at) }},
		{5, "hold", func() error { return c.hold(at) }},
		{5, "tag", func() error { return c.tag(at) }},
		{7, "cleanup", func() error { return c.cleanUp(at) }},
		{16, "prune", func() error { return c.prune(at) }},
		{4, "check", func() error { return c.check(at) }},
		{6, "look", func() error { return c.look(at) }},
		{3, "repair", func() error { return c.repair(at) }},
		{8, "copy", func() error { return c.copy(c.w.main, c.w.copies) }},
		{2, "copy back", func() error { return c.copy(c.w.copies, c.w.main) }},
		{4, "audit", func() error { return c.audit(at) }},
	}
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	n := rnd.IntN(total)
	for _, a := range acts {
		if n -= a.weight; n < 0 {
			c.what, c.do = a.what, a.do
			c.w.now.acts = append(c.w.now.acts, fmt.Sprint(a.what, " ", at.name, " ", c.struck))
			c.w.now.pruning = c.w.now.pruning || a.what == "prune"
			if a.what == "delete" || a.what == "cleanup" {
				c.w.now.deletes.Store(true)
			}
			return
		}
	}
}

// trouble is a fault for one step.
func (c *client) trouble() faulty.Fault {
	n := int64(1 + c.rnd.IntN(25))
	writes := []faulty.Kind{faulty.Save, faulty.Create, faulty.Remove}
	reads := []faulty.Fault{
		faulty.FlipBit(faulty.Nth(n, faulty.Load), c.rnd.IntN(1<<16)),
		faulty.CutShort(faulty.Nth(n, faulty.Load), int(n)),
	}
	faults := []faulty.Fault{
		faulty.Fail(faulty.From(n), nil), // the client's end
		faulty.Fail(faulty.From(1+n/4, writes...), nil),
		faulty.Fail(faulty.Nth(n), nil),
		faulty.Fail(faulty.Nth(1+n/4, writes...), nil),
		faulty.LoseAnswer(faulty.Nth(1+n/4, writes...)),
		faulty.OutOfSpace(n << 9),
	}
	if c.w.grace == repo.DefaultGrace { // lists that come late need the grace
		reads = append(reads, faulty.StaleList(2+n/4))
	}
	faults = append(reads, faults...)
	i := c.rnd.IntN(len(faults))
	c.misreads = i < len(reads)
	c.w.now.acts = append(c.w.now.acts, fmt.Sprint("fault ", i, " at ", n))
	return faults[i]
}

// act does what was chosen.
func (c *client) act() {
	err := c.do()
	c.w.count(c.what, err)
	if err != nil && !c.struck && !c.excused(err) {
		c.w.Errorf("%s: %s: %s, of %q: %v", c.w.at, c.name, c.what, c.w.now.acts, err)
	}
}

// excused reports whether others made it fail: a prune may without a grace, and
// where it builds on what was deleted before.
func (c *client) excused(err error) bool {
	return errors.Is(err, repo.ErrNoSnapshot) && c.what == "undelete" ||
		c.onLost && c.w.now.pruning && errors.Is(err, repo.ErrMissing) ||
		c.w.grace == repo.NoGrace && c.w.now.pruning && c.w.now.clients > 1
}

// settle ends what was struck: the client begins anew.
func (c *client) settle() {
	if c.struck {
		c.forget()
	}
	c.fault, c.struck = nil, false
}

// forget ends the client's process.
func (c *client) forget() { c.opened = nil }

// at gives the client's view of a store.
func (c *client) at(s *store) (*repo.Repository, error) {
	if r := c.opened[s]; r != nil {
		return r, nil
	}
	r, err := s.tryOpen(c.w.ctx, faulty.Wrap(indirect{s}, c.strike, s.plug.fault))
	if err == nil {
		if c.opened == nil {
			c.opened = map[*store]*repo.Repository{}
		}
		c.opened[s] = r
	}
	return r, err
}

func (c *client) strike(op *faulty.Op, next func() error) error {
	if rand.IntN(3) == 0 {
		runtime.Gosched()
	}
	if c.fault != nil {
		return c.fault(op, next)
	}
	return next()
}
