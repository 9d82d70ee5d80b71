package guard

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"autochrome/repo"
	"autochrome/tree"
)

// Tags of points.
const (
	TagRequest    = "request"    // what was written
	TagUnrecorded = "unrecorded" // it has writes that did not come through the proxy
	TagForeign    = "foreign"    // server ids of the collections in it that others made during the run
)

// unrecorded is the request of a point that the proxy saw no request for.
const unrecorded = "unrecorded writes"

// Point is what is told of a point when it is durable.
type Point struct {
	Number   int // in the run, from 1 on
	Snapshot repo.Snapshot
	Request  string
	Written  int64   // records that the writes since the last point named
	Lost     float64 // the greatest share of a collection of the base that is lost
}

// point takes over a change and makes it durable, unless points are lazy.
func (r *recorder) point(ctx context.Context, words string, change func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := change(); err != nil {
		return err
	}
	r.dirty = append(r.dirty, words)
	if r.lazy {
		return nil
	}
	return r.save(ctx)
}

// flush makes durable what was recorded since the last point.
func (r *recorder) flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.save(ctx)
}

// made names the collections that the run made.
func (r *recorder) made() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]bool{}
	for _, c := range r.collections {
		if c.base == nil && !c.foreign {
			out[c.live.Name] = true
		}
	}
	return out
}

// save makes a point where there is something new. r.mu is held.
func (r *recorder) save(ctx context.Context) error {
	if len(r.dirty) == 0 {
		return nil
	}
	var trees []tree.Collection
	var infos []repo.CollectionInfo
	var foreign []string
	for _, c := range r.collections {
		if c.foreign {
			foreign = append(foreign, c.live.ServerID)
		}
		trees = append(trees, c.tree)
		infos = append(infos, repo.CollectionInfo{
			Name: c.live.Name, ServerID: c.live.ServerID, Records: c.tree.Top.Count, Capture: repo.CaptureStill,
		})
	}
	slices.SortFunc(infos, func(a, b repo.CollectionInfo) int { return cmp.Compare(a.Name, b.Name) })
	root, err := tree.SaveRoot(ctx, r.store, trees, r.last.Root)
	if err != nil {
		return err
	}
	words := requests(r.dirty)
	if root.Logical == r.last.Root.Logical && same(infos, r.last.Collections) {
		r.dirty = nil
		return nil
	}
	last, tags := r.last, map[string]string{TagRequest: words}
	if slices.Contains(r.dirty, unrecorded) {
		tags[TagUnrecorded] = "true"
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		tags[TagForeign] = strings.Join(foreign, " ")
	}
	saved, err := r.store.SavePoint(ctx, repo.Snapshot{
		Kind: repo.KindPoint, Run: r.run, Time: time.Now().UTC(), Source: last.Source, Scope: last.Scope, Parent: &last.ID,
		Root: root, Capture: repo.CaptureStill, Collections: infos, Tags: tags,
		Server: last.Server, Host: last.Host, User: last.User, Command: last.Command, Version: last.Version,
	})
	if err != nil {
		return err
	}
	r.last, r.dirty = saved, nil
	r.points++
	r.grown(ctx, saved.Stats.BytesStored)
	if r.told != nil {
		r.told(Point{r.points, saved, words, r.named, r.worst()})
		r.named = 0
	}
	return nil
}

// worst is the greatest share that is lost of a collection that is there.
func (r *recorder) worst() (share float64) {
	for _, c := range r.collections {
		share = max(share, Loss{Base: c.losses.base, Lost: c.losses.lost}.Share())
	}
	return share
}

// requests says what several requests were, in few words.
func requests(words []string) string {
	const most = 3
	if more := len(words) - most; more > 0 {
		return strings.Join(words[:most], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}

// same reports whether the same collections are there, in whatever order and
// whatever is in them.
func same(a, b []repo.CollectionInfo) bool {
	named := map[string]string{}
	for _, x := range a {
		named[x.ServerID] = x.Name
	}
	for _, x := range b {
		if name, ok := named[x.ServerID]; !ok || name != x.Name {
			return false
		}
	}
	return len(a) == len(b)
}
