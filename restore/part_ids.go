package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// ErrNoRecord: neither the snapshot nor the database has a record that was
// asked for. Nothing was changed.
var ErrNoRecord = errors.New("no such record")

// asked is how many ids are looked up in the target at once.
const asked = 5000

// findIDs demands that each of the ids stands in the snapshot's collections, in
// the target's that belong to them, or in a state that was recorded before an
// earlier rollback to the snapshot: one that was cut off may have deleted it.
func findIDs(ctx context.Context, r *repo.Repository, t Target, s repo.Snapshot, want []Wanted, live []chunk.Collection, ids map[string]bool) error {
	reader, missing := tree.NewReader(r), maps.Clone(ids)
	for _, w := range want {
		if err := strikeOut(ctx, reader, w.Tree, missing); err != nil {
			return err
		}
	}
	for _, c := range live {
		for some := range slices.Chunk(slices.Sorted(maps.Keys(missing)), asked) {
			there := chunk.NewRecords(0)
			if err := t.ReadColumns(ctx, c.ServerID, bytesOf(some), nil, there); err != nil && !t.Gone(err) {
				return fmt.Errorf("collection %q: %w", c.Name, err)
			}
			for i := range there.Len() {
				delete(missing, string(there.ID(i)))
			}
		}
	}
	if err := strikeOutEarlier(ctx, r, s, missing); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w in the snapshot or in the database: %s", ErrNoRecord, naming(slices.Sorted(maps.Keys(missing)), len(missing)))
	}
	return nil
}

// strikeOut takes from missing the ids of a collection's records.
func strikeOut(ctx context.Context, r *tree.Reader, c tree.Collection, missing map[string]bool) error {
	if len(missing) == 0 {
		return nil
	}
	err := r.Groups(ctx, c, func(_ int64, g tree.Group) error {
		rows, err := r.Column(ctx, g, chunk.IDs)
		if err != nil {
			return err
		}
		for i := range rows.Len() {
			id, _ := rows.Row(i)
			delete(missing, string(id))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("collection %q: %w", c.Name, err)
	}
	return nil
}

// strikeOutEarlier does so with the states before earlier rollbacks to s.
func strikeOutEarlier(ctx context.Context, r *repo.Repository, s repo.Snapshot, missing map[string]bool) error {
	if len(missing) == 0 {
		return nil
	}
	all, err := r.Snapshots(ctx)
	if err != nil {
		return err
	}
	reader := tree.NewReader(r)
	for _, before := range all {
		if before.Kind != repo.KindPreRollback || !s.Called(before.Tags[tagPreRollback]) {
			continue
		}
		cs, err := reader.Collections(ctx, before.Root)
		if err != nil {
			return err
		}
		for _, c := range cs {
			if err := strikeOut(ctx, reader, c, missing); err != nil {
				return err
			}
		}
	}
	return nil
}

func bytesOf(ids []string) [][]byte {
	out := make([][]byte, len(ids))
	for i, id := range ids {
		out[i] = []byte(id)
	}
	return out
}

// naming names the first of so many ids.
func naming(ids []string, of int) string {
	const most = 10
	var words []string
	for _, id := range ids[:min(len(ids), most)] {
		words = append(words, fmt.Sprintf("%.100q", id))
	}
	if n := of - most; n > 0 {
		words = append(words, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(words, ", ")
}

// listed is a target of which some records only are read.
type listed struct {
	Target
	ids []string
}

// IDs implements snapshot.Source. Those that are not there are left out of the
// answer to the next question.
func (l listed) IDs(_ context.Context, _ string, fn func(id []byte) error) error {
	for _, id := range l.ids {
		if err := fn([]byte(id)); err != nil {
			return err
		}
	}
	return nil
}
