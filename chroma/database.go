package chroma

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	chromago "github.com/amikos-tech/chroma-go/pkg/api/v2"
)

// Database is one database of a tenant on a Chroma server. It is safe for
// concurrent use.
type Database struct {
	options Options
	url     string // of the server, without user
	client  *http.Client
	control chromago.Client
	schemas atomic.Int32             // what is known of the server's schemas
	limited atomic.Pointer[limits]   // nil: not asked
	holds   atomic.Pointer[Features] // likewise
}

// Open checks that Chroma answers, that it lets us in, and that the tenant and
// the database exist: listing what does not exist is answered like something
// empty, so both are asked for by name.
func Open(ctx context.Context, o Options) (*Database, error) {
	d, err := newClient(o)
	if err != nil {
		return nil, err
	}
	if err := d.heartbeat(ctx); err != nil {
		return nil, err
	}
	if err := d.exists(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// URL of the server, without user and password.
func (d *Database) URL() string { return d.url }

// Tenant is the name of the tenant.
func (d *Database) Tenant() string { return d.options.Tenant }

// Database is the name of the database.
func (d *Database) Database() string { return d.options.Database }

// String shows no secrets.
func (d *Database) String() string {
	return fmt.Sprintf("%s, tenant %s, database %s", d.url, d.options.Tenant, d.options.Database)
}

// GoString keeps %#v from showing secrets.
func (d *Database) GoString() string { return d.String() }

func (d *Database) heartbeat(ctx context.Context) error {
	err := d.call(ctx, exchange{op: "ask for a heartbeat", limit: 1 << 20}, true, func(ctx context.Context) error {
		return d.control.Heartbeat(ctx)
	})
	var e *Error
	if errors.As(err, &e) && (e.Kind == ErrAnswer || e.Kind == ErrNotFound) {
		e.Kind = ErrNotChroma // whatever else says 404 or something of its own
	}
	return err
}

// exists asks for the tenant and the database by name.
func (d *Database) exists(ctx context.Context) error {
	tenant := chromago.NewTenant(url.PathEscape(d.options.Tenant))
	err := d.call(ctx, exchange{op: "look for the tenant", limit: 1 << 20}, true, func(ctx context.Context) error {
		_, err := d.control.GetTenant(ctx, tenant)
		return err
	})
	if err != nil {
		return err
	}
	database := chromago.NewDatabase(url.PathEscape(d.options.Database), tenant)
	err = d.call(ctx, exchange{op: "look for the database", limit: 1 << 20}, true, func(ctx context.Context) error {
		_, err := d.control.GetDatabase(ctx, database)
		return err
	})
	var e *Error
	if errors.As(err, &e) && e.Kind == ErrNotFound {
		if names, listErr := d.Databases(ctx); listErr == nil {
			e.Message += fmt.Sprintf(" (tenant %s has: %s)", d.options.Tenant, oneLine(strings.Join(names, ", ")))
		}
	}
	return err
}

// Version is what the server says of itself. Every server measured says
// "1.0.0", so nothing may depend on it.
func (d *Database) Version(ctx context.Context) (string, error) {
	var version string
	err := d.call(ctx, exchange{op: "ask for the version", limit: 1 << 20}, true, func(ctx context.Context) (err error) {
		version, err = d.control.GetVersion(ctx)
		return err
	})
	return version, err
}

// Databases lists the tenant's databases by name.
func (d *Database) Databases(ctx context.Context) ([]string, error) {
	var list []chromago.Database
	err := d.call(ctx, exchange{op: "list databases"}, true, func(ctx context.Context) (err error) {
		list, err = d.control.ListDatabases(ctx, chromago.NewTenant(url.PathEscape(d.options.Tenant)))
		return err
	})
	names := make([]string, 0, len(list))
	for _, db := range list {
		names = append(names, db.Name())
	}
	return names, err
}

// Transport makes connections to the server as this package's own requests do,
// without their headers.
func (d *Database) Transport() http.RoundTripper { return d.client.Transport.(*wire).base }
