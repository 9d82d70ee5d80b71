package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/tree"
)

// diffDescriptions gives the fields in which two collections are described
// otherwise, by their paths. What one side's server does not know is unknown,
// not changed.
func diffDescriptions(ctx context.Context, r *tree.Reader, a, b tree.Collection) ([]ValueDiff, error) {
	if a.Description == b.Description {
		return nil, nil
	}
	da, err := r.Description(ctx, a)
	if err != nil {
		return nil, err
	}
	db, err := r.Description(ctx, b)
	if err != nil {
		return nil, err
	}
	var out []ValueDiff
	if da.Dimension != db.Dimension {
		out = append(out, ValueDiff{"dimension", dimension(da.Dimension), dimension(db.Dimension)})
	}
	for _, d := range diffMetadata(da.Metadata, db.Metadata) {
		d.Name = "metadata." + d.Name
		out = append(out, d)
	}
	out = diffJSON(out, "configuration", da.Configuration, db.Configuration)
	return diffJSON(out, "schema", da.Schema, db.Schema), nil
}

// dimension of a collection; it has none before its first record.
func dimension(n int) *chunk.Value {
	if n == 0 {
		return nil
	}
	return &chunk.Value{Type: chunk.Int, Int: int64(n)}
}

// diffJSON adds the members in which two objects differ.
func diffJSON(out []ValueDiff, name string, a, b []byte) []ValueDiff {
	if a == nil || b == nil || bytes.Equal(a, b) {
		return out
	}
	return diffMembers(out, []string{name}, a, b)
}

// diffMembers compares two canonical JSON values, of which nil is none.
func diffMembers(out []ValueDiff, path []string, a, b []byte) []ValueDiff {
	if bytes.Equal(a, b) {
		return out
	}
	var ma, mb map[string]json.RawMessage
	both := json.Unmarshal(a, &ma) == nil && json.Unmarshal(b, &mb) == nil && ma != nil && mb != nil
	if !both || path[len(path)-1] == "embedding_function" { // which is one thing
		return append(out, ValueDiff{strings.Join(path, "."), jsonValue(a), jsonValue(b)})
	}
	// Below the keys of a schema the members are the user's, and one that is
	// missing is not there; elsewhere they are the server's.
	users := len(path) > 1 && len(path) <= 3 && path[1] == "keys"
	names := slices.Collect(maps.Keys(ma))
	for name := range mb {
		if _, ok := ma[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		va, inA := ma[name]
		vb, inB := mb[name]
		if inA && inB || users {
			out = diffMembers(out, append(slices.Clone(path), name), va, vb)
		}
	}
	return out
}

func jsonValue(text []byte) *chunk.Value {
	if text == nil {
		return nil
	}
	return &chunk.Value{Type: chunk.JSON, Str: string(text)}
}
