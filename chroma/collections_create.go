package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"autochrome/chunk"
)

// CreateCollection makes a new collection as described and returns it as the
// server then has it; the dimension comes with the first record. A name that is
// taken is ErrExists: get_or_create would change what is there.
//
// Where the server has schemas it is the schema alone that reproduces
// everything (the configuration lacks num_threads and batch_size, and both
// together are refused); else the configuration.
//
// The request is made here and not by chroma-go, which has types of its own
// for schema and configuration and drops what they do not have, and which adds
// an embedding function of its own.
func (d *Database) CreateCollection(ctx context.Context, name string, want chunk.CollectionDescription) (chunk.Collection, error) {
	c, err := d.createCollection(ctx, name, want)
	return c, naming(err, name)
}

func (d *Database) createCollection(ctx context.Context, name string, want chunk.CollectionDescription) (chunk.Collection, error) {
	x, err := d.creation(ctx, name, want)
	if err != nil {
		return chunk.Collection{}, err
	}
	var answer bytes.Buffer
	if err := d.send(ctx, request{op: opCreate, method: http.MethodPost, path: "collections", body: x.body}, &answer); err != nil {
		return chunk.Collection{}, err
	}
	c, err := d.decodeCollection(opCreate, answer.Bytes())
	if err == nil && x.bySchema && c.Description.Schema == nil { // it was ignored
		if err := d.DeleteCollection(ctx, name); err != nil {
			return c, err
		}
		d.schemas.Store(schemasNo)
		return d.createCollection(ctx, name, want)
	}
	if err == nil && x.metadataLater {
		all := chunk.CollectionDescription{Dimension: c.Description.Dimension, Metadata: want.Metadata}
		if err = d.ModifyCollection(ctx, c, "", all); err != nil { // it is not what was asked for
			return c, errors.Join(err, d.DeleteCollection(context.WithoutCancel(ctx), name))
		}
	}
	if err != nil {
		return c, err
	}
	// The answer repeats the request; -0.0 for example is 0.0 only when asked
	// for.
	return d.Collection(ctx, name)
}

const opCreate = "create collection"

// creation is the request that makes a collection.
type creation struct {
	body          []byte
	bySchema      bool
	metadataLater bool // those keys that count as a configuration must be set by a second request
}

func (d *Database) creation(ctx context.Context, name string, want chunk.CollectionDescription) (x creation, err error) {
	if err := d.checkName(opCreate, name); err != nil {
		return x, err
	}
	if want.Schema != nil {
		if x.bySchema, err = d.hasSchemas(ctx); err != nil {
			return x, err
		}
	}
	x.body = append([]byte(`{"name":`), chunk.AppendJSONString(nil, name)...)
	switch {
	case x.bySchema:
		x.body = append(append(x.body, `,"schema":`...), want.Schema...)
		// This counts as a configuration here, but not when it comes later.
		x.metadataLater = hasLegacy(want.Metadata)
	case want.Configuration != nil:
		x.body = append(append(x.body, `,"configuration":`...), want.Configuration...)
	}
	first := want.Metadata
	if x.metadataLater {
		first = slices.DeleteFunc(slices.Clone(first), isLegacy)
	}
	if len(first) > 0 { // {} is refused
		x.body = append(x.body, `,"metadata":`...)
		x.body = appendCollectionMetadataJSON(x.body, first, func(chunk.Inexact) {})
	}
	x.body = append(x.body, '}')
	return x, nil
}

// hasLegacy reports keys by which older clients configured an index.
func hasLegacy(m chunk.Metadata) bool {
	return slices.ContainsFunc(m, isLegacy)
}

func isLegacy(f chunk.Field) bool { return strings.HasPrefix(f.Key, "hnsw:") }

// What is known of a server's schemas.
const (
	schemasUnknown = iota
	schemasYes
	schemasNo
)

// hasSchemas reports whether the server takes a schema for a new collection. A
// server without would ignore it, so the API's description is asked; where a
// proxy hides that, a schema is worth a try.
func (d *Database) hasSchemas(ctx context.Context) (bool, error) {
	if known := d.schemas.Load(); known != schemasUnknown {
		return known == schemasYes, nil
	}
	var answer bytes.Buffer
	err := d.send(ctx, request{op: "read the API's description", method: http.MethodGet, path: "/openapi.json", again: true}, &answer)
	if errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return false, err
	}
	var api struct {
		Components struct {
			Schemas struct {
				CreateCollectionPayload struct{ Properties map[string]json.RawMessage }
			}
		}
	}
	if err == nil && json.Unmarshal(answer.Bytes(), &api) == nil {
		if p := api.Components.Schemas.CreateCollectionPayload.Properties; p["name"] != nil && p["schema"] == nil {
			d.schemas.Store(schemasNo)
			return false, nil
		}
	}
	d.schemas.Store(schemasYes)
	return true, nil
}
