package main

import (
	"bufio"
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/restore"
)

func repairCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "repair", Usage: "make good what autochrome check found",
		Subcommands: []*cli.Command{repairPacksCommand(p), repairSnapshotsCommand(p), {
			Name: "index", Usage: "make the index whole, from what packs say of themselves",
			Description: "Names packs that no good index file names, removes index files that are damaged, and\n" +
				"forgets packs that are not there. Says what it will do before it does it.",
			Flags:  repairFlags(),
			Action: p.action(repairIndex),
		}},
	}
}

func repairFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "say what would be done, and change nothing"},
		&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
	}
}

// mayRepair demands that somebody can agree to a repair.
func (s *session) mayRepair() error {
	if !s.flags.Bool("dry-run") && !s.flags.Bool("yes") && (!s.inTerminal || s.json) {
		return usage("--yes, or --dry-run to see what it would do", "there is no terminal to ask whether the repository may be changed")
	}
	return nil
}

// agreed asks about a plan that was printed: restore.ErrDeclined where it is not
// to be carried out.
func (s *session) agreed(ctx context.Context, question string) error {
	switch {
	case s.flags.Bool("dry-run"):
		return restore.ErrDeclined
	case s.flags.Bool("yes"):
		return nil
	}
	ok, err := s.ask(ctx, bufio.NewReader(s.in), question)
	if err == nil && !ok {
		err = restore.ErrDeclined
	}
	return err
}

// repairing carries out a repair of the repository and leaves an entry about it,
// unless it is a dry run.
func (s *session) repairing(ctx context.Context, r *repo.Repository, fn func(e *repo.AuditEntry) error) error {
	if s.flags.Bool("dry-run") {
		return fn(new(repo.AuditEntry))
	}
	return s.audited(ctx, r, "repair", fn)
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
	if err := s.mayRepair(); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		return s.repairing(ctx, r, func(e *repo.AuditEntry) error { return s.repairedIndex(ctx, r, e) })
	})
}

func (s *session) repairedIndex(ctx context.Context, r *repo.Repository, e *repo.AuditEntry) error {
	x, err := r.RepairIndex(ctx, func(x repo.IndexRepair) error {
		if !s.json {
			if err := s.printIndexRepair(x); err != nil {
				return err
			}
		}
		if x.Empty() {
			return nil
		}
		return s.agreed(ctx, "Change the index so?")
	})
	e.Counts = map[string]int64{"packs": int64(x.Add.Packs), "index_files_removed": int64(len(x.Remove)), "packs_forgotten": int64(len(x.Missing))}
	if err := s.repairEnds(err, repairedJSON{x, s.millis(), s.repairStatus()}); err != nil {
		return err
	}
	if !s.json && !s.flags.Bool("dry-run") && !x.Empty() {
		s.say("the index is whole; autochrome check says whether anything is missing")
	}
	if len(x.Unreadable)+len(x.Missing) > 0 {
		return unfinished("put the files back from a copy, and run it again; autochrome check names what they hold",
			"%s missing, %s that cannot be read", plural(len(x.Missing), "pack"), plural(len(x.Unreadable), "pack"))
	}
	return nil
}

func (s *session) repairStatus() string {
	if s.flags.Bool("dry-run") {
		return "planned"
	}
	return "success"
}

// repairEnds prints what a repair came to with --json. A plan that a dry run
// does not carry out is no error.
func (s *session) repairEnds(err error, v any) error {
	if errors.Is(err, restore.ErrDeclined) && s.flags.Bool("dry-run") {
		err = nil
	}
	if err == nil && s.json {
		err = s.printJSON(v)
	}
	return err
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
