package guard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"autochrome/repo"
)

// TagBase is the tag of the snapshot that a run begins with.
const TagBase = repo.TagRunBase

// ErrNoRun: no run has this name.
var ErrNoRun = errors.New("no such run")

// RunName is the name of the run that began with a base: run_20261124_040000_k3f9.
func RunName(base repo.Snapshot) string { return repo.RunName(base) }

// Ran is a run as the repository knows it.
type Ran struct {
	Name   string
	Base   repo.Snapshot
	Points []repo.Snapshot // in order
	Ended  string          // what it came to; "": it goes on, or was cut off
	Holder *repo.Holder    // who is at it now; nil: nobody, or the store cannot tell
}

// Last is the last point, or the base.
func (r Ran) Last() repo.Snapshot {
	if len(r.Points) == 0 {
		return r.Base
	}
	return r.Points[len(r.Points)-1]
}

// Point gives a point by its number from 1 on, or by "last", "base" or 0.
func (r Ran) Point(which string) (repo.Snapshot, error) {
	switch which {
	case "last":
		return r.Last(), nil
	case "base":
		return r.Base, nil
	}
	n, err := strconv.Atoi(which)
	if err != nil || n < 0 || n > len(r.Points) {
		return repo.Snapshot{}, fmt.Errorf("%w: %s has the points 1 to %d, base and last, and no %q", ErrNoRun, r.Name, len(r.Points), which)
	}
	if n == 0 {
		return r.Base, nil
	}
	return r.Points[n-1], nil
}

// Runs lists the runs, the oldest first.
func Runs(ctx context.Context, r *repo.Repository) ([]Ran, error) {
	all, err := r.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := r.Annotations(ctx)
	if err != nil {
		return nil, err
	}
	points := map[string][]repo.Snapshot{} // by their run; some may be deleted
	for _, s := range all {
		if s.Kind == repo.KindPoint {
			points[s.Run] = append(points[s.Run], s)
		}
	}
	var out []Ran
	for _, s := range all {
		if s.Tags[TagBase] == "" {
			continue
		}
		ran := Ran{Name: RunName(s), Base: s, Points: points[RunName(s)]}
		if ran.Ended, _ = notes[s.ID].Value(repo.KeyRunEnded); ran.Ended == "" {
			if ran.Holder, err = r.RunHolder(ran.Name); err != nil {
				return nil, err
			}
		}
		out = append(out, ran)
	}
	return out, nil
}

// FindRun gives the run of a name or of the beginning of one, with or without
// "run_". The newest where name is empty.
func FindRun(ctx context.Context, r *repo.Repository, name string) (Ran, error) {
	all, err := Runs(ctx, r)
	if err != nil {
		return Ran{}, err
	}
	found := slices.DeleteFunc(slices.Clone(all), func(x Ran) bool {
		return !strings.HasPrefix(x.Name, name) && !strings.HasPrefix(x.Name, repo.RunPrefix+name)
	})
	switch {
	case len(found) == 0 && name == "":
		return Ran{}, fmt.Errorf("%w: the repository has none", ErrNoRun)
	case len(found) == 0:
		return Ran{}, fmt.Errorf("%w: %q", ErrNoRun, name)
	case len(found) > 1 && name != "":
		return Ran{}, fmt.Errorf("%q is not unique: it may mean %s or %s", name, found[0].Name, found[1].Name)
	}
	return found[len(found)-1], nil
}
