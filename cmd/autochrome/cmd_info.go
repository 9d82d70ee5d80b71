package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/tree"
)

func infoCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "info", Usage: "show all that is known of a snapshot", ArgsUsage: "ID",
		Flags:  []cli.Flag{sourceFlag()},
		Action: p.action(info),
	}
}

// infoJSON is what snapshot info --json prints.
type infoJSON struct {
	listedJSON
	Parent         string               `json:"parent,omitempty"`
	CopiedFrom     string               `json:"copied_from,omitempty"` // identity of the first
	Root           string               `json:"root"`                  // what the snapshot says, as one hash
	Unreadable     []string             `json:"unreadable,omitempty"`
	DamagedRecords []repo.DamagedRecord `json:"damaged_records,omitempty"` // the first of them
	Server         repo.Server          `json:"server"`
	Host           string               `json:"host,omitempty"`
	User           string               `json:"user,omitempty"`
	Command        string               `json:"command,omitempty"`
	Version        string               `json:"version,omitempty"`
	BytesRead      int64                `json:"bytes_read"`
	Duration       int64                `json:"duration_ms"`
	VerifiedHow    string               `json:"verified_how,omitempty"`
	RestoredWhere  string               `json:"restored_where,omitempty"`
	Accepted       *time.Time           `json:"accepted,omitempty"` // when somebody said that it is not suspect after all
	AcceptedBy     string               `json:"accepted_by,omitempty"`
}

func info(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		all, err := r.Annotations(ctx)
		if err != nil {
			return err
		}
		notes := all[snap.ID]
		cs, err := describe(ctx, r, snap)
		if err != nil {
			return err
		}
		i := infoJSON{
			listedJSON: listed(snap, notes), Root: snap.Root.Logical.String(), Unreadable: snap.Unreadable,
			DamagedRecords: snap.Damage.First, Server: snap.Server, Host: snap.Host, User: snap.User,
			Command: snap.Command, Version: snap.Version, BytesRead: snap.Stats.BytesRead, Duration: snap.Stats.Millis,
		}
		i.Collections = cs
		if snap.CopiedFrom != nil {
			i.CopiedFrom = snap.CopiedFrom.String()
		}
		if i.Parent, err = parentName(ctx, r, snap); err != nil {
			return err
		}
		i.VerifiedHow, _ = notes.Value(repo.KeyVerified)
		i.RestoredWhere, _ = notes.Value(repo.KeyRestored)
		if a := notes[repo.KeySuspect]; a.Removed && snap.Suspect != "" {
			i.Accepted, i.AcceptedBy = &a.Time, fmt.Sprintf("by %s on %s; it was suspect: %s", a.User, a.Host, snap.Suspect)
		}
		if s.json {
			return s.printJSON(i)
		}
		return s.printInfo(i)
	})
}

// describe lists a snapshot's collections.
func describe(ctx context.Context, r *repo.Repository, s repo.Snapshot) ([]collectionJSON, error) {
	reader := tree.NewReader(r)
	cs, err := reader.Collections(ctx, s.Root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.DisplayID(), err)
	}
	out := []collectionJSON{}
	for _, c := range cs {
		d, err := reader.Description(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s: collection %q: %w", s.DisplayID(), c.Name, err)
		}
		j := collectionJSON{Name: c.Name, Records: c.Top.Count, Dimension: d.Dimension}
		for _, x := range s.Collections {
			if x.Name == c.Name {
				j.Damaged, j.Capture, j.ServerID = x.Damaged, x.Capture, x.ServerID
			}
		}
		out = append(out, j)
	}
	return out, nil
}

// printInfo prints one line for each thing that there is something to say of.
func (s *session) printInfo(i infoJSON) error {
	var t table
	line := func(what, text string) {
		if text != "" {
			t.add(what, text)
		}
	}
	line("snapshot", i.SnapshotID)
	line("identity", i.Identity)
	line("name", i.Name)
	line("time", i.Time.UTC().Format(time.RFC3339Nano))
	line("kind", string(i.Kind))
	line("source", i.Source)
	line("of", i.Server.URL+", tenant "+i.Scope.Tenant+", database "+i.Scope.Database)
	if i.Scope.Collections != nil {
		line("scope", "only "+strings.Join(i.Scope.Collections, ", "))
	}
	line("parent", i.Parent)
	line("copied from", i.CopiedFrom)
	line("capture", captures[i.Capture])
	line("suspect", i.Suspect)
	line("accepted", noted(i.Accepted, i.AcceptedBy))
	if i.Held {
		line("held", withReason("yes", i.HeldWhy))
	}
	for _, k := range slices.Sorted(maps.Keys(i.Tags)) {
		line("tag", k+"="+i.Tags[k])
	}
	line("records", fmt.Sprint(i.Records))
	line("read", size(i.BytesRead))
	line("stored", size(i.BytesStored))
	line("took", (time.Duration(i.Duration) * time.Millisecond).String())
	line("by", i.User+" on "+i.Host)
	line("command", i.Command)
	line("verified", noted(i.Verified, i.VerifiedHow))
	line("restored", noted(i.Restored, i.RestoredWhere))
	line("unreadable", strings.Join(i.Unreadable, ", "))
	if err := t.write(s.out); err != nil {
		return err
	}
	if err := s.print(""); err != nil {
		return err
	}
	if err := s.printCollections(i.Collections); err != nil || len(i.DamagedRecords) == 0 {
		return err
	}
	if err := s.print("\n%s in Chroma when it was read:", plural(i.Damaged, "damaged record")); err != nil {
		return err
	}
	damaged := table{}
	for _, d := range i.DamagedRecords {
		damaged.add(d.Collection, d.ID, d.Reason)
	}
	return damaged.write(s.out)
}

func (s *session) printCollections(cs []collectionJSON) error {
	t := heading("COLLECTION", "RECORDS", "DIMENSION", "CAPTURE")
	for _, c := range cs {
		t.add(c.Name, c.Records, c.Dimension, c.Capture)
	}
	return t.write(s.out)
}

func noted(at *time.Time, what string) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339) + "  " + what
}

var captures = map[repo.Capture]string{
	repo.CaptureStill:     "still (two reads agree)",
	repo.CaptureIDsStable: "ids-stable (no record came or went meanwhile)",
	repo.CaptureMoving:    "moving (something came or went meanwhile; each record that stayed is there once)",
}
