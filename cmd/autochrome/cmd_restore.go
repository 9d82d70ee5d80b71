package main

import (
	"context"
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

func restoreCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "bring a snapshot into any database, also of another server", ArgsUsage: "ID|FILE --to URL",
		Description: "Unlike rollback it does not ask where the snapshot is from. --tenant and --database\n" +
			"name the target's; --create makes them where they are missing. A collection that is\n" +
			"there already is never written over without --merge or --replace; what it then held\n" +
			"is recorded first. Other collections are never touched. Run it again after an\n" +
			"interruption: it does what is left. In the place of ID an archive may stand (FILE.tar.gz,\n" +
			"a pipe, or - for standard input): no repository is needed then.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "to", Usage: "address of the Chroma server to restore into"},
			&cli.BoolFlag{Name: "create", Usage: "make the tenant and the database, should they not exist"},
			&cli.StringSliceFlag{Name: "collections", Aliases: []string{"c"}, Usage: "only these of the snapshot, with commas between"},
			&cli.StringSliceFlag{Name: "rename", Usage: "old=new: what a collection is called in the target"},
			&cli.StringFlag{Name: "prefix", Usage: "goes before the names of the collections that --rename does not name"},
			&cli.BoolFlag{Name: "merge", Usage: "write the snapshot's records over those that are there, and keep the others"},
			&cli.BoolFlag{Name: "replace", Usage: "make collections that are there as in the snapshot; records that it does not have are deleted"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be done; change nothing"},
			&cli.BoolFlag{Name: "records", Aliases: []string{"r"}, Usage: "list the records that are changed, with old and new values, before anything is changed"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "skip-unwritable", Usage: "go on without what the server cannot hold, and exit with 3"},
			&cli.BoolFlag{Name: "strict", Usage: "stop where somebody is still writing, instead of keeping what is overwritten"},
			sourceFlag(),
			decryptFlag(),
			reportFlag(),
		}, tellFlags()...),
		Action: p.action(restoreInto),
	}
}

func restoreInto(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	names, err := s.chosenCollections()
	if err != nil {
		return err
	}
	into, err := s.into()
	if err != nil {
		return err
	}
	dry := s.flags.Bool("dry-run")
	if into.Over != restore.OverNothing && !dry && !s.flags.Bool("yes") && !s.inTerminal {
		return usage("use --yes to go on without a question, or --dry-run to see the plan", "there is no terminal to ask whether the database may be changed")
	}
	do := func() error {
		if isExport(args[0]) {
			return s.restoreArchive(ctx, args[0], names, into)
		}
		return s.withRepository(ctx, func(r *repo.Repository) error {
			do := func(e *repo.AuditEntry) error { return s.restore(ctx, r, args[0], names, into, e) }
			if dry {
				return do(&repo.AuditEntry{}) // a dry run leaves nothing behind
			}
			return s.audited(ctx, r, "restore", do)
		})
	}
	if dry {
		return do()
	}
	return s.around(ctx, "restore", do)
}

// into reads the flags that say how the snapshot goes into the target.
func (s *session) into() (into restore.Into, err error) {
	if s.flags.String("to") == "" {
		return into, usage("for example --to http://localhost:8001; into the database that it is from: autochrome rollback", "--to is missing: the address of the server to restore into")
	}
	switch merge, replace := s.flags.Bool("merge"), s.flags.Bool("replace"); {
	case merge && replace:
		return into, usage(helpHint(s.flags.Command.HelpName), "--merge and --replace exclude one another")
	case merge:
		into.Over = restore.OverRecords
	case replace:
		into.Over = restore.OverAll
	}
	into.Names = restore.Names{Prefix: s.flags.String("prefix"), Rename: map[string]string{}}
	pairs, err := split("rename", s.flags.StringSlice("rename"))
	if err != nil {
		return into, err
	}
	for _, pair := range pairs {
		from, to, ok := strings.Cut(pair, "=")
		if !ok || from == "" || to == "" {
			return into, usage("for example --rename docs=docs-restored", "--rename %q is not of the form old=new", pair)
		}
		if _, twice := into.Names.Rename[from]; twice {
			return into, usage("", "--rename gives %q two names", from)
		}
		into.Names.Rename[from] = to
	}
	return into, nil
}

// openTarget opens the database to restore into; missing: it has to be created.
func (s *session) openTarget(ctx context.Context) (t *chroma.Database, missing bool, err error) {
	o, err := chromaOptions(s.flags)
	if err != nil {
		return nil, false, err
	}
	o.URL = s.flags.String("to")
	if s.flags.Bool("create") {
		t, missing, err = chroma.OpenNew(ctx, o)
	} else {
		t, err = chroma.Open(ctx, o)
	}
	switch {
	case err == nil:
		s.detail("Chroma at %v", t)
	case errors.Is(err, chroma.ErrNotFound):
		err = &hintedError{err, "check --tenant and --database, which are the target's; --create makes them"}
	case !errors.As(err, new(*chroma.Error)) && ctx.Err() == nil:
		err = usage("", "--to: %v", err) // nobody was asked
	}
	return t, missing, err
}

func (s *session) restore(ctx context.Context, r *repo.Repository, word string, names []string, into restore.Into, e *repo.AuditEntry) (err error) {
	file, err := s.openReport()
	if err != nil {
		return err
	}
	var rep restore.Report
	var at *ofTarget
	defer func() {
		if endErr := file.end(s.reportOf(rep, at, err, ctx.Err() != nil)); endErr != nil {
			err = errors.Join(err, endErr)
		}
	}()
	snap, err := snapshotNamed(ctx, r, word, s.flags.String("source"))
	if err != nil {
		return err
	}
	e.Snapshot = &snap.ID
	s.about(snap)
	t, missing, err := s.openTarget(ctx)
	if err != nil {
		return err
	}
	at = &ofTarget{t.URL(), t.Tenant(), t.Database()}
	bar := newProgress(s.console)
	list := s.planRecords(bar)
	rep, err = restore.Restore(ctx, r, t, snap, into, restore.Options{
		Collections: names, DryRun: s.flags.Bool("dry-run"), Strict: s.flags.Bool("strict"),
		Records: list.record, Differing: file.differing(),
		Confirm: func(p *restore.Plan) (proceed, _ bool, err error) {
			bar.end()
			if err := list.end(); err != nil {
				return false, false, err
			}
			if proceed, err = s.confirmRestore(ctx, snap, into, p); proceed && missing {
				err = t.Create(ctx)
			}
			return proceed, false, err
		},
		Snapshot: snapshot.Options{Command: s.command, Version: build().Version},
		Reading:  bar.reading, Progress: bar.restoring,
	})
	bar.end()
	err = errors.Join(err, list.end())
	e.Counts = counts(rep)
	s.factOfState(rep)
	if err == nil && rep.Compared != nil {
		s.annotate(ctx, r, repo.Annotation{Snapshot: snap.ID, Key: repo.KeyRestored, Value: where(t, rep)})
	}
	if rep.PreRollback != nil && !wrote(rep, err) {
		s.noteUnused(ctx, r, *rep.PreRollback)
	}
	if printErr := s.printRollback(rep, err); printErr != nil {
		return errors.Join(err, printErr)
	}
	if err != nil {
		return s.afterFailure(rep, err)
	}
	return remains(rep)
}

// confirmRestore asks where something that is there may be written over, and
// where the server cannot hold all of it.
func (s *session) confirmRestore(ctx context.Context, snap repo.Snapshot, into restore.Into, p *restore.Plan) (bool, error) {
	unwritable := p.Needs.Unwritable > 0 && !s.flags.Bool("skip-unwritable")
	if into.Over == restore.OverNothing {
		if !unwritable {
			if s.quiet || s.json {
				return true, nil
			}
			return true, printPlan(s.err, snap.DisplayID(), p, false)
		}
		if !s.inTerminal {
			return false, &unwritableError{p.Needs}
		}
	}
	proceed, _, err := s.confirm(ctx, snap, p)
	return proceed, err
}
