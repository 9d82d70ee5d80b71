package chroma

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"autochrome/chunk"
)

// withoutLearnedKeys takes out of a schema what the server added by itself: for
// every metadata key that a record ever had it notes that the defaults apply
// to it, and never forgets that. These notes say nothing about the collection
// that its records do not say, come back with the records, and would otherwise
// make a collection differ from its own past for good. An entry that says
// anything else than the defaults is kept, and so are those of Chroma itself
// (#document, #embedding).
func withoutLearnedKeys(schema []byte) ([]byte, error) {
	if schema == nil {
		return nil, nil
	}
	tree, err := parseTree(schema)
	if err != nil {
		return nil, err
	}
	root, _ := tree.(map[string]any)
	defaults, _ := root["defaults"].(map[string]any)
	keys, _ := root["keys"].(map[string]any)
	for key, entry := range keys {
		types, ok := entry.(map[string]any)
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		for name, settings := range types {
			if usual, ok := defaults[name]; ok && reflect.DeepEqual(settings, usual) {
				delete(types, name)
			}
		}
		if len(types) == 0 {
			delete(keys, key)
		}
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	return chunk.CanonicalJSON(text)
}

// parseTree reads JSON with numbers kept as their text.
func parseTree(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var tree any
	err := d.Decode(&tree)
	return tree, err
}
