package guard

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"autochrome/chunk"
	"autochrome/repo"
)

// departing is a database with a collection that is there and others that were
// deleted around the proxy; a read of the first can be held up.
type departing struct {
	*made
	listed []string // server ids, whether there or not
	held   chan chan struct{}
}

var errDeparted = errors.New("it is not there")

func (d *departing) Tenant() string      { return "t" }
func (d *departing) Database() string    { return "d" }
func (d *departing) Gone(err error) bool { return errors.Is(err, errDeparted) }

func (d *departing) Collections(context.Context) (out []chunk.Collection, err error) {
	for _, id := range d.listed {
		out = append(out, chunk.Collection{ServerID: id, Name: id, Description: chunk.CollectionDescription{Dimension: d.dim}})
	}
	return out, nil
}

func (d *departing) IDs(context.Context, string, func([]byte) error) error { return errDeparted }

func (d *departing) ReadColumns(ctx context.Context, serverID string, ids [][]byte, kinds []chunk.Kind, into *chunk.Records) error {
	if serverID != "id" {
		return errDeparted
	}
	if d.held != nil {
		goOn := make(chan struct{})
		d.held <- goOn
		<-goOn
	}
	return d.made.ReadColumns(ctx, serverID, ids, kinds, into)
}

// TestOneIsGone finds a collection gone while a write to another one is recorded:
// that one becomes a point, and later ones do.
func TestOneIsGone(t *testing.T) {
	ctx := t.Context()
	for _, test := range []struct {
		what   string
		listed []string
		find   func(*recorder) error
	}{
		{"it is not listed", []string{"id"}, func(r *recorder) error { return r.whole(ctx, "other", "unknown") }},
		{"it goes while it is read", []string{"id", "other"}, func(r *recorder) error { return r.whole(ctx, "other", "unknown") }},
		{"it goes after a write", []string{"id"}, func(r *recorder) error { return r.records(ctx, "other", []string{"r00000001"}, "add") }},
	} {
		t.Run(test.what, func(t *testing.T) {
			err := emptyRepository(t).Write(ctx, func(w *repo.Writer) error {
				db := &departing{&made{dim: 8}, test.listed, make(chan chan struct{})}
				rec := recorderOver(t, w, db.made, 1000)
				defer rec.close()
				rec.db = db
				places, err := newPlaces(1)
				if err != nil {
					return err
				}
				other := chunk.Collection{ServerID: "other", Name: "other", Description: chunk.CollectionDescription{Dimension: 8}}
				rec.collections["other"] = &collection{live: other, places: places, base: &state{}, losses: losses{base: 5}}

				var ids []string
				for i := range 100 {
					ids = append(ids, fmt.Sprintf("r%08d", 1000+i))
				}
				written := make(chan error)
				go func() { written <- rec.records(ctx, "id", ids, "add") }()
				goOn := <-db.held
				db.held = nil
				if err := test.find(rec); err != nil {
					t.Error(err)
				}
				close(goOn)
				if err := <-written; err != nil {
					return err
				}
				if rec.collection("other") != nil || len(rec.deleted) != 1 || rec.deleted[0].losses.lost != 5 {
					t.Error("what was lost with it is not known")
				}
				for i, id := range []string{"r00001099", "r00001100"} { // one that is there, and a new one
					if err := rec.records(ctx, "id", []string{id}, "upsert"); err != nil {
						return err
					}
					if have, want := rec.last.Root.Records, int64(1100+i); have != want || rec.last.Root.Collections != 1 {
						t.Errorf("the last point has %d records in %d collections, want %d in one", have, rec.last.Root.Collections, want)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
