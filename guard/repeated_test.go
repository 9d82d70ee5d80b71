package guard

import (
	"fmt"
	"slices"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// TestRepeatedIDs names a record twice in one write, within what is read back by one
// request and beyond: it lies where it came first.
func TestRepeatedIDs(t *testing.T) {
	ctx := t.Context()
	for _, again := range []int{700, 1400} {
		t.Run(fmt.Sprint("again at ", again), func(t *testing.T) {
			err := emptyRepository(t).Write(ctx, func(w *repo.Writer) error {
				rec := recorderOver(t, w, &made{dim: 8}, 10)
				defer rec.close()
				var ids, want []string
				for i := range 10 + 1500 {
					want = append(want, fmt.Sprintf("r%08d", i))
				}
				ids = slices.Insert(slices.Clone(want[10:]), again, want[13])
				if err := rec.records(ctx, "id", ids, "upsert"); err != nil {
					return err
				}
				var have []string
				reader := tree.NewReader(w)
				err := reader.Groups(ctx, rec.collections["id"].tree, func(_ int64, g tree.Group) error {
					recs, err := reader.Records(ctx, g, chunk.IDs)
					if err != nil {
						return err
					}
					for i := range recs.Len() {
						have = append(have, string(recs.ID(i)))
					}
					return nil
				})
				if !slices.Equal(have, want) {
					t.Errorf("%d records, want %d in the order of the server; record 13 is at %d", len(have), len(want), slices.Index(have, want[13]))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
