package guard

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// recorder makes points. Writes to one collection come one at a time, those to
// several side by side; what changes collections comes alone.
type recorder struct {
	db     Database
	store  *repo.Writer
	run    string
	points int  // of the run
	lazy   bool // points are made when flush is called

	applying sync.Mutex // held while applier works
	applier  *tree.Applier
	recent   *recent // that of applier

	told func(Point) // hears of each point; mu is held

	sealing sync.WaitGroup

	mu          sync.Mutex
	collections map[string]*collection // that are there, by server id
	deleted     []*collection          // that the base had
	last        repo.Snapshot
	dirty       []string // what was recorded since the last point
	named       int64    // records that it named

	isSealing     bool
	unsealed      int // points that stand by themselves
	unsealedBytes int64
}

// records notes what became of the records that a write named.
func (r *recorder) records(ctx context.Context, serverID string, ids []string, words string) error {
	c := r.collection(serverID)
	if c == nil || len(ids) == 0 {
		return nil
	}
	ids = distinct(ids)
	if c.live.Description.Dimension == 0 { // the write may have fixed it
		if err := r.describe(ctx, c); err != nil {
			return err
		}
	}
	now, err := r.readBack(ctx, c, ids)
	if err != nil && r.db.Gone(err) {
		return r.whole(ctx, serverID, unrecorded)
	}
	if err != nil {
		return err
	}
	ts, err := c.touch(ids, now)
	if err != nil {
		return err
	}
	next := c.tree
	if next.Height, next.Top, err = r.apply(ctx, c, c.splices(ts, now)); err != nil {
		return fmt.Errorf("collection %q: %w", c.live.Name, err)
	}
	return r.point(ctx, fmt.Sprintf("%s %s: %d", words, c.live.Name, len(ids)), func() error {
		r.named += int64(len(ids))
		c.tree = next
		return c.settle(ts, now)
	})
}

func (r *recorder) apply(ctx context.Context, c *collection, splices []tree.Splice) (int, tree.Node, error) {
	r.applying.Lock()
	defer r.applying.Unlock()
	if r.recent == nil {
		var err error
		if r.recent, err = newRecent(recentSize); err != nil {
			return 0, tree.Node{}, err
		}
	}
	x := r.applier
	if x == nil {
		x = tree.NewApplier(r.store, r.recent)
	}
	r.applier = nil // where it panics it is not used again
	height, top, err := x.Apply(ctx, c.tree, c.live.Description.Dimension, splices)
	r.applier = x
	return height, top, err
}

// readBack reads the records that a write named, as they are now.
func (r *recorder) readBack(ctx context.Context, c *collection, ids []string) (*chunk.Records, error) {
	dim := c.live.Description.Dimension
	now := chunk.NewRecords(dim)
	for some := range slices.Chunk(ids, readTogether) {
		asked := make([][]byte, len(some))
		for i, id := range some {
			asked[i] = []byte(id)
		}
		if err := r.db.ReadColumns(ctx, c.live.ServerID, asked, chunk.Columns[:], now); err != nil {
			return nil, &readError{fmt.Errorf("collection %q: %w", c.live.Name, err)}
		}
	}
	return now, nil
}

// readTogether is how many records are read back by one request.
const readTogether = 1000

// describe asks for the description of a collection again.
func (r *recorder) describe(ctx context.Context, c *collection) error {
	all, err := r.list(ctx)
	if err != nil {
		return err
	}
	for _, live := range all {
		if live.ServerID == c.live.ServerID {
			id, err := tree.SaveDescription(ctx, r.store, live.Description)
			if err != nil {
				return err
			}
			r.mu.Lock()
			c.live, c.tree.Description = live, id
			r.mu.Unlock()
		}
	}
	return nil
}

// list gives the collections that are there.
func (r *recorder) list(ctx context.Context) ([]chunk.Collection, error) {
	return asked{r.db}.Collections(ctx)
}

func (r *recorder) collection(serverID string) *collection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.collections[serverID]
}
