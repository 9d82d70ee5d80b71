package chroma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"autochrome/chunk"
)

// Features are what some servers can hold and others cannot. The version that
// a server tells is the same for all, so they are asked (see
// [Database.Features]).
type Features struct {
	Arrays  bool // arrays as metadata values: 1.4.4 yes, 1.0.0 no
	AnyKey  bool // metadata keys that are empty or begin with # or $: 1.0.0 yes, 1.4.4 no
	unknown bool // not asked: everything is tried
}

// Features asks a server, by requests that it refuses in any case: they would
// update a record without an id. Which complaint comes first tells the rest.
// They carry no embedding: even a refused one would give the collection its
// dimension. The answers are remembered.
func (d *Database) Features(ctx context.Context, serverID string) (f Features, err error) {
	if known := d.holds.Load(); known != nil {
		return *known, nil
	}
	if f.Arrays, err = d.takes(ctx, serverID, `{"a":[1]}`); err == nil {
		f.AnyKey, err = d.takes(ctx, serverID, `{"#":1}`)
	}
	if err == nil {
		d.holds.Store(&f)
	}
	return f, err
}

// featuresAnywhere is Features where no collection is at hand. With none at all
// an array is refused before the collection is looked for, and so is told; keys
// with # are told from schemas, which came with their refusal.
func (d *Database) featuresAnywhere(ctx context.Context) (f Features, err error) {
	if known := d.holds.Load(); known != nil {
		return *known, nil
	}
	all, err := d.Collections(ctx)
	if err != nil {
		return f, err
	}
	if len(all) > 0 {
		return d.Features(ctx, all[0].ServerID)
	}
	const nowhere = "00000000-0000-0000-0000-000000000000"
	f.Arrays, err = d.takes(ctx, nowhere, `{"a":[1]}`)
	if errors.Is(err, ErrNotFound) {
		f.Arrays, err = true, nil
	}
	if err != nil {
		return f, err
	}
	schemas, err := d.hasSchemas(ctx)
	f.AnyKey = !schemas
	return f, err
}

// takes reports whether the server would store a metadata.
func (d *Database) takes(ctx context.Context, serverID, metadata string) (bool, error) {
	body := []byte(`{"ids":[""],"metadatas":[` + metadata + `]}`)
	var answer bytes.Buffer
	err := d.send(ctx, request{op: "ask what metadata can be stored", method: http.MethodPost,
		path: writePath(serverID, verbUpdate), body: body, again: true}, &answer)
	var e *Error
	switch {
	case err == nil: // a server that takes a record without an id takes anything
		return true, nil
	case errors.As(err, &e) && errors.Is(err, ErrInvalid):
		return e.Status != http.StatusUnprocessableEntity && !strings.Contains(e.Message, "metadata"), nil
	}
	return false, err
}

// Unstorable says why a server with the given features refuses a record
// whatever is done, or "".
func Unstorable(r *chunk.Record, f Features) string {
	if r.ID == "" {
		return "its id is empty"
	}
	for _, field := range r.Metadata {
		k, v := field.Key, field.Value
		switch {
		case !f.AnyKey && !f.unknown && needsAnyKey(k):
			return fmt.Sprintf("this server takes no metadata key that is empty or begins with # or $: %q", k)
		case v.Type == chunk.Array && mixed(v.Array):
			return fmt.Sprintf("metadata %q: an array of different types", k)
		case v.Type == chunk.Array && !f.Arrays && !f.unknown && len(v.Array) > 0:
			return fmt.Sprintf("metadata %q: this server has no arrays", k)
		}
	}
	return ""
}

// needsFeatures reports whether it depends on the server if r can be stored.
func needsFeatures(r *chunk.Record) bool {
	for _, field := range r.Metadata {
		if field.Value.Type == chunk.Array || needsAnyKey(field.Key) {
			return true
		}
	}
	return false
}

func needsAnyKey(key string) bool {
	return key == "" || key[0] == '#' || key[0] == '$'
}

// mixed reports whether an array is of types that no server keeps together.
// Ints among floats are taken, and become floats.
func mixed(a []chunk.Value) bool {
	for _, v := range a {
		if v.Type != a[0].Type && !(number(v) && number(a[0])) {
			return true
		}
	}
	return false
}

func number(v chunk.Value) bool { return v.Type == chunk.Int || v.Type == chunk.Float }

// poison names the first metadata key that must never be sent, or "".
func poison(r *chunk.Record) string {
	for _, field := range r.Metadata {
		if strings.HasPrefix(field.Key, reservedKey) {
			return field.Key
		}
	}
	return ""
}
