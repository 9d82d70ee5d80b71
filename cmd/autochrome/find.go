package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/snapshot"
	"autochrome/tree"
)

func sourceFlag() cli.Flag {
	return &cli.StringFlag{Name: "source", Usage: "of which source, where the repository has several"}
}

// find gives the snapshot that a word means, without asking Chroma. Where
// there are several sources, the latest is of the one with the address, tenant
// and database of the settings, if that is only one.
func (s *session) find(ctx context.Context, r *repo.Repository, word string) (repo.Snapshot, error) {
	source := s.flags.String("source")
	if source == "" && word == "latest" {
		sources, err := r.Sources(ctx)
		if err != nil {
			return repo.Snapshot{}, err
		}
		address, err := chroma.Address(value(s.flags, "chromadb-url"))
		sources = slices.DeleteFunc(sources, func(x repo.Source) bool {
			return err != nil || x.Newest.Scope.Tenant != value(s.flags, "tenant") || x.Newest.Scope.Database != value(s.flags, "database") ||
				x.Newest.Server.URL != address
		})
		if len(sources) == 1 {
			source = sources[0].Name
		}
	}
	return snapshotNamed(ctx, r, word, source)
}

// snapshotNamed gives the snapshot of a source, or of any, that a word means: a point
// of a run, too.
func snapshotNamed(ctx context.Context, r *repo.Repository, word, source string) (repo.Snapshot, error) {
	if snap, ok, err := pointOf(ctx, r, word); ok {
		return snap, err
	}
	return r.Find(ctx, word, source)
}

// findFor gives the snapshot that a word means for the live database: the
// latest is of that source. A snapshot of another source is refused unless
// --source names it, for it would replace what this one has.
func (s *session) findFor(ctx context.Context, r *repo.Repository, live snapshot.Source, word string) (repo.Snapshot, error) {
	known, err := snapshot.SourceName(ctx, r, live)
	if err != nil {
		return repo.Snapshot{}, err
	}
	source := s.flags.String("source")
	if source == "" && word == "latest" {
		source = known // "" where it has never been seen: then there must be one only
	}
	snap, err := snapshotNamed(ctx, r, word, source)
	if err != nil {
		return snap, err
	}
	if known != "" && snap.Source != known && s.flags.String("source") != snap.Source {
		return snap, &hintedError{fmt.Errorf("%s is of source %q, and the database at %s is %q", snap.DisplayID(), snap.Source, live.URL(), known),
			"is this the right --chromadb-url? If it shall become that one: --source " + snap.Source}
	}
	return snap, nil
}

// collections gives a snapshot's collections, all or the one of a name.
func collections(ctx context.Context, r *tree.Reader, s repo.Snapshot, name string) ([]tree.Collection, error) {
	if name == "" {
		return r.Collections(ctx, s.Root)
	}
	c, err := snapshot.Find(ctx, r, s, name)
	if err != nil {
		return nil, &hintedError{err, "see: autochrome ls " + s.DisplayID()}
	}
	return []tree.Collection{c}, nil
}

// parentName gives the id of a snapshot's parent, or its identity where it is
// no longer there; "" without a parent.
func parentName(ctx context.Context, r *repo.Repository, s repo.Snapshot) (string, error) {
	if s.Parent == nil {
		return "", nil
	}
	all, err := r.Snapshots(ctx)
	if err != nil {
		return "", err
	}
	for _, x := range all {
		if x.ID == *s.Parent {
			return x.DisplayID(), nil
		}
	}
	return s.Parent.String(), nil
}
