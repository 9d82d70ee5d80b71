package main

import (
	"bufio"
	"context"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/restore"
)

func repairCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "repair", Usage: "make good what autochrome check found",
		Subcommands: []*cli.Command{{
			Name: "index", Usage: "make the index whole, from what packs say of themselves",
			Description: "Names packs that no good index file names, removes index files that are damaged, and\n" +
				"forgets packs that are not there. Says what it will do before it does it.",
			Flags: []cli.Flag{
				&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done, and change nothing"},
				&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			},
			Action: p.action(repairIndex),
		}},
	}
}

// repairedJSON is what repair index --json prints.
type repairedJSON struct {
	repo.IndexRepair
	Duration int64  `json:"duration_ms"`
	Status   string `json:"status"` // planned or success
}

func repairIndex(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	dry, yes := s.flags.Bool("dry-run"), s.flags.Bool("yes")
	if !dry && !yes && (!s.inTerminal || s.json) {
		return usage("--yes, or --dry-run to see what it would do", "there is no terminal to ask whether the index may be changed")
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		if dry {
			return s.repairedIndex(ctx, r, true, nil)
		}
		return s.audited(ctx, r, "repair", func(e *repo.AuditEntry) error { return s.repairedIndex(ctx, r, yes, e) })
	})
}

// repairedIndex repairs; without an entry it only says what it would do.
func (s *session) repairedIndex(ctx context.Context, r *repo.Repository, yes bool, e *repo.AuditEntry) error {
	x, err := r.RepairIndex(ctx, func(x repo.IndexRepair) error {
		if !s.json {
			if err := s.printIndexRepair(x); err != nil {
				return err
			}
		}
		if e == nil {
			return restore.ErrDeclined
		}
		if yes || x.Empty() {
			return nil
		}
		ok, err := s.ask(ctx, bufio.NewReader(s.in), "Change the index so?")
		if err == nil && !ok {
			err = restore.ErrDeclined
		}
		return err
	})
	j := repairedJSON{x, s.millis(), "success"}
	if e == nil {
		j.Status = "planned"
		if err == restore.ErrDeclined {
			err = nil
		}
	} else {
		e.Counts = map[string]int64{"packs": int64(x.Add.Packs), "index_files_removed": int64(len(x.Remove)), "packs_forgotten": int64(len(x.Missing))}
	}
	if err != nil {
		return err
	}
	if s.json {
		if err := s.printJSON(j); err != nil {
			return err
		}
	} else if e != nil && !x.Empty() {
		s.say("the index is whole; autochrome check says whether anything is missing")
	}
	if len(x.Unreadable)+len(x.Missing) > 0 {
		return unfinished("put the files back from a copy, and run it again; autochrome check names what they hold",
			"%s missing, %s that cannot be read", plural(len(x.Missing), "pack"), plural(len(x.Unreadable), "pack"))
	}
	return nil
}

func (s *session) printIndexRepair(x repo.IndexRepair) error {
	if x.Empty() && len(x.Unreadable) == 0 {
		return s.print("the index is whole")
	}
	var t table
	for _, name := range x.Remove {
		t.add("remove", name, "damaged")
	}
	if x.Add.Packs > 0 {
		t.add("add", plural(x.Add.Packs, "pack"), size(x.Add.Bytes)+", "+plural(x.Chunks, "chunk"))
	}
	for _, name := range x.Missing {
		t.add("forget", name, "it is not there")
	}
	for _, name := range x.Unreadable {
		t.add("unreadable", name, "its directory is damaged: what it holds stays lost")
	}
	return t.write(s.out)
}
