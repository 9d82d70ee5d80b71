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
	const op = "create collection"
	if err := d.checkName(op, name); err != nil {
		return chunk.Collection{}, err
	}
	bySchema := false
	if want.Schema != nil {
		var err error
		if bySchema, err = d.hasSchemas(ctx); err != nil {
			return chunk.Collection{}, err
		}
	}
	body := append([]byte(`{"name":`), chunk.AppendJSONString(nil, name)...)
	first := want.Metadata
	switch {
	case bySchema:
		body = append(append(body, `,"schema":`...), want.Schema...)
		if hasLegacy(want.Metadata) {
			first = nil // counts as a configuration here, but not when it comes later
		}
	case want.Configuration != nil:
		body = append(append(body, `,"configuration":`...), want.Configuration...)
	}
	if len(first) > 0 { // {} is refused
		body = append(body, `,"metadata":`...)
		body = appendCollectionMetadataJSON(body, first, func(chunk.Inexact) {})
	}
	var answer bytes.Buffer
	if err := d.send(ctx, request{op: op, method: http.MethodPost, path: "collections", body: append(body, '}')}, &answer); err != nil {
		return chunk.Collection{}, err
	}
	c, err := d.decodeCollection(op, answer.Bytes())
	if err == nil && bySchema && c.Description.Schema == nil { // it was ignored
		if err := d.DeleteCollection(ctx, name); err != nil {
			return c, err
		}
		d.schemas.Store(schemasNo)
		return d.createCollection(ctx, name, want)
	}
	if err == nil && len(first) < len(want.Metadata) {
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

// hasLegacy reports keys by which older clients configured an index.
func hasLegacy(m chunk.Metadata) bool {
	return slices.ContainsFunc(m, func(f chunk.Field) bool { return strings.HasPrefix(f.Key, "hnsw:") })
}

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
