package tree

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"autochrome/chunk"
	"autochrome/internal/wire"
)

// Column is one column of a row group.
type Column struct {
	Content chunk.ID // hash of the column's canonical bytes; zero: every row is absent
	Runs    []Run    // where its rows lie; nil with a zero Content
}

// whole reports whether the column is one chunk that holds just it.
func (c Column) whole(count int) bool {
	return len(c.Runs) == 1 && c.Runs[0] == Run{Chunk: c.Content, Count: count}
}

// Group is the entry of a row group in its level-1 node.
type Group struct {
	Count   int
	Last    string // id of the last record
	Columns [chunk.NumColumns]Column
}

// Node is the entry of a node: in its parent node, or in its collection where
// it is the top.
type Node struct {
	Logical  chunk.ID
	Count    int64  // records below it
	Children int    // entries of its own
	Last     string // id of the last record below it
	Runs     []Run  // where its own entries lie
}

// Collection is the entry of a collection in the root.
type Collection struct {
	Tenant, Database, Name string
	Description            chunk.ID // of its description's chunk
	Height                 int      // level of its top node; 0: no records
	Top                    Node     // zero without records
}

// Compare orders collections by tenant, database and name.
func (c Collection) Compare(o Collection) int {
	return cmp.Or(strings.Compare(c.Tenant, o.Tenant), strings.Compare(c.Database, o.Database), strings.Compare(c.Name, o.Name))
}

// Logical is the id of what the group says: its count and its columns'
// contents.
func (g Group) Logical(h *chunk.Hasher) chunk.ID {
	b := make([]byte, 0, 16+chunk.NumColumns*chunk.IDSize)
	b = binary.AppendUvarint(append(b, 'G'), uint64(g.Count))
	for _, c := range g.Columns {
		b = append(b, c.Content[:]...)
	}
	return h.Logical(b)
}

// logicalNode is the id of what a node says: its level, and each child's
// logical id and count.
func logicalNode(h *chunk.Hasher, level int, children []element) chunk.ID {
	b := binary.AppendUvarint([]byte{'N'}, uint64(level))
	b = binary.AppendUvarint(b, uint64(len(children)))
	for _, e := range children {
		b = append(b, e.logical[:]...)
		b = binary.AppendUvarint(b, uint64(e.count))
	}
	return h.Logical(b)
}

// Logical is the id of what a collection says, but for its name.
func (c Collection) Logical(h *chunk.Hasher) chunk.ID {
	b := append([]byte{'C'}, c.Description[:]...)
	b = binary.AppendUvarint(b, uint64(c.Height))
	b = append(b, c.Top.Logical[:]...)
	b = binary.AppendUvarint(b, uint64(c.Top.Count))
	return h.Logical(b)
}

// logicalRoot is the id of what a snapshot says: the collections in order,
// with their names.
func logicalRoot(h *chunk.Hasher, cs []Collection) chunk.ID {
	b := binary.AppendUvarint([]byte{'R'}, uint64(len(cs)))
	for _, c := range cs {
		for _, s := range []string{c.Tenant, c.Database, c.Name} {
			b = appendText(b, s)
		}
		id := c.Logical(h)
		b = append(b, id[:]...)
	}
	return h.Logical(b)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// append writes the entry. A column that is one chunk of its own is written
// as its content id alone.
func (g Group) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(g.Count))
	dst = appendText(dst, g.Last)
	var present, whole byte
	for i, c := range g.Columns {
		if !c.Content.IsZero() {
			present |= 1 << i
			if c.whole(g.Count) {
				whole |= 1 << i
			}
		}
	}
	dst = append(dst, present, whole)
	for _, c := range g.Columns {
		if c.Content.IsZero() {
			continue
		}
		dst = append(dst, c.Content[:]...)
		if !c.whole(g.Count) {
			dst = appendRuns(dst, c.Runs)
		}
	}
	return dst
}

func decodeGroup(row []byte) (Group, error) {
	d := wire.Reader{Rest: row}
	g := Group{Count: d.Int(chunk.MaxGroup), Last: string(d.Text())}
	present, whole := d.Byte(), d.Byte()
	if g.Count == 0 || g.Last == "" || present&1 == 0 || present>>chunk.NumColumns != 0 || whole&^present != 0 {
		d.Fail(errors.New("bad header"))
	}
	for i := range g.Columns {
		if present>>i&1 == 0 || d.Err != nil {
			continue
		}
		c := &g.Columns[i]
		copy(c.Content[:], d.Take(chunk.IDSize))
		if c.Content.IsZero() {
			d.Fail(errors.New("zero content"))
		}
		if whole>>i&1 != 0 {
			c.Runs = []Run{{Chunk: c.Content, Count: g.Count}}
		} else if c.Runs = readRuns(&d, g.Count); c.whole(g.Count) {
			d.Fail(errors.New("a whole chunk written as a run"))
		}
	}
	if err := d.End(); err != nil {
		return Group{}, fmt.Errorf("%w: group entry: %v", chunk.ErrCorrupt, err)
	}
	return g, nil
}

func (n Node) append(dst []byte) []byte {
	dst = append(dst, n.Logical[:]...)
	dst = binary.AppendUvarint(dst, uint64(n.Count))
	dst = binary.AppendUvarint(dst, uint64(n.Children))
	dst = appendText(dst, n.Last)
	return appendRuns(dst, n.Runs)
}

func readNode(d *wire.Reader) Node {
	var n Node
	copy(n.Logical[:], d.Take(chunk.IDSize))
	records := d.Uvarint()
	n.Count = int64(records)
	n.Children = d.Int(chunk.MaxGroup)
	n.Last = string(d.Text())
	if records == 0 || records > chunk.MaxRecords || n.Children == 0 || n.Last == "" {
		d.Fail(errors.New("bad header"))
	}
	n.Runs = readRuns(d, n.Children)
	return n
}

func decodeNode(row []byte) (Node, error) {
	d := wire.Reader{Rest: row}
	n := readNode(&d)
	if err := d.End(); err != nil {
		return Node{}, fmt.Errorf("%w: node entry: %v", chunk.ErrCorrupt, err)
	}
	return n, nil
}

func (c Collection) append(dst []byte) []byte {
	for _, s := range []string{c.Tenant, c.Database, c.Name} {
		dst = appendText(dst, s)
	}
	dst = append(dst, c.Description[:]...)
	dst = append(dst, byte(c.Height))
	if c.Height > 0 {
		dst = c.Top.append(dst)
	}
	return dst
}

// maxHeight is beyond what 2^63 records need.
const maxHeight = 12

func decodeCollection(row []byte) (Collection, error) {
	d := wire.Reader{Rest: row}
	c := Collection{Tenant: string(d.Text()), Database: string(d.Text()), Name: string(d.Text())}
	copy(c.Description[:], d.Take(chunk.IDSize))
	c.Height = int(d.Byte())
	if c.Height > maxHeight || c.Name == "" {
		d.Fail(errors.New("bad header"))
	}
	if c.Height > 0 {
		c.Top = readNode(&d)
	}
	if err := d.End(); err != nil {
		return Collection{}, fmt.Errorf("%w: collection entry: %v", chunk.ErrCorrupt, err)
	}
	return c, nil
}
