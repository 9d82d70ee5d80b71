package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"autochrome/chunk"
	"autochrome/tree"
)

// ErrInconsistent: a source could not be captured as consistently as was asked.
// Nothing is stored then: whoever asks for it wants the command to fail, and a
// snapshot behind a failure would be found as the latest.
var ErrInconsistent = errors.New("not captured as consistently as asked")

const (
	// consistentReads is how often a collection is read until two reads, one
	// after the other, agree.
	consistentReads = 6
	// consistentPause is the wait before the third read, so that a writer can
	// come to its end. It doubles with each further one: 4 s in all.
	consistentPause = 250 * time.Millisecond
)

// scope captures the collections of a source that a snapshot looks at.
type scope struct {
	src      Source
	store    tree.Store
	names    []string // nil: all
	earlier  Earlier
	progress func(Progress)

	captured []Captured
	gone     []string // collections that were deleted before they were read
	fresh    []string // collections that were made meanwhile, and are not captured
}

// once reads each collection once, and then lists the collections again.
func (s *scope) once(ctx context.Context, cs []chunk.Collection) error {
	var err error
	if s.captured, s.gone, err = Capture(ctx, s.store, s.src, cs, s.earlier, s.progress); err != nil {
		return err
	}
	after, err := s.list(ctx)
	if err != nil {
		return err
	}
	s.captured = slices.DeleteFunc(s.captured, func(c Captured) bool {
		// One that is being deleted may answer as if it had no records.
		_, listed := byServerID(after, c.Collection.ServerID)
		if listed || c.Tree.Top.Count > 0 {
			return false
		}
		s.gone = append(s.gone, c.Collection.Name)
		return true
	})
	for i := range s.captured {
		c := &s.captured[i]
		if now, ok := byServerID(after, c.Collection.ServerID); !ok || !sameCollection(now, c.Collection) {
			c.State = Moving
		}
	}
	for _, c := range after {
		if _, before := byServerID(cs, c.ServerID); !before {
			s.fresh = append(s.fresh, c.Name)
		}
	}
	return nil
}

// twice reads each collection until two reads, one after the other, agree. What
// has agreed is not read again. A second read refers to the first one's tree, so
// that of what is the same nothing is stored again. It is ErrInconsistent when a
// collection differs each time.
func (s *scope) twice(ctx context.Context) error {
	have := map[string]Captured{} // by the collection's server id
	for read := 1; ; read++ {
		cs, err := s.list(ctx)
		if err != nil {
			return err
		}
		pending := slices.DeleteFunc(slices.Clone(cs), func(c chunk.Collection) bool {
			h := have[c.ServerID]
			return h.State == Still && sameCollection(h.Collection, c)
		})
		if len(pending) == 0 && read > 1 {
			for _, c := range cs {
				s.captured = append(s.captured, have[c.ServerID])
			}
			return nil
		}
		if read > consistentReads {
			return fmt.Errorf("%w: %s changed each time, in %d reads", ErrInconsistent, named(pending), consistentReads)
		}
		if read > 2 {
			select {
			case <-time.After(consistentPause << (read - 3)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := s.again(ctx, pending, have); err != nil {
			return err
		}
	}
}

// again reads collections and notes which are as they were in have.
func (s *scope) again(ctx context.Context, cs []chunk.Collection, have map[string]Captured) error {
	earlier := func(c chunk.Collection) (tree.Collection, bool) {
		if h, ok := have[c.ServerID]; ok {
			return h.Tree, true
		}
		if s.earlier == nil {
			return tree.Collection{}, false
		}
		return s.earlier(c)
	}
	captured, _, err := Capture(ctx, s.store, s.src, cs, earlier, s.progress)
	if err != nil {
		return err
	}
	for _, c := range captured {
		if before, ok := have[c.Collection.ServerID]; ok {
			if c.State != Moving && sameCollection(before.Collection, c.Collection) && c.Tree.Height == before.Tree.Height && c.Tree.Top.Logical == before.Tree.Top.Logical {
				c.State = Still
			}
			c.BytesRead += before.BytesRead
		}
		have[c.Collection.ServerID] = c
	}
	return nil
}

// list gives the collections that are in scope now.
func (s *scope) list(ctx context.Context) ([]chunk.Collection, error) {
	all, err := s.src.Collections(ctx)
	if err != nil {
		return nil, err
	}
	return Select(all, s.names, true)
}

// moving says what came or went while the source was read, or "".
func (s *scope) moving() string {
	var moving []chunk.Collection
	for _, c := range s.captured {
		if c.State == Moving {
			moving = append(moving, c.Collection)
		}
	}
	var parts []string
	if len(moving) > 0 {
		parts = append(parts, named(moving)+" changed while it was read")
	}
	if len(s.gone) > 0 {
		parts = append(parts, "deleted meanwhile: "+strings.Join(s.gone, ", "))
	}
	if len(s.fresh) > 0 {
		parts = append(parts, "made meanwhile: "+strings.Join(s.fresh, ", "))
	}
	return strings.Join(parts, "; ")
}

func named(cs []chunk.Collection) string {
	if len(cs) == 1 {
		return "collection " + cs[0].Name
	}
	return "collections " + list(cs)
}

func byServerID(cs []chunk.Collection, id string) (chunk.Collection, bool) {
	if i := slices.IndexFunc(cs, func(c chunk.Collection) bool { return c.ServerID == id }); i >= 0 {
		return cs[i], true
	}
	return chunk.Collection{}, false
}

// sameCollection reports whether two answers about a collection say the same.
func sameCollection(a, b chunk.Collection) bool {
	return a.ServerID == b.ServerID && a.Name == b.Name &&
		bytes.Equal(a.Description.AppendCanonical(nil), b.Description.AppendCanonical(nil))
}
