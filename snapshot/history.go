package snapshot

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/repo"
	"autochrome/tree"
)

// searchedSnapshots is how many of a source's snapshots are searched for an
// earlier state of a collection: those of other scopes may stand between.
const searchedSnapshots = 100

// history is what a repository knows of a source.
type history struct {
	source string
	found  bool            // there is an earlier snapshot
	last   repo.Snapshot   // the newest
	all    []repo.Snapshot // the newest first
}

// newHistory finds a source's snapshots. Without a name the source is known
// again by its tenant, database and one of its collections' server ids, so
// that two URLs of one server are one source; where no collection is left, by
// its URL. Otherwise it is new and gets a name.
func newHistory(ctx context.Context, r *repo.Repository, src Source, cs []chunk.Collection, name string) (*history, error) {
	snapshots, err := r.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	slices.Reverse(snapshots)
	if name == "" {
		name = knownSource(snapshots, src, cs)
	}
	if name == "" {
		name = newSource(src, cs)
	}
	h := &history{source: name}
	for _, s := range snapshots {
		if s.Source == name && s.Scope.Tenant == src.Tenant() && s.Scope.Database == src.Database() {
			h.all = append(h.all, s)
		}
	}
	if len(h.all) > 0 {
		h.found, h.last = true, h.all[0]
	}
	return h, nil
}

// SourceName gives the name that a repository knows a source by, or "".
func SourceName(ctx context.Context, r *repo.Repository, src Source) (string, error) {
	cs, err := src.Collections(ctx)
	if err != nil {
		return "", err
	}
	snapshots, err := r.Snapshots(ctx)
	if err != nil {
		return "", err
	}
	slices.Reverse(snapshots)
	return knownSource(snapshots, src, cs), nil
}

func knownSource(newestFirst []repo.Snapshot, src Source, cs []chunk.Collection) string {
	ids := map[string]bool{}
	for _, c := range cs {
		ids[c.ServerID] = true
	}
	byURL := ""
	for _, s := range newestFirst {
		if s.Scope.Tenant != src.Tenant() || s.Scope.Database != src.Database() {
			continue
		}
		if slices.ContainsFunc(s.Collections, func(c repo.CollectionInfo) bool { return ids[c.ServerID] }) {
			return s.Source
		}
		if byURL == "" && s.Server.URL == src.URL() {
			byURL = s.Source
		}
	}
	return byURL
}

// newSource makes a name of what does not change with the URL.
func newSource(src Source, cs []chunk.Collection) string {
	parts := []string{src.Tenant(), src.Database()}
	for _, c := range cs {
		parts = append(parts, c.ServerID)
	}
	if len(cs) == 0 {
		parts = append(parts, src.URL())
	}
	slices.Sort(parts[2:])
	sum := chunk.FileHash([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%s/%s-%s", src.Tenant(), src.Database(), hex.EncodeToString(sum[:3]))
}

// earlier finds the newest state of a collection: by its server id, which
// survives a rename, else by its name.
func (h *history) earlier(ctx context.Context, r *tree.Reader) Earlier {
	return func(c chunk.Collection) (tree.Collection, bool) {
		for i, s := range h.all {
			if i == searchedSnapshots {
				break
			}
			name, ok := nameIn(s, c)
			if !ok {
				continue
			}
			if found, err := Find(ctx, r, s, name); err == nil {
				return found, true
			}
			// A damaged snapshot is no base; the next older one may be.
		}
		return tree.Collection{}, false
	}
}

// nameIn is the name that a snapshot has a collection by.
func nameIn(s repo.Snapshot, c chunk.Collection) (name string, ok bool) {
	for _, info := range s.Collections {
		if info.ServerID == c.ServerID {
			return info.Name, true
		}
		if info.Name == c.Name {
			name, ok = info.Name, true
		}
	}
	return name, ok
}

// root is the root whose entries may be referred to.
func (h *history) root() chunk.Root {
	if !h.found {
		return chunk.Root{}
	}
	return h.last.Root
}

// Find gives a snapshot's collection by its name.
func Find(ctx context.Context, r *tree.Reader, s repo.Snapshot, name string) (tree.Collection, error) {
	cs, err := r.Collections(ctx, s.Root)
	if err != nil {
		return tree.Collection{}, err
	}
	for _, c := range cs {
		if c.Name == name {
			return c, nil
		}
	}
	return tree.Collection{}, fmt.Errorf("snapshot %s has no collection %q", s.DisplayID(), name)
}
