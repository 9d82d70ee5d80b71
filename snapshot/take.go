package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"autochrome/repo"
	"autochrome/tree"
)

// ErrEmptied: the source has no records and its last snapshot had some. Such a
// snapshot would look good and hold nothing.
var ErrEmptied = errors.New("the source is empty, its last snapshot was not")

// Options say how a snapshot is taken. The zero value takes everything.
type Options struct {
	Name        string            // given by the user
	Source      string            // name of the source; "": known again, or made
	Collections []string          // nil: all
	Tags        map[string]string // of the snapshot
	Kind        repo.SnapshotKind // "": repo.KindSnapshot
	AllowEmpty  bool              // take it also where ErrEmptied says no
	// AllowMissing takes names that are not there into the scope: they are known
	// to be absent.
	AllowMissing bool
	User         string // who takes it
	Host         string
	Command      string // as typed, without secrets
	Version      string // of autochrome
	Progress     func(Progress)
}

// Result is a snapshot that was taken.
type Result struct {
	Snapshot repo.Snapshot
	Captured []Captured
	Gone     []string // collections that were deleted meanwhile
	Stored   int64    // bytes of all files written for it
	Reused   bool     // whether it refers to an earlier snapshot of its source
}

// Take reads a source and makes a snapshot of it durable. What of it the
// repository has already is referred to.
func Take(ctx context.Context, r *repo.Repository, src Source, o Options) (Result, error) {
	begun := time.Now()
	var res Result
	all, err := src.Collections(ctx)
	if err != nil {
		return res, err
	}
	cs, err := Select(all, o.Collections, o.AllowMissing)
	if err != nil {
		return res, err
	}
	h, err := newHistory(ctx, r, src, all, o.Source)
	if err != nil {
		return res, err
	}
	err = r.Write(ctx, func(w *repo.Writer) error {
		var err error
		if res.Captured, res.Gone, err = Capture(ctx, w, src, cs, h.earlier(ctx, tree.NewReader(r)), o.Progress); err != nil {
			return err
		}
		s := record(src, h, res, o)
		if s.Root, err = tree.SaveRoot(ctx, w, trees(res.Captured), h.root()); err != nil {
			return err
		}
		if s.Root.Records == 0 && h.last.Root.Records > 0 && h.sameScope(o.Collections) && !o.AllowEmpty {
			return fmt.Errorf("%w: %s held %d records", ErrEmptied, h.last.DisplayID(), h.last.Root.Records)
		}
		s.Stats.Millis = time.Since(begun).Milliseconds()
		if res.Snapshot, err = w.SaveSnapshot(ctx, s); err != nil {
			return err
		}
		res.Stored = w.Stats().Bytes
		return nil
	})
	res.Reused = h.found
	return res, err
}

// record fills in what a snapshot says beside its tree.
func record(src Source, h *history, res Result, o Options) repo.Snapshot {
	s := repo.Snapshot{
		Name: o.Name, Time: time.Now().UTC(), Kind: o.Kind, Source: h.source, Tags: o.Tags,
		Scope:   repo.Scope{Tenant: src.Tenant(), Database: src.Database(), Collections: o.Collections},
		Capture: repo.CaptureIDsStable,
		Server:  repo.Server{URL: src.URL()},
		User:    o.User, Host: o.Host, Command: o.Command, Version: o.Version,
	}
	if s.Kind == "" {
		s.Kind = repo.KindSnapshot
	}
	if h.found {
		s.Parent = &h.last.ID
	}
	if len(res.Gone) > 0 {
		s.Capture = repo.CaptureMoving
	}
	for _, c := range res.Captured {
		if c.State == Moving {
			s.Capture = repo.CaptureMoving
		}
		s.Stats.BytesRead += c.BytesRead
		s.Collections = append(s.Collections, repo.CollectionInfo{
			Name: c.Collection.Name, ServerID: c.Collection.ServerID, Records: c.Tree.Top.Count,
			Damaged: int64(c.Damaged), Capture: repo.Capture(c.State),
		})
		s.Damage.Total += int64(c.Damaged)
		for _, d := range c.Damage {
			if len(s.Damage.First) < repo.MaxDamageNamed {
				s.Damage.First = append(s.Damage.First, repo.DamagedRecord{Collection: d.Collection, ID: d.ID, Reason: d.What})
			}
		}
	}
	return s
}

func trees(captured []Captured) []tree.Collection {
	out := make([]tree.Collection, len(captured))
	for i, c := range captured {
		out[i] = c.Tree
	}
	return out
}
