package guard

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"autochrome/repo"
)

// losses counts the records of the base that are gone, or have lost their
// vector or document. Records that are added never make up for one.
type losses struct {
	base int64 // records that the base had
	lost int64
}

// note takes over what of a record is there now, and counts it.
func (l *losses) note(p *place, now flags) {
	p.flags = p.flags&^(present|document|vector) | now
	if p.flags&ofBase == 0 {
		return
	}
	switch was, is := p.flags&lost != 0, !survives(p.flags, now); {
	case was && !is:
		p.flags &^= lost
		l.lost--
	case !was && is:
		p.flags |= lost
		l.lost++
	}
}

// survives reports whether what is there now has all that the base had.
func survives(base, now flags) bool {
	return now&present != 0 && (now&vector != 0 || base&hadVector == 0) && (now&document != 0 || base&hadDocument == 0)
}

// Loss is what of a collection of the base is lost.
type Loss struct {
	Collection string `json:"collection"` // as the base calls it
	Base       int64  `json:"base"`       // records that it had
	Lost       int64  `json:"lost"`
	Deleted    bool   `json:"deleted,omitempty"` // the collection itself is gone
	// Expected says what the migration was said to do with it: the name of the
	// collection in which its records are looked for, or "gone".
	Expected string `json:"expected,omitempty"`
}

// Share is how much of the collection is lost, from 0 to 1.
func (l Loss) Share() float64 {
	if l.Base == 0 || l.Expected == Gone {
		return 0
	}
	return float64(l.Lost) / float64(l.Base)
}

// String says it for people.
func (l Loss) String() string {
	s := fmt.Sprintf("%s lost %d of %d records (%.1f %%)", l.Collection, l.Lost, l.Base, 100*l.Share())
	if l.Deleted && l.Expected == "" {
		s += ", since it was deleted"
	}
	return s
}

// Gone as an expectation says that a collection may be gone in the end.
const Gone = "gone"

// weigh calls fn with what is lost and with the last point, while none is made.
func (r *recorder) weigh(ctx context.Context, expect map[string]string, thorough bool, fn func(lost []Loss, last repo.Snapshot)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	lost, err := r.losses(ctx, expect, thorough)
	if err == nil {
		fn(lost, r.last)
	}
	return err
}

// losses gives what of each of the base's collections is lost, by name. Where
// thorough, the records of a collection that another one is expected to replace
// are looked for there, which takes a look at each of them; otherwise such a
// collection counts as whole. r.mu is held.
func (r *recorder) losses(ctx context.Context, expect map[string]string, thorough bool) (out []Loss, err error) {
	for c, deleted := range r.ofBase() {
		l := c.loss(deleted, expect)
		if l.Expected != "" && l.Expected != Gone && l.Lost > 0 {
			l.Lost = 0
			if thorough {
				if l.Lost, err = r.lostBeside(ctx, c, deleted, l.Expected); err != nil {
					return nil, err
				}
			}
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Loss) int { return cmp.Compare(a.Collection, b.Collection) })
	return out, nil
}

// ofBase gives the collections that the base had, and whether they are deleted.
// r.mu is held.
func (r *recorder) ofBase() iter.Seq2[*collection, bool] {
	return func(yield func(*collection, bool) bool) {
		for _, c := range r.collections {
			if c.base != nil && !yield(c, false) {
				return
			}
		}
		for _, c := range r.deleted {
			if !yield(c, true) {
				return
			}
		}
	}
}

// loss is what a collection of the base has lost itself, whatever another one has.
func (c *collection) loss(deleted bool, expect map[string]string) Loss {
	return Loss{Collection: c.base.Name, Base: c.losses.base, Lost: c.losses.lost, Deleted: deleted, Expected: expect[c.base.Name]}
}

// lostBeside counts the records of the base that neither their own collection
// has nor another one of that name.
func (r *recorder) lostBeside(ctx context.Context, c *collection, deleted bool, name string) (n int64, err error) {
	var other *collection
	for _, o := range r.collections {
		if o.live.Name == name && o != c {
			other = o
		}
	}
	err = c.places.each(func(h idHash, pl place) error {
		switch {
		case pl.flags&ofBase == 0, pl.flags&lost == 0 && !deleted:
			return ctx.Err()
		case other != nil:
			there, err := other.places.findHash(h)
			if err != nil || survives(pl.flags, there.flags) {
				return err
			}
		}
		n++
		return nil
	})
	return n, err
}
