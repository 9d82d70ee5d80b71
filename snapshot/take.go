package snapshot

import (
	"context"
	"fmt"
	"time"

	"autochrome/repo"
	"autochrome/tree"
)

// Options say how a snapshot is taken. The zero value takes everything.
type Options struct {
	Name        string            // given by the user
	Source      string            // name of the source; "": known again, or made
	Collections []string          // nil: all
	Tags        map[string]string // of the snapshot
	Kind        repo.SnapshotKind // "": repo.KindSnapshot
	// Consistent reads until two reads agree, or fails with ErrInconsistent.
	Consistent bool
	// FailIfMoving fails with ErrInconsistent where records or collections came or
	// went.
	FailIfMoving bool
	// AllowShrink takes also what is ErrShrunken else. It is marked as suspect.
	AllowShrink bool
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
	Gone     []string // collections that were deleted before they were read
	Fresh    []string // collections that were made meanwhile and are not in it
	Losses   []Loss   // collections that have lost most of their records, or are gone
	Stored   int64    // bytes of all files written for it
	Reused   bool     // whether it refers to an earlier snapshot of its source
}

// Take reads a source and makes a snapshot of it durable. What of it the
// repository has already is referred to.
//
// A snapshot that has lost most of what the last good one has is refused, or
// suspect with AllowShrink; one with more damaged records than that is suspect.
// The state before a rollback is never judged: a source that has lost
// everything is what rollbacks are for.
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
		in := &scope{src: src, store: w, names: o.Collections, earlier: h.earlier(ctx, tree.NewReader(r)), progress: o.Progress}
		var err error
		if o.Consistent {
			err = in.twice(ctx)
		} else {
			err = in.once(ctx, cs)
		}
		if err != nil {
			return err
		}
		if moving := in.moving(); moving != "" && o.FailIfMoving {
			return fmt.Errorf("%w: %s", ErrInconsistent, moving)
		}
		res.Captured, res.Gone, res.Fresh = in.captured, in.gone, in.fresh
		s := record(src, h, res, o)
		if s.Root, err = SaveRoot(ctx, w, trees(res.Captured), h.root()); err != nil {
			return err
		}
		if s.Kind != repo.KindPreRollback {
			notes, err := r.Annotations(ctx)
			if err != nil {
				return err
			}
			j := judge(s, h.bases(notes, o.Collections))
			if j.shrunken != "" && !o.AllowShrink {
				return fmt.Errorf("%w: %s", ErrShrunken, j.shrunken)
			}
			s.Suspect, res.Losses = j.suspect(), j.losses
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
		Capture: repo.CaptureStill,
		Server:  repo.Server{URL: src.URL()},
		User:    o.User, Host: o.Host, Command: o.Command, Version: o.Version,
	}
	if s.Kind == "" {
		s.Kind = repo.KindSnapshot
	}
	if h.found {
		s.Parent = &h.last.ID
	}
	if !o.Consistent {
		s.Capture = repo.CaptureIDsStable
	}
	if len(res.Gone)+len(res.Fresh) > 0 {
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
