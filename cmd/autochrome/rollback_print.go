package main

import (
	"fmt"
	"slices"
	"strings"

	"autochrome/chunk"
	"autochrome/restore"
)

// rolledBack is what rollback --json prints.
type rolledBack struct {
	Type          string               `json:"type,omitempty"` // summary, behind the records that --records lists
	SnapshotID    string               `json:"snapshot_id"`
	PreRollbackID *string              `json:"pre_rollback_id"` // null for a dry run, and where a restore wrote over nothing
	Supplements   []string             `json:"supplement_ids"`  // of it, with what others wrote since; the last has all
	Late          int                  `json:"late"`            // records of others that were kept so before they were overwritten
	NamedLate     []restore.Difference `json:"named_late"`
	Unsettled     int                  `json:"unsettled"` // of them those that changed all the time
	DryRun        bool                 `json:"dry_run"`
	Added         int                  `json:"added"` // records; of a dry run those that would be
	Updated       int                  `json:"updated"`
	Deleted       int                  `json:"deleted"`
	Verified      bool                 `json:"verified"`    // compared, and equal
	Compared      int64                `json:"compared"`    // records that were read again
	Differences   int                  `json:"differences"` // that remain
	Named         []restore.Difference `json:"named_differences"`
	Inexact       []chunk.Inexact      `json:"inexact"`
	Refused       []chunk.Refused      `json:"refused"`
	Created       []string             `json:"created"`
	Renamed       []string             `json:"renamed"`
	Dropped       []string             `json:"dropped"`
	Swapped       []string             `json:"swapped"`
	Beside        []restore.Beside     `json:"old_collections"` // of a swap, that are still there
	Kept          []string             `json:"kept"`
	Settled       int                  `json:"settled"` // records that had arrays of deleted ones, which were taken away
	NamedSettled  []restore.Difference `json:"named_settled"`
	Queries       []restore.QueryCheck `json:"queries,omitempty"` // of --check-queries
	Plan          *restore.Plan        `json:"plan"`
	Duration      int64                `json:"duration_ms"`
	Status        string               `json:"status"` // restored, differences, index, kept, planned, failed
}

// printRollback prints what came of a rollback; err is why it ended early.
func (s *session) printRollback(rep restore.Report, err error) error {
	switch {
	case rep.Plan == nil:
		return nil // it did not come to anything
	case s.json:
		return s.printJSON(s.rolledBack(rep, err))
	case err == nil && s.flags.Bool("dry-run"):
		return printPlan(s.out, rep.Snapshot.DisplayID(), rep.Plan, s.flags.Bool("drop-extra"))
	case err != nil:
		if !rep.Written.IsZero() {
			s.say("until then: %s", did(rep.Applied))
			s.sayLate(rep.Late)
			s.sayBeside(rep)
		}
		return nil
	}
	named := table{}
	for _, d := range rep.Compared.Named {
		named.add(printable(d.Collection), printable(d.ID), d.What, printable(strings.Join(d.Fields, ", ")))
	}
	addUnwritable(&named, rep.Applied.Inexact, rep.Applied.Refused)
	if err := named.write(s.out); err != nil {
		return err
	}
	if s.quiet {
		if rep.PreRollback == nil { // a restore that wrote over nothing
			return nil
		}
		return s.print("%s", rep.PreRollback.DisplayID())
	}
	compared := ""
	if c := rep.Compared; c.Records > 0 || c.Differences > 0 { // else all was equal when the plan was made
		equal := "all equal"
		if c.Differences > 0 {
			equal = plural(c.Differences, "difference")
		}
		compared = fmt.Sprintf("; %s compared: %s", plural(c.Records, "record"), equal)
	}
	if err := s.print("%s in %s%s", did(rep.Applied), took(s.begun), compared); err != nil {
		return err
	}
	if n := rep.Compared.Settled; n > 0 {
		s.say("%s had arrays of records that somebody had deleted with their collection; they were taken away", plural(n, "record"))
	}
	if err := s.printQueries(rep.Queries); err != nil {
		return err
	}
	if rep.PreRollback != nil {
		s.say("the state before is %s", rep.PreRollback.DisplayID())
	}
	s.sayLate(rep.Late)
	s.sayBeside(rep)
	return nil
}

// sayLate says what others wrote meanwhile and where it is.
func (s *session) sayLate(late restore.Late) {
	if len(late.Kept) == 0 {
		return
	}
	s.say("somebody was writing meanwhile: %s kept as found, with the state before, in %s",
		plural(late.Records, "record"), late.Kept[len(late.Kept)-1].DisplayID())
	for _, d := range late.Named {
		s.detail("written meanwhile: %s %s %s %s", printable(d.Collection), printable(d.ID), d.What, printable(strings.Join(d.Fields, ", ")))
	}
	if late.Unsettled > 0 {
		s.warn("%s changed each time before it was overwritten: what was written last may not have been kept", plural(late.Unsettled, "record"))
	}
}

func (s *session) rolledBack(rep restore.Report, err error) rolledBack {
	a := rep.Applied
	out := rolledBack{
		SnapshotID: rep.Snapshot.DisplayID(), DryRun: s.flags.Bool("dry-run"),
		Added: a.Added, Updated: a.Updated + a.Replaced, Deleted: a.Deleted, Verified: rep.Verified(),
		Named: []restore.Difference{}, Inexact: orEmpty(a.Inexact), Refused: orEmpty(a.Refused),
		Created: orEmpty(a.Created), Renamed: orEmpty(a.Renamed), Dropped: orEmpty(a.Dropped), Swapped: orEmpty(a.Swapped), Beside: orEmpty(a.Beside), Kept: orEmpty(rep.Kept),
		Plan: rep.Plan, Duration: s.millis(),
		Type: s.summary(), Supplements: []string{}, Late: rep.Late.Records, NamedLate: orEmpty(rep.Late.Named), Unsettled: rep.Late.Unsettled,
		NamedSettled: []restore.Difference{}, Queries: rep.Queries,
	}
	for _, x := range rep.Late.Kept {
		out.Supplements = append(out.Supplements, x.DisplayID())
	}
	if rep.Plan == nil { // it did not come to one
		out.Plan = &restore.Plan{}
	}
	out.Plan.Extra, out.Plan.Collections = orEmpty(out.Plan.Extra), orEmpty(out.Plan.Collections)
	if rep.PreRollback != nil {
		id := rep.PreRollback.DisplayID()
		out.PreRollbackID = &id
	}
	if c := rep.Compared; c != nil {
		out.Compared, out.Differences, out.Named = c.Records, c.Differences, orEmpty(c.Named)
		out.Settled, out.NamedSettled = c.Settled, orEmpty(c.NamedSettled)
	}
	switch {
	case err != nil:
		out.Status = "failed"
	case out.DryRun:
		out.Status = "planned"
		out.Added, out.Updated, out.Deleted = rep.Plan.Totals()
	case out.Differences > 0:
		out.Status = "differences"
	case brokenIndex(rep.Queries) != "":
		out.Status = "index"
	case stillWritten(rep) != "" || len(out.Kept) > 0:
		out.Status = "kept"
	default:
		out.Status = "restored"
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// did says what was done in one line.
func did(a restore.Applied) string {
	var parts []string
	if a.Added+a.Updated+a.Replaced+a.Deleted > 0 {
		parts = append(parts, fmt.Sprintf("%d added, %d updated, %d deleted", a.Added, a.Updated+a.Replaced, a.Deleted))
	}
	for _, x := range []struct {
		what  string
		names []string
	}{{"swapped", a.Swapped}, {"created", a.Created}, {"renamed", a.Renamed}, {"dropped", a.Dropped}} {
		if len(x.names) > 0 {
			parts = append(parts, x.what+" "+join(x.names))
		}
	}
	if len(parts) == 0 {
		return "nothing had to be done"
	}
	return strings.Join(parts, ", ")
}

func join(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	return strings.Join(names, ", ")
}
