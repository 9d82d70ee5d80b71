package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/restore"
	"autochrome/snapshot"
)

func rollbackCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "rollback", Usage: "make the database what it was in a snapshot", ArgsUsage: "ID | --at TIME | --undo | --plan FILE",
		Description: "Takes a snapshot of the live state first, shows what differs, asks, applies the\n" +
			"difference only, and compares record by record. What lies outside the snapshot's\n" +
			"scope is never touched.\n\n" +
			"--at brings back the newest good snapshot of the database from that time or before:\n" +
			"2026-11-23T04:00:00Z, 2026-11-23T04:00 (local time), -2h, -1d12h, \"3 days ago\".\n" +
			"--undo goes back to what was there before the last rollback; twice does it again.\n" +
			"--plan-out writes what would be done into a file, and --plan carries that out, or\n" +
			"refuses to where the database has changed so that it would do something else.\n" +
			"--swap makes each collection that differs anew beside the one that is there, compares\n" +
			"it, and exchanges the names, so that no reader finds it half done. The old one is\n" +
			"dropped; --keep-old keeps it until rollback ID --drop-old.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "the newest good snapshot at or before this time, in place of an ID"},
			&cli.BoolFlag{Name: "undo", Usage: "the state before the last rollback, in place of an ID"},
			&cli.StringSliceFlag{Name: "collections", Aliases: []string{"c"}, Usage: "only these of the snapshot, with commas between"},
			&cli.BoolFlag{Name: "partial", Usage: "not all of the snapshot: with --failed-collections"},
			&cli.StringSliceFlag{Name: "failed-collections", Usage: "the same as --collections"},
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be done; change nothing"},
			&cli.BoolFlag{Name: "records", Aliases: []string{"r"}, Usage: "list the records that are changed, with old and new values, before anything is changed"},
			&cli.StringFlag{Name: "plan-out", Usage: "write the plan into this new file, for review; change nothing"},
			&cli.StringFlag{Name: "plan", Usage: "carry out the plan in this file, if it would still do the same"},
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask"},
			&cli.BoolFlag{Name: "drop-extra", Usage: "drop the collections that the snapshot does not have"},
			&cli.BoolFlag{Name: "skip-unwritable", Usage: "go on without what the server cannot hold, and exit with 3"},
			&cli.StringFlag{Name: "source", Usage: "of which source the snapshot is, where it is not that of the live database"},
			&cli.BoolFlag{Name: "strict", Usage: "stop where somebody is still writing, instead of keeping what is overwritten"},
			&cli.BoolFlag{Name: "swap", Usage: "make what differs anew beside what is there, compare, then exchange the names"},
			&cli.BoolFlag{Name: "keep-old", Usage: "with --swap: keep the old collections under other names"},
			&cli.BoolFlag{Name: "rebuild", Usage: "with --swap: also collections that are as in the snapshot, to build their index anew"},
			&cli.BoolFlag{Name: "drop-old", Usage: "drop what --swap --keep-old has kept when it went back to ID; nothing else is done"},
			reportFlag(),
			queriesFlag(),
		}, append(partFlags(), tellFlags()...)...),
		Action: p.action(rollback),
	}
}

func rollback(ctx context.Context, s *session) error {
	if s.flags.IsSet("plan-out") { // making a plan changes nothing
		if err := s.flags.Set("dry-run", "true"); err != nil {
			return err
		}
	}
	if err := errors.Join(s.checkPlanOut(), s.checkSwap()); err != nil {
		return err
	}
	a, err := s.asked()
	if err != nil {
		return err
	}
	dry := s.flags.Bool("dry-run")
	if !dry && !s.flags.Bool("yes") && !s.inTerminal {
		return usage("use --yes to go on without a question, or --dry-run to see the plan", "there is no terminal to ask whether the database may be changed")
	}
	if dry { // it leaves nothing behind, and nobody is told
		return s.withRepository(ctx, func(r *repo.Repository) error { return s.rollback(ctx, r, a, &repo.AuditEntry{}) })
	}
	return s.around(ctx, "rollback", func() error {
		return s.withRepository(ctx, func(r *repo.Repository) error {
			return s.audited(ctx, r, "rollback", func(e *repo.AuditEntry) error { return s.rollback(ctx, r, a, e) })
		})
	})
}

func (s *session) rollback(ctx context.Context, r *repo.Repository, a asked, e *repo.AuditEntry) (err error) {
	queries, err := s.queries(a.IDs != nil || a.only != nil || a.where != nil)
	if err != nil {
		return err
	}
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
	t, err := s.openChroma(ctx)
	if err != nil {
		return err
	}
	at = &ofTarget{t.URL(), t.Tenant(), t.Database()}
	if err := a.ofHere(r, t); err != nil {
		return err
	}
	snap, err := s.findWanted(ctx, r, t, a.to)
	if err != nil {
		return err
	}
	if err := a.ofSnapshot(snap); err != nil {
		return err
	}
	e.Snapshot = &snap.ID
	s.about(snap)
	if err := s.tellOfRuns(ctx, r, snap.Source); err != nil {
		return err
	}
	bar := newProgress(s.console)
	list := s.planRecords(bar)
	var does []restore.Sealed
	do := restore.Rollback
	if s.flags.Bool("drop-old") {
		do = restore.DropOld
	}
	rep, err = do(ctx, r, t, snap, restore.Options{
		Collections: a.Collections, DryRun: s.flags.Bool("dry-run"), DropExtra: a.DropExtra,
		IDs: a.IDs, Only: a.only, Where: a.where, Sealed: s.sealed(a, &does), Strict: s.flags.Bool("strict"),
		Swap: s.flags.Bool("swap"), KeepOld: s.flags.Bool("keep-old"), Anew: s.flags.Bool("rebuild"),
		Queries: queries,
		Records: list.record, Differing: file.differing(),
		Confirm: func(p *restore.Plan) (bool, bool, error) {
			bar.end()
			if err := list.end(); err != nil {
				return false, false, err
			}
			return s.confirm(ctx, snap, p)
		},
		Snapshot: snapshot.Options{Command: s.command, Version: build().Version},
		Reading:  bar.reading, Progress: bar.restoring,
	})
	bar.end()
	err = errors.Join(err, list.end())
	e.Counts = counts(rep)
	s.factOfState(rep)
	if err == nil && rep.Compared != nil && !s.flags.Bool("drop-old") {
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
	if s.flags.IsSet("plan-out") {
		return s.writePlan(r, a, rep, does)
	}
	return remains(rep)
}

// afterFailure adds what to do to the error of a rollback that had begun.
func (s *session) afterFailure(rep restore.Report, err error) error {
	if _, hint := explain(err); hint != "" || rep.Written.IsZero() {
		return err
	}
	again := "run it again"
	if s.flags.IsSet("plan") {
		again = "make a new plan with --plan-out"
	}
	again += ": it does what is left"
	if rep.PreRollback == nil { // a restore that wrote over nothing
		return &hintedError{err, again}
	}
	return &hintedError{err, fmt.Sprintf("%s; or go back to the state before it: autochrome rollback %s", again, rep.PreRollback.DisplayID())}
}

// remains says what of the snapshot the database still does not have.
func remains(rep restore.Report) error {
	id := rep.Snapshot.DisplayID()
	switch {
	case rep.Compared == nil:
		return nil // a dry run
	case rep.Compared.Differences > 0:
		hint := "run it again if somebody was writing; see them all: --json"
		if len(rep.Applied.Inexact)+len(rep.Applied.Refused) > 0 {
			hint = "what the server cannot hold is named above; --json has all of it"
		}
		return unfinished(hint, "%s from %s", plural(rep.Compared.Differences, "difference"), id)
	case brokenIndex(rep.Queries) != "":
		return unfinished("the records are right, the server's index is not: restart the server and look again with --check-queries; if that does not help, build it anew: autochrome rollback "+id+" --swap --rebuild --collections NAME",
			"the index of %s", brokenIndex(rep.Queries))
	case stillWritten(rep) != "":
		return unfinished("what was found there is kept in a supplement; restart whoever writes there, and run it again: that drops it, or --drop-old does where it was to be kept",
			"somebody who knows it by its server id is still writing to the old collection %s", stillWritten(rep))
	case len(rep.Kept) > 0:
		return unfinished("drop them with --drop-extra", "kept %s that %s does not have: %s", plural(len(rep.Kept), "collection"), id, join(rep.Kept))
	}
	return nil
}

func counts(rep restore.Report) map[string]int64 {
	if rep.Plan == nil {
		return nil
	}
	a := rep.Applied
	m := map[string]int64{
		"added": int64(a.Added), "updated": int64(a.Updated + a.Replaced), "deleted": int64(a.Deleted),
		"created": int64(len(a.Created)), "renamed": int64(len(a.Renamed)), "dropped": int64(len(a.Dropped)), "kept": int64(len(rep.Kept)), "swapped": int64(len(a.Swapped)),
		"inexact": int64(len(a.Inexact)), "refused": int64(len(a.Refused)),
	}
	if rep.Compared != nil {
		m["compared"], m["differences"] = rep.Compared.Records, int64(rep.Compared.Differences)
	}
	return m
}

// factOfState says where the state before is.
func (s *session) factOfState(rep restore.Report) {
	if rep.PreRollback != nil {
		s.fact("pre_rollback_id", rep.PreRollback.DisplayID())
	}
}

func where(t *chroma.Database, rep restore.Report) string {
	text := fmt.Sprintf("%s, tenant %s, database %s", t.URL(), t.Tenant(), t.Database())
	if n := rep.Compared.Differences; n > 0 {
		text += ", " + plural(n, "difference")
	}
	return text
}
