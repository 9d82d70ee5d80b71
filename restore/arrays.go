package restore

import (
	"context"

	"autochrome/chunk"
	"autochrome/snapshot"
	"autochrome/tree"
)

// Chroma 1.4.4 does not delete the metadata arrays of a collection that is
// deleted: records that are added later, to any collection, get them. It does
// delete those of a record that is deleted. So the records that have arrays are
// deleted before their collection is (deleteArrays), and where somebody else
// deleted one, what was inherited is taken away again (settler).

// deleteArrays deletes the records of a collection that have arrays.
func (a *applier) deleteArrays(ctx context.Context, c *snapshot.Captured, name string) error {
	live := c.Collection
	live.Name = name
	var gone []chunk.Change
	flush := func() error {
		if _, err := a.stillCalled(ctx, live, name); err != nil {
			return err
		}
		w, err := a.to.Write(ctx, live, gone, nil)
		a.done.Requests += w.Requests // as part of the collection they are counted elsewhere
		a.done.Bytes += w.Bytes
		gone = gone[:0]
		return err
	}
	err := a.plan.eachOf(ctx, c.Tree, func(x tree.Difference) error {
		r, err := x.Before(ctx, chunk.Metadatas)
		if err != nil || !hasArray(r.Metadata) {
			return err
		}
		gone = append(gone, chunk.Change{Have: &chunk.Record{ID: x.ID}})
		if len(gone) == checkedRecords {
			return flush()
		}
		return nil
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	return flush()
}

func hasArray(m chunk.Metadata) bool {
	for _, f := range m {
		if f.Value.Type == chunk.Array {
			return true
		}
	}
	return false
}

// maxInherited bounds the records of a collection that are settled at once.
const maxInherited = 100_000

// settler takes away from records that a plan wrote the arrays that they
// inherited. What else differs is somebody's, and stays.
type settler struct {
	found map[string]chunk.Change // by id
}

// note takes a difference between the snapshot and what was read, and remembers
// the record if it is as it shall be but for arrays that it shall not have.
func (s *settler) note(ctx context.Context, x tree.Difference) error {
	if x.Op != tree.Changed || x.Columns != 1<<chunk.Metadatas.Column() || len(s.found) == maxInherited {
		return nil
	}
	want, err := x.Before(ctx, chunk.Metadatas)
	if err != nil {
		return err
	}
	have, err := x.After(ctx, chunk.Metadatas)
	if err != nil {
		return err
	}
	var own chunk.Metadata
	for _, f := range have.Metadata {
		if _, wanted := want.Metadata.Get(f.Key); wanted || f.Value.Type != chunk.Array {
			own = append(own, f)
		}
	}
	if len(own) == len(have.Metadata) || !own.Equal(want.Metadata) {
		return nil
	}
	s.found[x.ID] = chunk.Change{Have: &chunk.Record{ID: x.ID, Metadata: have.Metadata}, Want: &chunk.Record{ID: x.ID, Metadata: own}}
	return nil
}

// settle takes the arrays away from those of the records that the plan wrote,
// and names them.
func (s *settler) settle(ctx context.Context, t Target, live chunk.Collection, c CollectionPlan) (settled []Difference, err error) {
	var todo []chunk.Change
	err = c.delta.Present(ctx, c.want.part.taking(ctx, toSnapshot, func(x tree.Difference) error {
		change, ok := s.found[x.ID]
		if !ok || x.Op == tree.Moved {
			return nil
		}
		d := Difference{Collection: live.Name, ID: x.ID, What: "inherited"}
		for _, f := range change.Have.Metadata {
			if _, keep := change.Want.Metadata.Get(f.Key); !keep {
				d.Fields = append(d.Fields, f.Key)
			}
		}
		todo, settled = append(todo, change), append(settled, d)
		return nil
	}))
	if err != nil || len(todo) == 0 {
		return nil, err
	}
	_, err = t.Write(ctx, live, todo, nil)
	return settled, err
}
