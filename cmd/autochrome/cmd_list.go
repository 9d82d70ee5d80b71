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
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "source", Usage: "only of this source"},
			&cli.StringSliceFlag{Name: "tag", Usage: "only with this tag, k=v or k; of several, all of them"},
			&cli.StringFlag{Name: "last", Usage: "only the newest N of these"},
			&cli.BoolFlag{Name: "deleted", Usage: "those that were deleted and can still be brought back"},
		},
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
	Held        bool              `json:"held,omitempty"`
	HeldWhy     string            `json:"held_why,omitempty"`
	Deleted     *time.Time        `json:"deleted,omitempty"`
	DeletedWhy  string            `json:"deleted_why,omitempty"`
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
		Damaged: s.Damage.Total, BytesStored: s.Cost(),
	}
	for _, c := range s.Collections {
		l.Collections = append(l.Collections, collectionJSON{c.Name, c.Records, 0, c.Damaged, c.Capture, c.ServerID})
	}
	l.HeldWhy, l.Held = n.Held()
	l.DeletedWhy, _ = n.Value(repo.KeyDeleted)
	for key, at := range map[string]**time.Time{repo.KeyVerified: &l.Verified, repo.KeyRestored: &l.Restored, repo.KeyDeleted: &l.Deleted} {
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
	wanted, err := s.listFilter()
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		read := r.Snapshots
		if s.flags.Bool("deleted") {
			read = r.DeletedSnapshots
		}
		all, err := read(ctx)
		if err != nil {
			return err
		}
		notes, err := r.Annotations(ctx)
		if err != nil {
			return err
		}
		out := []listedJSON{}
		for _, x := range all {
			if l := listed(x, notes[x.ID]); wanted.has(l) {
				out = append(out, l)
			}
		}
		if n := wanted.last; n > 0 {
			out = out[max(0, len(out)-n):]
		}
		if s.json {
			return s.printJSON(struct {
				Repository string       `json:"repository"`
				Snapshots  []listedJSON `json:"snapshots"`
			}{r.Location(), out})
		}
		return s.printList(out, len(all))
	})
}

// listFilter says which snapshots to list.
type listFilter struct {
	source string
	tags   []repo.TagRule
	last   int // 0: all
}

func (s *session) listFilter() (f listFilter, err error) {
	f.source = s.flags.String("source")
	for _, text := range s.flags.StringSlice("tag") {
		rule, err := tagRule("--tag", text)
		if err != nil {
			return f, err
		}
		f.tags = append(f.tags, rule)
	}
	f.last, err = s.lastFlag("snapshots")
	return f, err
}

func (f listFilter) has(l listedJSON) bool {
	for _, t := range f.tags {
		if !t.In(l.Tags) {
			return false
		}
	}
	return f.source == "" || l.Source == f.source
}

// printList prints those of n snapshots that were asked for.
func (s *session) printList(list []listedJSON, n int) error {
	if s.quiet {
		for _, l := range list {
			if err := s.print("%s", l.SnapshotID); err != nil {
				return err
			}
		}
		return nil
	}
	switch {
	case len(list) > 0:
	case s.flags.Bool("deleted") && n == 0:
		s.say("no deleted snapshot is left")
		return nil
	case n > 0:
		s.say("none of %s is such a one", plural(n, "snapshot"))
		return nil
	default:
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
	t.spare = []string{"COLLECTIONS", "CAPTURE", "STORED", "RECORDS"}
	for _, l := range list {
		row := []any{l.SnapshotID, l.Time.UTC().Format(time.DateTime), l.Records, len(l.Collections), l.Capture, size(l.BytesStored), l.Name, remarks(l)}
		if len(sources) > 1 {
			row = append(row, l.Source)
		}
		t.add(row...)
	}
	return t.write(s.out)
}
