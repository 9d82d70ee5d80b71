package tree

import (
	"fmt"

	"autochrome/chunk"
)

func init() { chunk.RegisterEntries(references) }

// references is chunk.References for the entries of this package.
func references(kind chunk.Kind, entry []byte, refer func(kind chunk.Kind, run Run, whole bool) error) error {
	each := func(kind chunk.Kind, runs []Run, whole bool) error {
		for _, run := range runs {
			if err := refer(kind, run, whole); err != nil {
				return err
			}
		}
		return nil
	}
	switch kind {
	case chunk.Collections:
		c, err := decodeCollection(entry)
		if err != nil {
			return err
		}
		if err := refer(chunk.Description, Run{Chunk: c.Description, Count: 1}, true); err != nil {
			return err
		}
		return each(chunk.Nodes, c.Top.Runs, false)
	case chunk.Nodes:
		n, err := decodeNode(entry)
		if err != nil {
			return err
		}
		return each(chunk.Nodes, n.Runs, false)
	case chunk.Groups:
		g, err := decodeGroup(entry)
		if err != nil {
			return err
		}
		for i, c := range g.Columns {
			if err := each(chunk.Columns[i], c.Runs, c.whole(g.Count)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%w: %v where entries are expected", chunk.ErrCorrupt, kind)
}
