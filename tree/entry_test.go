package tree

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"autochrome/chunk"
	"autochrome/internal/wire"
)

// exampleID is 32 times the same byte.
func exampleID(b byte) (id chunk.ID) {
	for i := range id {
		id[i] = b
	}
	return id
}

func exampleGroup() Group {
	return Group{Count: 100, Last: "doc_99", Columns: [chunk.NumColumns]Column{
		{Content: exampleID(1), Runs: []Run{{Chunk: exampleID(1), Count: 100}}}, // a chunk of its own
		{Content: exampleID(2), Runs: []Run{
			{Chunk: exampleID(0xa), First: 5, Count: 40}, {Chunk: exampleID(0xb), Count: 1}, {Chunk: exampleID(0xa), First: 46, Count: 59},
		}},
		{}, // absent
		{Content: exampleID(4), Runs: []Run{{Chunk: exampleID(0xc), First: 300, Count: 100}}},
		{},
	}}
}

func exampleNode() Node {
	return Node{Logical: exampleID(9), Count: 300, Children: 2, Last: "doc_299", Runs: []Run{
		{Chunk: exampleID(0xd), First: 3, Count: 1}, {Chunk: exampleID(0xe), First: 0, Count: 1},
	}}
}

func exampleCollections() []Collection {
	return []Collection{
		{Tenant: "default_tenant", Database: "default_database", Name: "articles", Description: exampleID(7), Height: 1, Top: exampleNode()},
		{Tenant: "default_tenant", Database: "default_database", Name: "empty", Description: exampleID(8)},
	}
}

func TestGoldenEntries(t *testing.T) {
	var b strings.Builder
	h := chunk.Plain()
	fmt.Fprintf(&b, "# Entries of the tree as rows, and logical ids. Where an id is an example it is one byte, 32 times.\n")
	fmt.Fprintf(&b, "\ngroup of 100 records up to doc_99: ids in a chunk of their own, embeddings in three runs of two chunks,\n")
	fmt.Fprintf(&b, "metadatas in one run, no documents and uris\nentry    %x\nlogical  %v\n", exampleGroup().append(nil), exampleGroup().Logical(h))
	fmt.Fprintf(&b, "\nnode of two children, 300 records up to doc_299\nentry    %x\n", exampleNode().append(nil))
	cs := exampleCollections()
	fmt.Fprintf(&b, "\ncollection of this node\nentry    %x\nlogical  %v\n", cs[0].append(nil), cs[0].Logical(h))
	fmt.Fprintf(&b, "\ncollection without records\nentry    %x\nlogical  %v\n", cs[1].append(nil), cs[1].Logical(h))
	fmt.Fprintf(&b, "\nroot of these two\nlogical  %v\n", logicalRoot(h, cs))
	fmt.Fprintf(&b, "\nroot of nothing\nlogical  %v\n", logicalRoot(h, nil))
	children := []element{groupElement(h, exampleGroup()), groupElement(h, exampleGroup())}
	fmt.Fprintf(&b, "\nnode of level 1 over twice the group above\nlogical  %v\n", logicalNode(h, 1, children))
	golden(t, "entries.txt", b.String())
}

func TestEntriesComeBack(t *testing.T) {
	r := random(t)
	runs := func(total int) (out []Run) {
		for total > 0 {
			n := 1 + r.IntN(total)
			total -= n
			out = appendRun(out, Run{Chunk: exampleID(byte(1 + r.IntN(5))), First: r.IntN(1000), Count: n})
		}
		return out
	}
	for range 2000 {
		g := Group{Count: 1 + r.IntN(chunk.MaxGroup), Last: "x"}
		for i := range g.Columns {
			if i == 0 || r.IntN(2) == 0 {
				g.Columns[i] = Column{Content: exampleID(byte(1 + r.IntN(9))), Runs: runs(g.Count)}
			}
		}
		row := g.append(nil)
		back, err := decodeGroup(row)
		if err != nil || !bytes.Equal(back.append(nil), row) || back.Logical(chunk.Plain()) != g.Logical(chunk.Plain()) {
			t.Fatalf("%+v: %+v, %v", g, back, err)
		}
		n := Node{Logical: exampleID(1), Count: 1 + r.Int64N(1<<40), Children: 1 + r.IntN(chunk.MaxGroup), Last: "é"}
		n.Runs = runs(n.Children)
		row = n.append(nil)
		if back, err := decodeNode(row); err != nil || !bytes.Equal(back.append(nil), row) || !slices.Equal(back.Runs, n.Runs) {
			t.Fatalf("%+v: %+v, %v", n, back, err)
		}
		c := Collection{Tenant: "t", Database: "", Name: "n", Description: exampleID(3), Height: r.IntN(maxHeight + 1), Top: n}
		row = c.append(nil)
		if back, err := decodeCollection(row); err != nil || !bytes.Equal(back.append(nil), row) {
			t.Fatalf("%+v: %+v, %v", c, back, err)
		}
	}
}

func TestEntriesRefused(t *testing.T) {
	group := func(change func(g *Group)) []byte {
		g := exampleGroup()
		change(&g)
		return g.append(nil)
	}
	for name, row := range map[string][]byte{
		"nothing":           {},
		"no records":        group(func(g *Group) { g.Count = 0 }),
		"too many records":  group(func(g *Group) { g.Count = chunk.MaxGroup + 1 }),
		"no last id":        group(func(g *Group) { g.Last = "" }),
		"invalid last id":   group(func(g *Group) { g.Last = "\xff" }),
		"no ids":            group(func(g *Group) { g.Columns[0] = Column{} }),
		"no runs":           group(func(g *Group) { g.Columns[1].Runs = nil }),
		"runs too short":    group(func(g *Group) { g.Columns[3].Runs[0].Count-- }),
		"runs too long":     group(func(g *Group) { g.Columns[3].Runs[0].Count++ }),
		"an empty run":      group(func(g *Group) { g.Columns[3].Runs = append(g.Columns[3].Runs, Run{Chunk: exampleID(5)}) }),
		"beyond any chunk":  group(func(g *Group) { g.Columns[3].Runs[0].First = chunk.MaxRows - 99 }),
		"a run of nothing":  group(func(g *Group) { g.Columns[3].Runs[0].Chunk = chunk.ID{} }),
		"runs that are one": group(func(g *Group) { g.Columns[3].Runs = []Run{runOf(exampleID(5), 0, 40), runOf(exampleID(5), 40, 60)} }),
		"bytes behind":      append(exampleGroup().append(nil), 0),
		"cut off":           exampleGroup().append(nil)[:70],
		"unknown column":    bytes.Replace(exampleGroup().append(nil), []byte{0b1011, 0b0001}, []byte{0b101011, 0b0001}, 1),
		"whole but absent":  bytes.Replace(exampleGroup().append(nil), []byte{0b1011, 0b0001}, []byte{0b1011, 0b0101}, 1),
	} {
		if g, err := decodeGroup(row); !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("group, %s: %+v, %v", name, g, err)
		}
	}
	// A table whose chunks are not in order of use, stand twice or are not used.
	for name, b := range map[string][]byte{
		"order":    slices.Concat([]byte{2}, one(1), one(2), []byte{2, 1, 0, 1, 0, 0, 1}),
		"twice":    slices.Concat([]byte{2}, one(1), one(1), []byte{2, 0, 0, 1, 1, 5, 1}),
		"unused":   slices.Concat([]byte{2}, one(1), one(2), []byte{1, 0, 0, 2}),
		"beyond":   slices.Concat([]byte{1}, one(1), []byte{1, 1, 0, 2}),
		"too many": slices.Concat([]byte{3}, one(1), one(2), one(3), []byte{3, 0, 0, 1, 1, 0, 1, 2, 0, 0}),
	} {
		d := wire.Reader{Rest: b}
		if runs := readRuns(&d, 2); d.End() == nil {
			t.Errorf("table, %s: %v", name, runs)
		}
	}
	node := func(change func(n *Node)) []byte {
		n := exampleNode()
		change(&n)
		return n.append(nil)
	}
	for name, row := range map[string][]byte{
		"no records":        node(func(n *Node) { n.Count = 0 }),
		"negative records":  node(func(n *Node) { n.Count = -1 }),
		"too many records":  node(func(n *Node) { n.Count = chunk.MaxRecords + 1 }),
		"no children":       node(func(n *Node) { n.Children = 0 }),
		"too many children": node(func(n *Node) { n.Children = chunk.MaxGroup + 1 }),
		"no last id":        node(func(n *Node) { n.Last = "" }),
		"another sum":       node(func(n *Node) { n.Children = 3 }),
		"bytes behind":      append(exampleNode().append(nil), 0),
	} {
		if n, err := decodeNode(row); !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("node, %s: %+v, %v", name, n, err)
		}
	}
	collection := func(change func(c *Collection)) []byte {
		c := exampleCollections()[0]
		change(&c)
		return c.append(nil)
	}
	for name, row := range map[string][]byte{
		"no name":        collection(func(c *Collection) { c.Name = "" }),
		"invalid tenant": collection(func(c *Collection) { c.Tenant = "\xff" }),
		"too high":       collection(func(c *Collection) { c.Height = maxHeight + 1 }),
		"no top":         collection(func(c *Collection) { c.Top = Node{} }),
		"bytes behind":   append(exampleCollections()[1].append(nil), 0),
	} {
		if c, err := decodeCollection(row); !errors.Is(err, chunk.ErrCorrupt) {
			t.Errorf("collection, %s: %+v, %v", name, c, err)
		}
	}
}

func one(b byte) []byte { id := exampleID(b); return id[:] }

func FuzzDecodeEntries(f *testing.F) {
	f.Add(exampleGroup().append(nil))
	f.Add(exampleNode().append(nil))
	for _, c := range exampleCollections() {
		f.Add(c.append(nil))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		if g, err := decodeGroup(row); err == nil && !bytes.Equal(g.append(nil), row) {
			t.Errorf("group %x encodes to %x", row, g.append(nil))
		}
		if n, err := decodeNode(row); err == nil && !bytes.Equal(n.append(nil), row) {
			t.Errorf("node %x encodes to %x", row, n.append(nil))
		}
		if c, err := decodeCollection(row); err == nil && !bytes.Equal(c.append(nil), row) {
			t.Errorf("collection %x encodes to %x", row, c.append(nil))
		}
	})
}

// However often single rows change, the list of runs stays short, and most
// rows stay where they are.
func TestCondense(t *testing.T) {
	r := random(t)
	for _, n := range []int{32, 160, 512} {
		origins := make([]place, n)
		for i := range origins {
			origins[i] = place{exampleID(1), i}
		}
		written := 0
		next := uint64(2)
		for step := range 2000 {
			at := r.IntN(n)
			if n == 160 {
				at = step % n // in a row
			}
			origins[at] = place{}
			condense(chunk.Embeddings, origins, n*1536)
			if size := listSize(origins); size > listLimit(chunk.Embeddings, n*1536) {
				t.Fatalf("%d rows, step %d: a list of %d bytes", n, step, size)
			}
			var id chunk.ID
			for i := range 8 {
				id[i] = byte(next >> (8 * i))
			}
			next++
			row := 0
			for i := range origins {
				if origins[i].chunk.IsZero() {
					origins[i] = place{id, row}
					row++
				}
			}
			written += row
		}
		t.Logf("%d rows: %.2f rows written for one that changes", n, float64(written)/2000)
		if written > 2000*10 {
			t.Errorf("%d rows: %.2f rows written for one that changes", n, float64(written)/2000)
		}
	}
	scattered := make([]place, 160)
	for i := range scattered {
		scattered[i] = place{exampleID(1), 1000 - i}
	}
	condense(chunk.Embeddings, scattered, 100)
	if scattered[0] != (place{}) {
		t.Error("a list that is longer than the rows is kept")
	}
}
