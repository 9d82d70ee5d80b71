package restore

import (
	"context"
	"fmt"

	"autochrome/chunk"
)

// find looks for a collection that is to be dropped. One that is called otherwise
// than it should be by now is an error: somebody has renamed it, so it is in use,
// and what has its name is another one that no snapshot has.
func find(ctx context.Context, t Target, serverID, name string) (c chunk.Collection, there bool, err error) {
	live, err := t.Collections(ctx)
	if err != nil {
		return c, false, err
	}
	if c, there = byServerID(live, serverID); there && c.Name != name {
		return c, true, fmt.Errorf("it was renamed to %q meanwhile, and was not dropped", c.Name)
	}
	return c, there, nil
}

// stillCalled reports whether a collection is there, and is an error where it
// has another name. A rehearsal has renamed nothing.
func (a *applier) stillCalled(ctx context.Context, c chunk.Collection, name string) (there bool, err error) {
	if a.needs != nil {
		return true, nil
	}
	_, there, err = find(ctx, a.target, c.ServerID, name)
	return there, err
}

func byServerID(cs []chunk.Collection, id string) (chunk.Collection, bool) {
	for _, c := range cs {
		if c.ServerID == id {
			return c, true
		}
	}
	return chunk.Collection{}, false
}
