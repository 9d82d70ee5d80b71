package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/chunk"
	"autochrome/repo"
)

func auditLogCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "audit-log", Usage: "list what was done: who, when, what, and what came of it",
		Description: "Entries are never changed. Each names the one before it by its hash, for each user on\n" +
			"each host: all are checked, whatever is listed, and one that was removed or changed is\n" +
			"named, with exit code 3. That the newest entries were removed, no chain can tell.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "only from this time on: 2026-11-23T04:00:00Z, -2d"},
			&cli.StringFlag{Name: "until", Usage: "only up to this time"},
			&cli.StringSliceFlag{Name: "action", Usage: "only these: snapshot, rollback, prune, ...; with commas between"},
			&cli.StringSliceFlag{Name: "user", Usage: "only of these users, NAME or NAME@HOST"},
			&cli.StringSliceFlag{Name: "outcome", Usage: "only these: success, failed, interrupted, declined"},
			&cli.StringFlag{Name: "last", Usage: "only the newest N of these"},
		},
		Action: p.action(auditLog),
	}
}

// auditJSON is a line of audit-log --json about an entry.
type auditJSON struct {
	Type string `json:"type"` // entry
	repo.AuditEntry
	SnapshotID string    `json:"snapshot_id,omitempty"`
	Stored     time.Time `json:"stored"` // by the store's clock
}

// auditProblemJSON is a line about an entry that is missing or not as it was
// written.
type auditProblemJSON struct {
	Type    string `json:"type"` // problem
	File    string `json:"file"`
	Missing bool   `json:"missing"`
	Reason  string `json:"reason"`
}

// auditSummaryJSON is the last line.
type auditSummaryJSON struct {
	Type     string `json:"type"` // summary
	Entries  int    `json:"entries"`
	Listed   int    `json:"listed"`
	Problems int    `json:"problems"`
}

func auditLog(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	wanted, err := s.auditFilter()
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		ids, err := displayIDs(ctx, r)
		if err != nil {
			return err
		}
		all, list, words := 0, []auditJSON{}, auditWords{}
		err = r.AuditEntries(ctx, func(e repo.AuditEntry) error {
			all++
			words.add(e)
			if wanted.has(e) {
				list = append(list, auditJSON{"entry", e, snapshotOf(e, ids), e.Stored})
			}
			return nil
		})
		if err != nil && !errors.Is(err, repo.ErrDamaged) { // the check of the chains names those
			return err
		}
		if wanted.last > 0 {
			list = list[max(0, len(list)-wanted.last):]
		}
		problems, err := r.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		if s.json {
			err = s.printAuditJSON(list, problems, all)
		} else {
			err = s.printAudit(list, problems, all, wanted.unknown(words))
		}
		if err == nil && len(problems) > 0 {
			err = unfinished("somebody removed or changed it, or the disk did; a copy of the repository may have it as it was",
				"the audit log is not as it was written: %s", howManyProblems(problems))
		}
		return err
	})
}

func howManyProblems(list []repo.AuditProblem) string {
	missing := 0
	for _, p := range list {
		if p.Missing {
			missing++
		}
	}
	return fmt.Sprintf("%d missing, %d changed or damaged, the first is %s", missing, len(list)-missing, list[0].File)
}

// displayIDs gives the ids that people know snapshots by.
func displayIDs(ctx context.Context, r *repo.Repository) (map[chunk.ID]string, error) {
	ids := map[chunk.ID]string{}
	for _, read := range []func(context.Context) ([]repo.Snapshot, error){r.Snapshots, r.DeletedSnapshots} {
		list, err := read(ctx)
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			ids[x.ID] = x.DisplayID()
		}
	}
	return ids, nil
}

// snapshotOf names the snapshot of an entry; by its identity where it is gone.
func snapshotOf(e repo.AuditEntry, ids map[chunk.ID]string) string {
	if e.Snapshot == nil {
		return ""
	}
	if id, ok := ids[*e.Snapshot]; ok {
		return id
	}
	return e.Snapshot.String()[:16]
}

func (s *session) printAuditJSON(list []auditJSON, problems []repo.AuditProblem, all int) error {
	for _, e := range list {
		if err := s.printJSON(e); err != nil {
			return err
		}
	}
	for _, p := range problems {
		if err := s.printJSON(auditProblemJSON{"problem", p.File, p.Missing, p.Reason}); err != nil {
			return err
		}
	}
	return s.printJSON(auditSummaryJSON{"summary", all, len(list), len(problems)})
}

func (s *session) printAudit(list []auditJSON, problems []repo.AuditProblem, all int, unknown string) error {
	t := heading("TIME (UTC)", "WHO", "ACTION", "OUTCOME", "TRIGGER", "SNAPSHOT", "TOOK", "COUNTS", "COMMAND")
	t.spare = []string{"TRIGGER", "TOOK", "COUNTS", "SNAPSHOT"}
	for _, e := range list {
		t.add(e.Time.UTC().Format(time.DateTime), e.User+"@"+e.Host, e.Action, e.Outcome, e.Trigger, e.SnapshotID,
			duration(time.Duration(e.Millis)*time.Millisecond), shownCounts(e.Counts), withReason(e.Command, e.Error))
	}
	switch {
	case len(list) > 0:
		if err := t.write(s.out); err != nil {
			return err
		}
	case all > 0:
		s.say("none of %s is such a one", map[bool]string{true: "one entry", false: strconv.Itoa(all) + " entries"}[all == 1])
	default:
		s.say("no entries yet")
	}
	if unknown != "" && all > 0 {
		s.say("%s", printable(unknown))
	}
	for _, p := range problems {
		if err := s.print("not as it was written: %s: %s", printable(p.File), printable(p.Reason)); err != nil {
			return err
		}
	}
	return nil
}

func shownCounts(m map[string]int64) string {
	var words []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] != 0 {
			words = append(words, fmt.Sprintf("%s %d", k, m[k]))
		}
	}
	return strings.Join(words, ", ")
}
