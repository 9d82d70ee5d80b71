package chroma

import (
	"context"
	"slices"
	"strings"

	"autochrome/chunk"
)

// Lacks names what of a description this server does not know, so that a
// collection that is created here will be without it: the settings that a
// schema has for single metadata keys, where there are no schemas. The rest of
// a schema that says more than the configuration is told by comparing.
func (d *Database) Lacks(ctx context.Context, want chunk.CollectionDescription) ([]string, error) {
	if want.Schema == nil {
		return nil, nil
	}
	has, err := d.hasSchemas(ctx)
	if err != nil || has {
		return nil, err
	}
	tree, err := parseTree(want.Schema)
	if err != nil {
		return []string{"schema"}, nil
	}
	root, _ := tree.(map[string]any)
	keys, _ := root["keys"].(map[string]any)
	var fields []string
	for key := range keys {
		if !strings.HasPrefix(key, "#") {
			fields = append(fields, "schema.keys."+key)
		}
	}
	slices.Sort(fields)
	return fields, nil
}
