package chroma

import (
	"context"
	"errors"
	"net/url"

	chromago "github.com/amikos-tech/chroma-go/pkg/api/v2"
)

// OpenNew is Open for a tenant and a database that need not exist: missing says
// that [Database.Create] has to make them before something is written. Until
// then they read as empty.
func OpenNew(ctx context.Context, o Options) (d *Database, missing bool, err error) {
	if d, err = newClient(o); err != nil {
		return nil, false, err
	}
	if err = d.heartbeat(ctx); err != nil {
		return nil, false, err
	}
	if err = d.exists(ctx); errors.Is(err, ErrNotFound) {
		return d, true, nil
	}
	return d, false, err
}

// Create makes the tenant and the database, as far as they are missing.
func (d *Database) Create(ctx context.Context) error {
	err := d.call(ctx, exchange{op: "create the tenant", limit: 1 << 20}, false, func(ctx context.Context) error {
		_, err := d.control.CreateTenant(ctx, chromago.NewTenant(d.options.Tenant))
		return err
	})
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	// The tenant becomes part of a path, the database of a body.
	database := chromago.NewDatabase(d.options.Database, chromago.NewTenant(url.PathEscape(d.options.Tenant)))
	err = d.call(ctx, exchange{op: "create the database", limit: 1 << 20}, false, func(ctx context.Context) error {
		_, err := d.control.CreateDatabase(ctx, database)
		return err
	})
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	return d.exists(ctx)
}
