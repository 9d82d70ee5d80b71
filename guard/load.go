package guard

import (
	"context"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// load finds the places of all records as the last point has them.
func (x *run) load(ctx context.Context, w *repo.Writer) error {
	reader := tree.NewReader(w)
	bases, err := states(ctx, reader, x.report.Base)
	if err != nil {
		return err
	}
	now, err := states(ctx, reader, x.from)
	if err != nil {
		return err
	}
	foreign := strings.Fields(x.from.Tags[TagForeign])
	for serverID, s := range now {
		d, err := reader.Description(ctx, s.Collection)
		if err != nil {
			return err
		}
		live := chunk.Collection{ServerID: serverID, Name: s.Name, Description: d}
		c, err := newCollection(ctx, reader, live, *s, bases[serverID])
		if err != nil {
			return err
		}
		c.foreign = slices.Contains(foreign, serverID)
		x.recorder.collections[serverID] = c
	}
	for serverID, base := range bases {
		if now[serverID] != nil {
			continue
		}
		c, err := newCollection(ctx, reader, chunk.Collection{ServerID: serverID, Name: base.Name}, state{}, base)
		if err != nil {
			return err
		}
		x.recorder.deleted = append(x.recorder.deleted, c)
	}
	return nil
}

// states gives what a snapshot has of each collection, by server id. A point does
// not say which of them has damaged records.
func states(ctx context.Context, r *tree.Reader, s repo.Snapshot) (map[string]*state, error) {
	cs, err := r.Collections(ctx, s.Root)
	if err != nil {
		return nil, err
	}
	out := map[string]*state{}
	for _, info := range s.Collections {
		if i := slices.IndexFunc(cs, func(c tree.Collection) bool { return c.Name == info.Name }); i >= 0 {
			out[info.ServerID] = &state{cs[i], info.Damaged > 0 || s.Kind == repo.KindPoint}
		}
	}
	return out, nil
}
