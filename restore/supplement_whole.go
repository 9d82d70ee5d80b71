package restore

import (
	"context"
	"errors"
	"fmt"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

// wholeReadings is how often a collection that is to be dropped is read: twice
// the same in a row, and it may go.
const wholeReadings = 3

// errSame: a collection is as it was.
var errSame = errors.New("nothing changed")

// keepWhole reads a collection that is about to be dropped once more, and
// keeps it whole where it is not as it was planned to be found. One that is
// different each time is not dropped: ErrWriting. there is false where it is
// gone already; what has its name then is another one. One that is not called
// name any more is an error.
func (s *Supplement) keepWhole(ctx context.Context, t Target, c *snapshot.Captured, name string, progress func(done, total int)) (there bool, err error) {
	for reading := 1; ; reading++ {
		now, there, err := find(ctx, t, c.Collection.ServerID, name)
		if err != nil || !there {
			return false, err
		}
		changed, gone, err := s.readWhole(ctx, t, now, c.Tree.Name, reading < wholeReadings, progress)
		switch {
		case err != nil:
			return false, err
		case gone:
			return false, nil
		case !changed:
			return true, nil
		}
	}
}

// readWhole reads a collection and keeps it where it changed, or stops where
// that must not go on.
func (s *Supplement) readWhole(ctx context.Context, t Target, now chunk.Collection, name string, goOn bool, progress func(done, total int)) (changed, gone bool, err error) {
	was, err := s.tree(ctx, name)
	if err != nil {
		return false, false, err
	}
	var count int
	var named []Difference
	err = s.repo.Write(ctx, func(w *repo.Writer) error {
		got, left, err := snapshot.Capture(ctx, w, t, []chunk.Collection{now},
			func(chunk.Collection) (tree.Collection, bool) { return *was, true },
			func(p snapshot.Progress) { progress(p.Done, p.Total) })
		if err != nil {
			return err
		}
		if gone = len(left) > 0; gone {
			return errSame
		}
		is := got[0].Tree
		is.Name = name
		if _, marked := markOf(now); marked { // by a swap, which is not what was to be looked for
			is.Description = was.Description
		}
		if is.Top.Logical == was.Top.Logical && is.Height == was.Height && is.Description == was.Description && got[0].State != snapshot.Moving {
			return errSame
		}
		if count, named, err = differences(ctx, tree.NewReader(w), name, *was, is); err != nil {
			return err
		}
		if count == 0 {
			count, named = 1, []Difference{{Collection: name, What: "its records come and go"}}
		}
		if s.strict || !goOn {
			e := &WritingError{Collection: name, Records: count, Whole: true}
			for _, d := range named {
				e.IDs = append(e.IDs, d.ID)
			}
			return e
		}
		return s.save(ctx, w, is)
	})
	if errors.Is(err, errSame) {
		return false, gone, nil
	}
	if err != nil {
		return false, false, err
	}
	s.note(count, named...)
	return true, false, nil
}

// differences counts the records in which two states of a collection differ, and
// names the first of them.
func differences(ctx context.Context, r *tree.Reader, name string, a, b tree.Collection) (count int, named []Difference, err error) {
	d, err := tree.Diff(ctx, r, a, b)
	if err != nil {
		return 0, nil, fmt.Errorf("collection %q: %w", name, err)
	}
	add := func(x tree.Difference) error {
		if count++; count > maxNamed {
			return nil
		}
		diff := Difference{Collection: name, ID: x.ID, What: x.Op.String()}
		if x.Op == tree.Changed {
			for _, k := range kindsOf(x.Columns) {
				diff.Fields = append(diff.Fields, k.String())
			}
		}
		named = append(named, diff)
		return nil
	}
	if err := d.Removed(ctx, add); err != nil {
		return 0, nil, err
	}
	err = d.Present(ctx, add)
	return count, named, err
}
