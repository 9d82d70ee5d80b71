package guard

import (
	"context"
	"sync"
)

// gates let the writes to one collection through one at a time, and a change of
// collections alone: parallel writers gain nothing in Chroma, and so the order
// that is recorded is the server's.
type gates struct {
	mu      sync.Mutex
	held    map[string]bool // by collection
	all     bool            // held, or somebody waits for it
	changed chan struct{}   // closed when something is released
}

func newGates() *gates { return &gates{held: map[string]bool{}, changed: make(chan struct{})} }

// enter waits for a collection's gate; "" is that of all. It gives what leaves
// it again.
func (g *gates) enter(ctx context.Context, collection string) (leave func(), err error) {
	waiting := false // for all: nobody else enters any more
	for {
		g.mu.Lock()
		free := false
		if collection == "" {
			if free = len(g.held) == 0 && (!g.all || waiting); !g.all {
				g.all, waiting = true, true
			}
		} else if free = !g.all && !g.held[collection]; free {
			g.held[collection] = true
		}
		changed := g.changed
		g.mu.Unlock()
		if free {
			return sync.OnceFunc(func() { g.leave(collection) }), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if waiting {
				g.leave("")
			}
			return nil, context.Cause(ctx)
		}
	}
}

func (g *gates) leave(collection string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if collection == "" {
		g.all = false
	} else {
		delete(g.held, collection)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}
