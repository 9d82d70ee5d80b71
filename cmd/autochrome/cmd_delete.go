package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
)

func deleteCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "delete", Aliases: []string{"rm"}, Usage: "delete snapshots", ArgsUsage: "ID...",
		Description: "They are gone from lists at once. Until prune removes what only they needed,\n" +
			"--undo brings them back: see snapshot list --deleted.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "force", Usage: "also those that are held, and the last good one of a source"},
			&cli.BoolFlag{Name: "undo", Usage: "bring back what was deleted"},
			sourceFlag(),
		},
		Action: p.action(deleteSnapshots),
	}
}

func deleteSnapshots(ctx context.Context, s *session) error {
	words := s.flags.Args().Slice()
	undo := s.flags.Bool("undo")
	switch {
	case len(words) == 0 && undo:
		return usage("see: autochrome snapshot list --deleted", "%s --undo needs: ID", s.flags.Command.HelpName)
	case len(words) == 0:
		return usage("see: autochrome snapshot list", "%s needs: ID", s.flags.Command.HelpName)
	case !undo && !s.flags.Bool("yes") && !s.inTerminal:
		return usage("use --yes to go on without a question", "there is no terminal to ask whether snapshots may be deleted")
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		find := s.find
		if undo {
			find = s.findDeleted
		}
		var list []repo.Snapshot
		seen := map[chunk.ID]bool{}
		for _, word := range words {
			x, err := find(ctx, r, word)
			if err != nil {
				return err
			}
			if !seen[x.ID] {
				seen[x.ID] = true
				list = append(list, x)
			}
		}
		if undo {
			return s.eachSnapshot(ctx, r, list, "undelete", "brought back", r.Undelete)
		}
		if err := s.confirmDelete(ctx, r, list, seen); err != nil {
			return err
		}
		return s.eachSnapshot(ctx, r, list, "delete", "deleted", func(ctx context.Context, x repo.Snapshot) error {
			return r.Delete(ctx, x, "by hand")
		})
	})
}

func (s *session) findDeleted(ctx context.Context, r *repo.Repository, word string) (repo.Snapshot, error) {
	return r.FindDeleted(ctx, word, s.flags.String("source"))
}

// confirmDelete refuses what must not go, and asks about the rest.
func (s *session) confirmDelete(ctx context.Context, r *repo.Repository, list []repo.Snapshot, set map[chunk.ID]bool) error {
	notes, err := r.Annotations(ctx)
	if err != nil {
		return err
	}
	if !s.flags.Bool("force") {
		for _, x := range list {
			if why, held := notes[x.ID].Held(); held {
				return &hintedError{fmt.Errorf("%s is %s", called(x), withReason("held", why)),
					"release it with: autochrome snapshot hold --release " + x.DisplayID() + "; or use --force"}
			}
		}
		all, err := r.Snapshots(ctx)
		if err != nil {
			return err
		}
		if last := repo.Irreplaceable(all, notes, set); len(last) > 0 {
			return &hintedError{fmt.Errorf("%s is the last good snapshot of source %q", called(last[0]), last[0].Source),
				"take a new one first; or use --force"}
		}
	}
	if s.flags.Bool("yes") {
		return nil
	}
	t := heading("ID", "TIME (UTC)", "RECORDS", "COLLECTIONS", "NAME", "REMARKS")
	for _, x := range list {
		l := listed(x, notes[x.ID])
		t.add(l.SnapshotID, x.Time.UTC().Format("2006-01-02 15:04:05"), l.Records, len(l.Collections), l.Name, remarks(l))
	}
	if err := t.write(s.err); err != nil {
		return err
	}
	yes, err := s.ask(ctx, bufio.NewReader(s.in), "Delete "+plural(len(list), "snapshot")+"?")
	if err == nil && !yes {
		err = &hintedError{errNotConfirmed, "nothing was deleted; --yes goes on without a question"}
	}
	return err
}

// eachSnapshot does something to snapshots, with an audit entry for each.
func (s *session) eachSnapshot(ctx context.Context, r *repo.Repository, list []repo.Snapshot, action, done string, do func(context.Context, repo.Snapshot) error) error {
	var ids []string
	for _, x := range list {
		err := s.audited(ctx, r, action, func(e *repo.AuditEntry) error {
			e.Snapshot = &x.ID
			return do(ctx, x)
		})
		if err != nil {
			return err
		}
		ids = append(ids, x.DisplayID())
		switch {
		case s.json:
		case s.quiet:
			err = s.print("%s", x.DisplayID())
		default:
			err = s.print("%s %s", done, called(x))
		}
		if err != nil {
			return err
		}
	}
	if s.json {
		return s.printJSON(struct {
			Action    string   `json:"action"`
			Snapshots []string `json:"snapshots"`
		}{action, ids})
	}
	return nil
}

var errNotConfirmed = errors.New("not confirmed")
