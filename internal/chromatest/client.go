package chromatest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"testing"
)

// Client is one database of a server, bound to a test: whatever the server
// refuses fails that test. Who wants to see a refusal uses Server.Do with Path.
type Client struct {
	Server           *Server
	Tenant, Database string

	t testing.TB
}

// NewClient creates a fresh database.
func NewClient(t testing.TB, s *Server) *Client {
	t.Helper()
	tenant, database := Database(t, s)
	return s.Client(t, tenant, database)
}

// Client is bound to a database that exists.
func (s *Server) Client(t testing.TB, tenant, database string) *Client {
	return &Client{Server: s, Tenant: tenant, Database: database, t: t}
}

// Path is that of a collection's resource: Path() lists the collections,
// Path(name) is one, Path(id, "upsert") writes to it.
func (c *Client) Path(parts ...string) string {
	path := "/api/v2/tenants/" + url.PathEscape(c.Tenant) + "/databases/" + url.PathEscape(c.Database) + "/collections"
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// CreateCollection returns the new collection's id. body may hold metadata,
// configuration or schema; nil stands for none.
func (c *Client) CreateCollection(name string, body map[string]any) (id string) {
	c.t.Helper()
	body = maps.Clone(body)
	if body == nil {
		body = map[string]any{}
	}
	body["name"] = name
	var answer struct{ ID string }
	c.ask("POST", c.Path(), body, &answer)
	return answer.ID
}

// Collection is the server's description of the collection with that name.
func (c *Client) Collection(name string) map[string]any {
	c.t.Helper()
	var answer map[string]any
	c.ask("GET", c.Path(name), nil, &answer)
	return answer
}

func (c *Client) DeleteCollection(name string) {
	c.t.Helper()
	c.ask("DELETE", c.Path(name), nil, nil)
}

func (c *Client) Count(id string) (n int) {
	c.t.Helper()
	c.ask("GET", c.Path(id, "count"), nil, &n)
	return n
}

// Add, Upsert and Update take Chroma's own body: ids, embeddings, documents,
// metadatas, uris, one entry per record each.

func (c *Client) Add(id string, body map[string]any) {
	c.t.Helper()
	c.ask("POST", c.Path(id, "add"), body, nil)
}

func (c *Client) Upsert(id string, body map[string]any) {
	c.t.Helper()
	c.ask("POST", c.Path(id, "upsert"), body, nil)
}

func (c *Client) Update(id string, body map[string]any) {
	c.t.Helper()
	c.ask("POST", c.Path(id, "update"), body, nil)
}

// Delete takes ids, where or where_document.
func (c *Client) Delete(id string, body map[string]any) {
	c.t.Helper()
	c.ask("POST", c.Path(id, "delete"), body, nil)
}

// Get takes ids, where, limit, offset, include. Numbers in the answer are
// json.Number.
func (c *Client) Get(id string, body map[string]any) map[string]any {
	c.t.Helper()
	var answer map[string]any
	c.ask("POST", c.Path(id, "get"), body, &answer)
	return answer
}

func (c *Client) ask(method, path string, body, into any) {
	c.t.Helper()
	status, answer := c.Server.Do(c.t, method, path, body)
	if status < 200 || status > 299 {
		c.t.Fatalf("chromatest: %s %s: %d %.2000s", method, path, status, answer)
	}
	if into == nil {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(answer))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		c.t.Fatalf("chromatest: %s %s: %v in %.200s", method, path, err, answer)
	}
}
