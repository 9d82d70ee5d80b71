package tree

import (
	"context"

	"autochrome/chunk"
)

// Verify reads every chunk that a collection needs, decodes it, and checks
// that the rows are those that were stored. damaged is called for each row
// group and column that is not whole, and with a zero group for the
// collection's description; it may stop the walk with an error. What cannot be
// walked at all is Verify's own error.
func Verify(ctx context.Context, r *Reader, c Collection, group func(g Group), damaged func(g Group, kind chunk.Kind, err error) error) error {
	if _, err := r.Description(ctx, c); err != nil {
		if err := damaged(Group{}, chunk.Description, err); err != nil {
			return err
		}
	}
	return r.Groups(ctx, c, func(_ int64, g Group) error {
		for _, kind := range chunk.Columns {
			rows, err := r.Column(ctx, g, kind)
			if err == nil && kind == chunk.IDs {
				err = lastIs(rows, g.Last)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				if err := damaged(g, kind, err); err != nil {
					return err
				}
			}
		}
		group(g)
		return nil
	})
}

// lastIs checks that a group's entry names its last record.
func lastIs(ids *chunk.Rows, last string) error {
	if row, _ := ids.Row(ids.Len() - 1); string(row) != last {
		return chunk.ErrCorrupt
	}
	return nil
}
