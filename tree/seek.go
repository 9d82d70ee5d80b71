package tree

import "context"

// cursor goes through the elements of one level of a tree in order: the row
// groups for level 0, nodes above.
type cursor struct {
	reader *Reader
	level  int
	stack  []frame // from the top down to the parents of the elements
}

type frame struct {
	level    int // of the node
	children []element
	next     int
	start    int64 // position of the first record of the next child
}

// seek gives a cursor whose next element is the one with the record at pos, or
// the last one where pos is behind the last record.
func (r *Reader) seek(ctx context.Context, c Collection, level int, pos int64) (*cursor, error) {
	cur := &cursor{reader: r, level: level}
	top := nodeElement(c.Top)
	cur.stack = []frame{{level: c.Height + 1, children: []element{top}}}
	for {
		f := &cur.stack[len(cur.stack)-1]
		for f.next < len(f.children)-1 && f.start+f.children[f.next].count <= pos {
			f.start += f.children[f.next].count
			f.next++
		}
		if f.level == level+1 {
			return cur, nil
		}
		if err := cur.descend(ctx, f); err != nil {
			return nil, err
		}
	}
}

// descend opens the next child of f.
func (cur *cursor) descend(ctx context.Context, f *frame) error {
	e, start := f.children[f.next], f.start
	f.next++
	f.start += e.count
	n := e.child(f.level, start)
	children, err := cur.reader.entries(ctx, n)
	if err != nil {
		return err
	}
	cur.stack = append(cur.stack, frame{level: n.level, children: children, start: start})
	return nil
}

// next gives the next element and the position of its first record.
func (cur *cursor) next(ctx context.Context) (e element, start int64, ok bool, err error) {
	for len(cur.stack) > 0 {
		f := &cur.stack[len(cur.stack)-1]
		switch {
		case f.next == len(f.children):
			cur.stack = cur.stack[:len(cur.stack)-1]
		case f.level == cur.level+1:
			e, start = f.children[f.next], f.start
			f.next++
			f.start += e.count
			return e, start, true, nil
		default:
			if err := cur.descend(ctx, f); err != nil {
				return element{}, 0, false, err
			}
		}
	}
	return element{}, 0, false, nil
}
