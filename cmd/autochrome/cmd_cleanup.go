package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func cleanupCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "cleanup", Aliases: []string{"forget"}, Usage: "delete snapshots that no rule keeps",
		Description: "Each rule keeps some snapshots of each source and scope; what any of them keeps stays.\n" +
			"Without rules what is younger than " + retentionDays + " days is kept. Variables set the rules for all\n" +
			"commands and for the cleanup after each snapshot create: RETENTION_DAYS,\n" +
			"AUTOCHROME_KEEP_LAST, …_KEEP_DAILY and so on. Always kept: what is held, the last good\n" +
			"one of each source, the state before its last rollback, base and last point of a\n" +
			"migration run that has not ended. Days, weeks and so on are those of UTC.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "only say what would be kept, why, and what deleted"},
		}, retentionFlags()...),
		Action: p.action(cleanup),
	}
}

func cleanup(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	policy, typed, err := s.policy()
	if err != nil {
		return err
	}
	o := repo.CleanupOptions{Policy: policy, DryRun: s.flags.Bool("dry-run")}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		clean := func(e *repo.AuditEntry) error {
			c, err := r.CleanUp(ctx, o)
			e.Counts = map[string]int64{"kept": int64(len(c.Decisions) - len(c.Removed)), "removed": int64(len(c.Removed))}
			if err != nil {
				return err
			}
			return s.printCleanup(r, c, o)
		}
		if o.DryRun {
			return clean(&repo.AuditEntry{})
		}
		err := s.audited(ctx, r, "cleanup", clean)
		// Who keeps more by hand than the next snapshot create does should know.
		if auto, e := s.autoCleanup(); err == nil && typed && auto && e == nil && !s.json {
			s.say("the cleanup after each snapshot create has rules of its own: RETENTION_DAYS, AUTOCHROME_KEEP_LAST and so on; AUTO_CLEANUP=false turns it off")
		}
		return err
	})
}

// decidedJSON is a snapshot in the result of a cleanup.
type decidedJSON struct {
	SnapshotID string            `json:"snapshot_id"`
	Name       string            `json:"name"`
	Time       time.Time         `json:"time"`
	Kind       repo.SnapshotKind `json:"kind"`
	Source     string            `json:"source"`
	Reasons    []string          `json:"reasons,omitempty"` // why it is kept
}

func (s *session) printCleanup(r *repo.Repository, c repo.Cleanup, o repo.CleanupOptions) error {
	kept, removed := []decidedJSON{}, []decidedJSON{}
	sources := map[string]bool{}
	for _, d := range c.Decisions {
		x := d.Snapshot
		j := decidedJSON{x.DisplayID(), x.Name, x.Time, x.Kind, x.Source, d.Reasons}
		sources[x.Source] = true
		if d.Kept() {
			kept = append(kept, j)
		} else {
			removed = append(removed, j)
		}
	}
	if s.json {
		return s.printJSON(struct {
			Repository string        `json:"repository"`
			DryRun     bool          `json:"dry_run"`
			Rules      []string      `json:"rules"`
			Kept       []decidedJSON `json:"kept"`
			Removed    []decidedJSON `json:"removed"`
		}{r.Location(), o.DryRun, rules(o.Policy), kept, removed})
	}
	if s.quiet {
		for _, j := range removed {
			if err := s.print("%s", j.SnapshotID); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.print("keep %s", strings.Join(rules(o.Policy), ", ")); err != nil {
		return err
	}
	for _, part := range []struct {
		verb string
		list []decidedJSON
	}{{"kept", kept}, {"deleted", removed}} {
		if len(part.list) == 0 {
			continue
		}
		verb := part.verb
		if o.DryRun {
			verb = "would be " + verb
		}
		if err := s.print("\n%s %s:", plural(len(part.list), "snapshot"), verb); err != nil {
			return err
		}
		if err := s.printDecided(part.list, len(sources) > 1); err != nil {
			return err
		}
	}
	if len(removed) > 0 && !o.DryRun {
		s.say("until prune removes it, a snapshot can be brought back: autochrome snapshot delete --undo ID")
	}
	return nil
}

func (s *session) printDecided(list []decidedJSON, sources bool) error {
	head := []any{"ID", "TIME (UTC)", "NAME", "REASONS"}
	if sources {
		head = append(head, "SOURCE")
	}
	t := heading(head...)
	for _, j := range list {
		row := []any{j.SnapshotID, j.Time.UTC().Format(time.DateTime), j.Name, strings.Join(j.Reasons, ", ")}
		if sources {
			row = append(row, j.Source)
		}
		t.add(row...)
	}
	return t.write(s.out)
}

// rules says a policy in words.
func rules(p repo.Policy) (words []string) {
	if p.Age > 0 {
		words = append(words, "what is younger than "+plural(int64(p.Age/(24*time.Hour)), "day"))
	}
	for _, r := range counted {
		switch n := *r.of(&p); {
		case n == repo.Unlimited:
			words = append(words, strings.TrimPrefix(r.name, "keep-")+" unlimited")
		case n > 0:
			words = append(words, fmt.Sprintf("%s %d", strings.TrimPrefix(r.name, "keep-"), n))
		}
	}
	if !p.Within.IsZero() {
		words = append(words, "within "+p.Within.String())
	}
	for _, t := range p.Tags {
		words = append(words, "tag "+t.String())
	}
	return words
}

// cleanUpAfter cleans up after a snapshot was taken. The snapshot stands: what
// goes wrong is a warning.
func (s *session) cleanUpAfter(ctx context.Context, r *repo.Repository, policy repo.Policy, budget time.Duration) {
	if err := s.cleanUp(ctx, r, policy, budget); err != nil {
		message, _ := explain(err)
		if ctx.Err() != nil {
			message = "interrupted"
		}
		s.warn("the snapshot is taken, but older ones are not cleaned up: %s", printable(message))
	}
}

// cleanUp deletes what no rule keeps, and frees space that is due for at most so
// long. Where there is nothing to do it leaves no audit entry.
func (s *session) cleanUp(ctx context.Context, r *repo.Repository, policy repo.Policy, budget time.Duration) error {
	c, err := r.CleanUp(ctx, repo.CleanupOptions{Policy: policy})
	due := false
	if err == nil && budget > 0 {
		due, err = r.PruneDue(ctx)
	}
	n := len(c.Removed)
	if cleaned := err; n > 0 || due {
		err = s.audited(ctx, r, "cleanup", func(e *repo.AuditEntry) error {
			e.Trigger = "automatic"
			e.Counts = map[string]int64{"kept": int64(len(c.Decisions) - n), "removed": int64(n)}
			if !due {
				return cleaned
			}
			return s.pruneAfter(ctx, r, budget, e)
		})
	}
	if n > 0 && !s.json {
		s.say("deleted %s that no rule keeps (%s); see them: autochrome snapshot list --deleted", plural(n, "snapshot"), strings.Join(rules(policy), ", "))
	}
	return err
}

// pruneAfter frees space for at most so long; the next one goes on.
func (s *session) pruneAfter(ctx context.Context, r *repo.Repository, budget time.Duration, e *repo.AuditEntry) error {
	within, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	rep, err := r.Prune(within, repo.PruneOptions{Budget: budget})
	e.Counts["snapshots"], e.Counts["packs_deleted"], e.Counts["bytes_deleted"] = int64(rep.Deleted), int64(rep.Swept.Packs), rep.Swept.Bytes
	e.Counts["packs_marked"], e.Counts["bytes_copied"] = int64(rep.Marked.Packs), rep.Copied
	if rep.Swept.Packs > 0 && !s.json {
		s.say("freed %s", size(rep.Swept.Bytes))
	}
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("space is not freed within %v; give it more with --cleanup-time, or run: autochrome prune", budget)
	}
	return err
}

// afterwards gives what is to be done when a snapshot was taken. Settings that
// are wrong are refused before.
func (s *session) afterwards(ctx context.Context) (func(r *repo.Repository), error) {
	auto, policy, budget, err := s.cleanupSettings()
	if err != nil || !auto {
		return func(*repo.Repository) {}, err
	}
	return func(r *repo.Repository) { s.cleanUpAfter(ctx, r, policy, budget) }, nil
}

// cleanupSettings say whether to clean up after a snapshot, and how.
func (s *session) cleanupSettings() (auto bool, policy repo.Policy, budget time.Duration, err error) {
	budget = s.flags.Duration("cleanup-time")
	if budget < 0 {
		return false, policy, 0, usage("for example --cleanup-time 5m; 0 frees nothing", "--cleanup-time %v is negative", budget)
	}
	if auto, err = s.autoCleanup(); err != nil || !auto {
		return false, policy, budget, err
	}
	policy, _, err = s.policy()
	return auto, policy, budget, err
}
