package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func listCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "list snapshots, the newest last",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "source", Usage: "only of this source"}},
		Action: p.action(list),
	}
}

// listedJSON is a snapshot in a list.
type listedJSON struct {
	SnapshotID  string            `json:"snapshot_id"`
	Identity    string            `json:"identity"`
	Name        string            `json:"name"`
	Time        time.Time         `json:"time"`
	Kind        repo.SnapshotKind `json:"kind"`
	Source      string            `json:"source"`
	Scope       repo.Scope        `json:"scope"`
	Capture     repo.Capture      `json:"capture"`
	Suspect     string            `json:"suspect,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Collections []collectionJSON  `json:"collections"`
	Records     int64             `json:"records"`
	Damaged     int64             `json:"damaged"`
	BytesStored int64             `json:"bytes_stored"`
	Verified    *time.Time        `json:"verified,omitempty"`
	Restored    *time.Time        `json:"restored,omitempty"`
}

func listed(s repo.Snapshot, n repo.Notes) listedJSON {
	l := listedJSON{
		SnapshotID: s.DisplayID(), Identity: s.ID.String(), Name: s.Name, Time: s.Time, Kind: s.Kind, Source: s.Source, Scope: s.Scope,
		Capture: s.Capture, Suspect: n.Suspect(s), Tags: n.Tags(s), Collections: []collectionJSON{}, Records: s.Root.Records,
		Damaged: s.Damage.Total, BytesStored: s.Stats.BytesStored,
	}
	for _, c := range s.Collections {
		l.Collections = append(l.Collections, collectionJSON{c.Name, c.Records, 0, c.Damaged, c.Capture, c.ServerID})
	}
	for key, at := range map[string]**time.Time{repo.KeyVerified: &l.Verified, repo.KeyRestored: &l.Restored} {
		if a, ok := n[key]; ok && !a.Removed {
			*at = &a.Time
		}
	}
	return l
}

func list(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		all, err := r.Snapshots(ctx)
		if err != nil {
			return err
		}
		notes, err := r.Annotations(ctx)
		if err != nil {
			return err
		}
		source := s.flags.String("source")
		out := []listedJSON{}
		for _, x := range all {
			if source == "" || x.Source == source {
				out = append(out, listed(x, notes[x.ID]))
			}
		}
		if s.json {
			return s.printJSON(struct {
				Repository string       `json:"repository"`
				Snapshots  []listedJSON `json:"snapshots"`
			}{r.Location(), out})
		}
		return s.printList(out)
	})
}

func (s *session) printList(list []listedJSON) error {
	if s.quiet {
		for _, l := range list {
			if err := s.print("%s", l.SnapshotID); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		s.say("no snapshots yet; take one with: autochrome snapshot create")
		return nil
	}
	sources := map[string]bool{}
	for _, l := range list {
		sources[l.Source] = true
	}
	head := []any{"ID", "TIME (UTC)", "RECORDS", "COLLECTIONS", "CAPTURE", "STORED", "NAME", "REMARKS"}
	if len(sources) > 1 {
		head = append(head, "SOURCE")
	}
	t := heading(head...)
	for _, l := range list {
		row := []any{l.SnapshotID, l.Time.UTC().Format(time.DateTime), l.Records, len(l.Collections), l.Capture, size(l.BytesStored), l.Name, remarks(l)}
		if len(sources) > 1 {
			row = append(row, l.Source)
		}
		t.add(row...)
	}
	return t.write(s.out)
}
