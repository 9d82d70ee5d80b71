package chroma

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"autochrome/internal/chromatest"
)

// openClient opens the database that a test has on a real server.
func openClient(t *testing.T, c *chromatest.Client) *Database {
	t.Helper()
	d, err := Open(t.Context(), Options{URL: c.Server.URL(), Tenant: c.Tenant, Database: c.Database})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpen(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		d := openClient(t, c)
		if d.URL() != c.Server.URL() || d.Tenant() != c.Tenant || d.Database() != c.Database {
			t.Errorf("%s", d)
		}
		if v, err := d.Version(t.Context()); err != nil || v != "1.0.0" {
			t.Errorf("version %q, %v", v, err)
		}
		names, err := d.Databases(t.Context())
		if err != nil || !slices.Contains(names, c.Database) || !slices.Contains(names, DefaultDatabase) {
			t.Errorf("databases %q, %v", names, err)
		}
		if list, err := d.Collections(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("collections of an empty database: %v, %v", list, err)
		}
	})
}

func TestOpenOfWhatIsNotThere(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		url := c.Server.URL()
		for _, test := range []struct {
			o    Options
			kind error
			says string
		}{
			{Options{URL: url, Tenant: "no-such-tenant"}, ErrNotFound, "no-such-tenant"},
			{Options{URL: url, Database: "no-such-database"}, ErrNotFound, DefaultDatabase},
			{Options{URL: url, Tenant: "a/b ?%c"}, ErrNotFound, "a/b ?%c"},
			{Options{URL: url + "/wrong"}, ErrNotChroma, "404"},
			{Options{URL: url + "/api/v2/tenants"}, ErrNotChroma, "404"},
		} {
			_, err := Open(t.Context(), test.o)
			if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: %v", test.o, err)
			}
		}
	})
}

// TestOddNames: names that paths could break on reach the server as they are.
func TestOddNames(t *testing.T) {
	chromatest.EachShared(t, func(t *testing.T, c *chromatest.Client) {
		name := c.Database + " a?b%2Fc#é"
		status, answer := c.Server.Do(t, "POST", "/api/v2/tenants/"+c.Tenant+"/databases", map[string]any{"name": name})
		if status == 400 { // the newest server has no odd names
			return
		}
		if status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		odd := c.Server.Client(t, c.Tenant, name)
		id := odd.CreateCollection("inside", nil)
		d := openClient(t, odd)
		list, err := d.Collections(t.Context())
		if err != nil || len(list) != 1 || list[0].ServerID != id {
			t.Errorf("%v, %v", list, err)
		}
		if err := d.DeleteCollection(t.Context(), "inside"); err != nil {
			t.Error(err)
		}
		if n, known, err := d.countCollections(t.Context()); n != 0 || !known || err != nil {
			t.Errorf("%d collections, known: %v, %v", n, known, err)
		}
	})
}

func TestServerGoesDown(t *testing.T) {
	s := chromatest.Start(t, chromatest.Newest)
	c := chromatest.NewClient(t, s)
	id := c.CreateCollection("some", nil)
	c.Add(id, map[string]any{"ids": []string{"a"}, "embeddings": [][]float32{{1}}})
	d, err := Open(t.Context(), Options{URL: s.URL(), Tenant: c.Tenant, Database: c.Database, Attempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.Count(t.Context(), id); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	s.Kill()
	for name, f := range map[string]func(context.Context) error{
		"open":        func(ctx context.Context) error { _, err := Open(ctx, d.options); return err },
		"count":       func(ctx context.Context) error { _, err := d.Count(ctx, id); return err },
		"collections": func(ctx context.Context) error { _, err := d.Collections(ctx); return err },
		"ids":         func(ctx context.Context) error { return d.IDs(ctx, id, func([]byte) error { return nil }) },
		"delete":      func(ctx context.Context) error { return d.DeleteCollection(ctx, "some") },
		"version":     func(ctx context.Context) error { _, err := d.Version(ctx); return err },
	} {
		err := f(t.Context())
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), s.URL()) || strings.Contains(fmt.Sprint(err), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Restart(t)
	if n, err := d.Count(t.Context(), id); n != 1 || err != nil {
		t.Errorf("after the restart: %d, %v", n, err)
	}
}
