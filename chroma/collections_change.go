package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"autochrome/chunk"
)

// Modifiable reports whether ModifyCollection can make a collection that is as
// have into one that is as want, and if not, why. A collection that cannot be
// modified has to be created anew.
//
// What one side does not know (a configuration or schema that is nil, a field
// of them that its server does not have) is not a difference.
func Modifiable(have, want chunk.CollectionDescription) (ok bool, reason string) {
	_, reason = plan(have, want)
	return reason == "", reason
}

// Settings that PUT changes; the others of an index stand for good. Measured
// on both: max_neighbors too, although it only counts for what is indexed
// later.
var (
	settableHNSW  = []string{"ef_search", "max_neighbors", "num_threads", "resize_factor", "sync_threshold", "batch_size"}
	settableSpann = []string{"ef_search", "search_nprobe"}
)

// plan gives the body's new_configuration that leads from have to want, nil
// for none, or the reason why there is no way.
func plan(have, want chunk.CollectionDescription) (configuration map[string]any, reason string) {
	if have.Dimension != 0 && have.Dimension != want.Dimension {
		// It stays when all records are deleted.
		return nil, fmt.Sprintf("its dimension is %d and shall be %d", have.Dimension, want.Dimension)
	}
	configuration = map[string]any{}
	set := func(index, name string, value any) {
		settings, ok := configuration[index].(map[string]any)
		if !ok {
			settings = map[string]any{}
			configuration[index] = settings
		}
		settings[name] = value
	}
	visit := func(where string, path []string, have, want any) {
		last := path[len(path)-1]
		switch {
		case reason != "":
		case path[0] == "embedding_function" && want != nil: // null is taken as "unchanged"
			configuration["embedding_function"] = want
		case len(path) == 2 && want != nil &&
			(path[0] == "hnsw" && slices.Contains(settableHNSW, last) || path[0] == "spann" && slices.Contains(settableSpann, last)):
			set(path[0], last, want)
		default:
			reason = fmt.Sprintf("its %s %s is %s and shall be %s", where, strings.Join(path, "."), show(have), show(want))
		}
	}
	if have.Configuration != nil && want.Configuration != nil {
		differences(have.Configuration, want.Configuration, func(path []string, have, want any) {
			visit("configuration", path, have, want)
		})
	}
	if have.Schema != nil && want.Schema != nil {
		differences(have.Schema, want.Schema, func(path []string, have, want any) {
			// The configuration stands in the schema again, in two places that
			// change together.
			if at := strings.Join(path, "."); strings.HasPrefix(at, embeddingIndex) {
				path = path[strings.Count(embeddingIndex, "."):]
			} else if strings.HasPrefix(at, defaultIndex) {
				path = path[strings.Count(defaultIndex, "."):]
			}
			visit("schema", path, have, want)
		})
	}
	if reason != "" || len(configuration) == 0 {
		return nil, reason
	}
	return configuration, ""
}

const (
	embeddingIndex = "keys.#embedding.float_list.vector_index.config."
	defaultIndex   = "defaults.float_list.vector_index.config."
)

// differences calls visit where two canonical JSON texts differ, in an order
// of its own that is always the same. Unreadable text differs as a whole.
func differences(have, want []byte, visit func(path []string, have, want any)) {
	if bytes.Equal(have, want) {
		return
	}
	h, errH := parseTree(have)
	w, errW := parseTree(want)
	if errH != nil || errW != nil {
		visit([]string{"text"}, string(have), string(want))
		return
	}
	compareTrees(nil, h, w, visit)
}

func compareTrees(path []string, have, want any, visit func(path []string, have, want any)) {
	h, isObject := have.(map[string]any)
	w, too := want.(map[string]any)
	if !isObject || !too || len(path) > 0 && path[len(path)-1] == "embedding_function" { // that is set as a whole
		if !reflect.DeepEqual(have, want) {
			if len(path) == 0 {
				path = []string{"text"}
			}
			visit(path, have, want)
		}
		return
	}
	// Below "keys" the members are the user's, and one that is missing is not
	// there; elsewhere they are the server's, and one that is missing is not
	// known to it.
	users := len(path) > 0 && path[0] == "keys" && len(path) <= 2
	names := slices.Collect(maps.Keys(h))
	for name := range w {
		if _, ok := h[name]; !ok && users {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if _, known := w[name]; !known && !users {
			continue
		}
		compareTrees(append(slices.Clone(path), name), h[name], w[name], visit)
	}
}

func show(v any) string {
	if v == nil {
		return "not set"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return oneLine(string(text))
}

// ModifyCollection gives a collection a new name (or not: "") and makes its
// description as want, keeping its records and its id. What cannot be changed
// is ErrInvalid (see [Modifiable]); a name that is taken is ErrExists.
//
// Metadata is replaced as a whole. An empty one is refused, but a key that is
// sent as null is left out, so one such key empties it.
func (d *Database) ModifyCollection(ctx context.Context, c chunk.Collection, newName string, want chunk.CollectionDescription) error {
	body, err := d.modification(c, newName, want)
	if err == nil && body != nil {
		var answer bytes.Buffer
		// Not sent twice: after a rename whose answer was lost the second would
		// find another state than the first.
		err = d.send(ctx, request{op: opModify, method: http.MethodPut, path: "collections/" + url.PathEscape(c.ServerID), body: body}, &answer)
	}
	return naming(err, c.Name)
}

const opModify = "change collection"

// modification is the body of the request that changes a collection; nil:
// nothing is to be changed.
func (d *Database) modification(c chunk.Collection, newName string, want chunk.CollectionDescription) ([]byte, error) {
	have := c.Description
	configuration, reason := plan(have, want)
	if reason != "" {
		return nil, &Error{Op: opModify, Kind: ErrInvalid, Message: reason + "; it has to be created anew"}
	}
	body := []byte{'{'}
	member := func(name string) {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(append(append(body, '"'), name...), `":`...)
	}
	if newName != "" && newName != c.Name {
		if err := d.checkName(opModify, newName); err != nil {
			return nil, err
		}
		member("new_name")
		body = chunk.AppendJSONString(body, newName)
	}
	if !have.Metadata.Equal(want.Metadata) {
		member("new_metadata")
		if len(want.Metadata) == 0 {
			body = append(body, `{"autochrome":null}`...)
		} else {
			body = appendCollectionMetadataJSON(body, want.Metadata, func(chunk.Inexact) {})
		}
	}
	if configuration != nil {
		text, err := json.Marshal(configuration)
		if err != nil {
			return nil, err
		}
		member("new_configuration")
		body = append(body, text...)
	}
	if len(body) == 1 {
		return nil, nil
	}
	return append(body, '}'), nil
}
