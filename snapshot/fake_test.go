package snapshot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// fake is a database in memory that behaves as Chroma does, as far as a Source
// shows it; TestSources holds both to the same. Whoever sets between is called
// within its answers, so that a writer can be placed anywhere.
type fake struct {
	mu          sync.Mutex
	collections []*fakeCollection
	between     func(op string) // ids, fetch, torn (within a fetch), list
	fetched     map[string]int  // records that were asked for, by collection
	large       int             // bytes of an answer that are too many; 0: none are
	tooLarge    int             // answers that were
}

type fakeCollection struct {
	chunk.Collection
	records []chunk.Record // in the order of insertion
}

var (
	errFakeGone  = errors.New("no such collection")
	errFakeLarge = errors.New("too much at once")
)

func newFake() *fake { return &fake{fetched: map[string]int{}} }

func (f *fake) URL() string             { return "http://fake" }
func (f *fake) Tenant() string          { return "t" }
func (f *fake) Database() string        { return "d" }
func (f *fake) Gone(err error) bool     { return errors.Is(err, errFakeGone) }
func (f *fake) TooLarge(err error) bool { return errors.Is(err, errFakeLarge) }

func (f *fake) call(op string) {
	if f.between != nil {
		f.between(op)
	}
}

// create makes a collection and gives its server id.
func (f *fake) create(name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := "id-of-" + name
	f.collections = append(f.collections, &fakeCollection{Collection: chunk.Collection{ServerID: id, Name: name}})
	return id
}

func (f *fake) drop(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.collections = slices.DeleteFunc(f.collections, func(c *fakeCollection) bool { return c.ServerID == id })
}

// dropWhenListed drops a collection when the collections are listed next.
func (f *fake) dropWhenListed(id string) {
	between := f.between
	f.between = func(op string) {
		if op == "list" {
			f.drop(id)
		}
		between(op)
	}
}

// put adds a record, or changes it where it stands.
func (f *fake) put(id string, r chunk.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.find(id)
	if c == nil {
		return
	}
	c.Description.Dimension = len(r.Embedding)
	if i := c.at(r.ID); i >= 0 {
		c.records[i] = r
	} else {
		c.records = append(c.records, r)
	}
}

func (f *fake) remove(id, record string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.find(id); c != nil {
		c.records = slices.DeleteFunc(c.records, func(r chunk.Record) bool { return r.ID == record })
	}
}

func (f *fake) find(id string) *fakeCollection {
	for _, c := range f.collections {
		if c.ServerID == id {
			return c
		}
	}
	return nil
}

func (c *fakeCollection) at(record string) int {
	return slices.IndexFunc(c.records, func(r chunk.Record) bool { return r.ID == record })
}

func (f *fake) Collections(context.Context) ([]chunk.Collection, error) {
	f.call("list")
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []chunk.Collection
	for _, c := range f.collections {
		out = append(out, c.Collection)
	}
	return out, nil
}

func (f *fake) IDs(_ context.Context, id string, fn func(id []byte) error) error {
	f.call("ids")
	f.mu.Lock()
	var ids []string
	c := f.find(id)
	if c != nil {
		for _, r := range c.records {
			ids = append(ids, r.ID)
		}
	}
	f.mu.Unlock()
	if c == nil {
		return errFakeGone
	}
	for _, id := range ids {
		if err := fn([]byte(id)); err != nil {
			return err
		}
	}
	return nil
}

// Fetch reads documents, metadata and URIs first and the vectors a moment later,
// as Chroma may.
func (f *fake) Fetch(_ context.Context, id string, ids [][]byte, body *bytes.Buffer) error {
	f.call("fetch")
	body.Reset()
	f.mu.Lock()
	wanted := map[string]bool{}
	for _, id := range ids {
		wanted[string(id)] = true
	}
	f.fetched[id] += len(ids)
	c := f.find(id)
	if c == nil {
		f.mu.Unlock()
		return errFakeGone
	}
	var page []chunk.Record
	for _, r := range c.records {
		if wanted[r.ID] {
			page = append(page, r)
		}
	}
	f.mu.Unlock()
	f.call("torn")
	f.mu.Lock()
	defer f.mu.Unlock()
	if c = f.find(id); c == nil {
		return errFakeGone
	}
	for i := range page {
		if at := c.at(page[i].ID); at >= 0 {
			page[i].Embedding = c.records[at].Embedding
		}
	}
	if err := json.NewEncoder(body).Encode(page); err != nil {
		return err
	}
	if f.large > 0 && body.Len() > f.large {
		f.tooLarge++
		return errFakeLarge
	}
	return nil
}

func (f *fake) Decode(body []byte, into *chunk.Records) error {
	var page []chunk.Record
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	for _, r := range page {
		into.Append(r)
	}
	return nil
}

// buildOn builds the tree of a database on an earlier one; the zero Root: anew.
func buildOn(ctx context.Context, w *repo.Writer, f *fake, earlier tree.Root) (root tree.Root, err error) {
	var cs []tree.Collection
	if !earlier.Logical.IsZero() {
		if cs, err = tree.NewReader(w).Collections(ctx, earlier); err != nil {
			return root, err
		}
	}
	states := map[string]tree.Collection{}
	for _, c := range cs {
		states[c.Name] = c
	}
	var out []tree.Collection
	for _, c := range f.collections {
		e := tree.Collection{Tenant: f.Tenant(), Database: f.Database(), Name: c.Name}
		if e.Description, err = tree.SaveDescription(ctx, w, c.Description); err != nil {
			return root, err
		}
		dim := max(c.Description.Dimension, 1)
		b, err := tree.NewBuilderOn(ctx, w, dim, states[c.Name])
		if err != nil {
			return root, err
		}
		recs := chunk.NewRecords(dim)
		for _, rec := range c.records {
			recs.Append(rec)
		}
		if err := b.Add(ctx, recs); err != nil {
			return root, err
		}
		if e.Height, e.Top, err = b.Finish(ctx); err != nil {
			return root, err
		}
		out = append(out, e)
	}
	return tree.SaveRoot(ctx, w, out, earlier)
}
