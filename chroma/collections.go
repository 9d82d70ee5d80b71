package chroma

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	chromago "github.com/amikos-tech/chroma-go/pkg/api/v2"

	"autochrome/chunk"
)

// Collections lists the database's collections with all they carry, in the
// server's order.
//
// The request is made here and not by chroma-go: that reads metadata numbers as
// float64 (9007199254740993 would change), keeps only the configuration fields
// it knows, and makes each collection's embedding function, downloading its
// model if need be.
func (d *Database) Collections(ctx context.Context) ([]chunk.Collection, error) {
	for attempt := 1; ; attempt++ {
		list, err := d.listCollections(ctx)
		if err != nil {
			return nil, err
		}
		count, known, err := d.countCollections(ctx)
		if err != nil {
			return nil, err
		}
		if !known || len(list) >= count { // more: some were deleted since
			return list, nil
		}
		if attempt == 3 {
			return nil, d.badAnswer("list collections", "%d of them, but the database has %d", len(list), count)
		}
	}
}

// listCollections asks without a limit, which measured servers answer with all
// of them, and goes on behind the last for those that set a limit themselves.
func (d *Database) listCollections(ctx context.Context) ([]chunk.Collection, error) {
	const op = "list collections"
	var list []chunk.Collection
	have := map[string]bool{}
	for offset := 0; ; {
		var answer bytes.Buffer
		path := "collections"
		if offset > 0 {
			path += "?offset=" + strconv.Itoa(offset) + "&limit=1000"
		}
		if err := d.send(ctx, request{op: op, method: http.MethodGet, path: path, again: true}, &answer); err != nil {
			return nil, err
		}
		var page []json.RawMessage
		if err := json.Unmarshal(answer.Bytes(), &page); err != nil {
			return nil, d.badAnswer(op, "%v", err)
		}
		found := false
		for _, text := range page {
			c, err := d.decodeCollection(op, text)
			if err != nil {
				return nil, err
			}
			if !have[c.ServerID] {
				have[c.ServerID], found = true, true
				list = append(list, c)
			}
		}
		if !found {
			return list, nil
		}
		offset += len(page)
	}
}

// countCollections is the server's own count, where it has one.
func (d *Database) countCollections(ctx context.Context) (n int, known bool, err error) {
	err = d.call(ctx, exchange{op: "count collections", limit: 1 << 10}, true, func(ctx context.Context) (err error) {
		n, err = d.control.CountCollections(ctx)
		return err
	})
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotChroma) {
		return 0, false, nil
	}
	return n, err == nil, err
}

// Collection asks for one collection by name.
func (d *Database) Collection(ctx context.Context, name string) (chunk.Collection, error) {
	const op = "look for a collection"
	if err := d.checkName(op, name); err != nil {
		return chunk.Collection{}, err
	}
	var answer bytes.Buffer
	r := request{op: op, method: http.MethodGet, path: "collections/" + url.PathEscape(name), again: true}
	if err := d.send(ctx, r, &answer); err != nil {
		return chunk.Collection{}, err
	}
	return d.decodeCollection(op, answer.Bytes())
}

// decodeCollection reads the server's description of a collection.
func (d *Database) decodeCollection(op string, text []byte) (c chunk.Collection, err error) {
	var said struct {
		ID            string
		Name          string
		Dimension     *int
		Metadata      json.RawMessage
		Configuration json.RawMessage `json:"configuration_json"`
		Schema        json.RawMessage
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return c, d.badAnswer(op, "%v", err)
	}
	if said.ID == "" || said.Name == "" {
		return c, d.badAnswer(op, "a collection without a name or an id")
	}
	c.ServerID, c.Name = said.ID, said.Name
	if said.Dimension != nil {
		if c.Description.Dimension = *said.Dimension; c.Description.Dimension < 0 || c.Description.Dimension > chunk.MaxDimension {
			return c, d.badAnswer(op, "collection %s: dimension %d", c.Name, c.Description.Dimension)
		}
	}
	if c.Description.Metadata, err = decodeMetadata(said.Metadata); err != nil {
		return c, d.badAnswer(op, "collection %s: %v", c.Name, err)
	}
	if c.Description.Configuration, err = canonicalOrNil(said.Configuration); err != nil {
		return c, d.badAnswer(op, "collection %s: configuration: %v", c.Name, err)
	}
	if c.Description.Schema, err = canonicalOrNil(said.Schema); err == nil {
		c.Description.Schema, err = withoutLearnedKeys(c.Description.Schema)
	}
	if err != nil {
		return c, d.badAnswer(op, "collection %s: schema: %v", c.Name, err)
	}
	return c, nil
}

// canonicalOrNil takes null and nothing as not known.
func canonicalOrNil(text json.RawMessage) ([]byte, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	return chunk.CanonicalJSON(text)
}

func (d *Database) badAnswer(op, format string, args ...any) error {
	return &Error{Op: op, URL: d.url, Kind: ErrAnswer, Message: fmt.Sprintf(format, args...)}
}

// Count is the number of records of a collection.
func (d *Database) Count(ctx context.Context, serverID string) (int, error) {
	const op = "count records"
	var answer bytes.Buffer
	r := request{op: op, method: http.MethodGet, path: collectionPath(serverID, "count"), again: true, patience: d.options.Timeout}
	if err := d.send(ctx, r, &answer); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(answer.String())
	if err != nil || n < 0 {
		return 0, d.badAnswer(op, "%s is no number of records", oneLine(answer.String()))
	}
	return n, nil
}

// DeleteCollection deletes a collection and all its records. A collection that
// is not there is ErrNotFound.
func (d *Database) DeleteCollection(ctx context.Context, name string) error {
	const op = "delete a collection"
	if err := d.checkName(op, name); err != nil {
		return err
	}
	err := d.call(ctx, exchange{op: op, limit: 1 << 20, patience: d.options.Timeout}, false, func(ctx context.Context) error {
		return d.control.DeleteCollection(ctx, name, chromago.WithDatabaseDelete(d.control.CurrentDatabase()))
	})
	return naming(err, name)
}

// collectionName reports whether Chroma allows a name. It is checked here because a
// name becomes part of a path: deleting the collection ".." by chroma-go would be
// deleting the database.
func collectionName(s string) bool {
	if len(s) < 3 || len(s) > 512 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case (c == '.' || c == '_' || c == '-') && i > 0 && i < len(s)-1:
		default:
			return false
		}
	}
	return true
}

func (d *Database) checkName(op, name string) error {
	if err := d.ValidName(name); err != nil {
		return &Error{Op: op, Kind: ErrInvalid, Message: err.Error()}
	}
	return nil
}

// ValidName says why no collection can be called so; nil: it can.
func (d *Database) ValidName(name string) error {
	switch {
	case !collectionName(name):
		return fmt.Errorf("%q is no name of a collection: those are 3 to 512 of a-z, A-Z, 0-9, '.', '_', '-', and begin and end with a letter or digit", name)
	case strings.Contains(name, ".."):
		return fmt.Errorf("%q is no name of a collection: two dots in a row", name)
	case net.ParseIP(name).To4() != nil:
		return fmt.Errorf("%q is no name of a collection but an address", name)
	}
	return nil
}

// naming puts the collection's name into an error whose message lacks it.
func naming(err error, name string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Op += " " + strconv.Quote(name)
	}
	return err
}
