package tree

import (
	"context"
	"fmt"
	"slices"

	"autochrome/chunk"
)

// SaveRoot makes a root of collections. Entries that the earlier root has
// already are referred to where they lie; a zero earlier root has none.
func SaveRoot(ctx context.Context, store Store, cs []Collection, earlier Root) (Root, error) {
	slices.SortFunc(cs, Collection.Compare)
	for i := 1; i < len(cs); i++ {
		if cs[i].Compare(cs[i-1]) == 0 {
			return Root{}, fmt.Errorf("collection %q of %s/%s stands twice", cs[i].Name, cs[i].Tenant, cs[i].Database)
		}
	}
	h := store.Hasher()
	root := Root{Logical: logicalRoot(h, cs), Collections: len(cs)}
	if len(cs) == 0 {
		return root, nil
	}
	rows := chunk.NewRows(chunk.Collections, 0)
	for _, c := range cs {
		root.Records += c.Top.Count
		rows.AppendWith(0, c.append)
	}
	var origins []place
	if earlier.Collections > 0 {
		var err error
		if origins, err = earlierPlaces(ctx, NewReader(store), earlier, rows); err != nil {
			return Root{}, err
		}
	}
	g := newGather(store, chunk.Collections, 0)
	var content chunk.ID
	content, g.head = rows.ContentID(h, g.head)
	pieces, err := placeRows(ctx, g, rows, content, origins)
	if err != nil {
		return Root{}, err
	}
	if err := g.close(ctx); err != nil {
		return Root{}, err
	}
	root.Runs, _ = resolve(pieces)
	return root, nil
}

// earlierPlaces says for each entry where an earlier root has the same one.
func earlierPlaces(ctx context.Context, r *Reader, earlier Root, rows *chunk.Rows) ([]place, error) {
	at := map[string]place{}
	for _, run := range earlier.Runs {
		err := r.eachRow(ctx, chunk.Collections, run, func(i int, row []byte) error {
			at[string(row)] = place{run.Chunk, i}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]place, rows.Len())
	for i := range out {
		row, _ := rows.Row(i)
		out[i] = at[string(row)]
	}
	return out, nil
}

// SaveDescription stores what a collection is and gives the id for its entry.
func SaveDescription(ctx context.Context, store Store, d chunk.CollectionDescription) (chunk.ID, error) {
	b := d.AppendCanonical(nil)
	id := store.Hasher().ID(b)
	if store.Has(id) {
		return id, nil
	}
	return id, store.Save(ctx, id, b)
}
