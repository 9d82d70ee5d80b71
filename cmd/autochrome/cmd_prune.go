package main

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func pruneCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "prune", Usage: "free the space of what no snapshot needs",
		Description: "Packs that are not needed are marked, and deleted by a prune after the grace; those\n" +
			"that hold little of what is needed are copied first. It may be interrupted at any\n" +
			"moment, and run beside other commands.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be freed, and change nothing"},
			&cli.StringFlag{Name: "max-unused", Value: "5%", Usage: "how much that is not needed may stay in packs: a share of all, or a size such as 200MB, or unlimited"},
			&cli.StringFlag{Name: "grace", Value: "24h", Usage: "how long after its mark a pack stays; 0 deletes at once, and commands that run meanwhile may fail"},
		},
		Action: p.action(prune),
	}
}

// pruneJSON is what prune --json prints.
type pruneJSON struct {
	repo.PruneReport
	Frees    int64  `json:"frees_bytes"`
	DryRun   bool   `json:"dry_run"`
	Duration int64  `json:"duration_ms"`
	Status   string `json:"status"` // planned, success or failed
}

func prune(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	o := repo.PruneOptions{DryRun: s.flags.Bool("dry-run")}
	var err error
	if o.Grace, err = parseGrace(s.flags.String("grace")); err != nil {
		return err
	}
	if o.MaxUnused, err = parseUnused(s.flags.String("max-unused")); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		if o.DryRun {
			return s.pruned(ctx, r, o, nil)
		}
		return s.audited(ctx, r, "prune", func(e *repo.AuditEntry) error { return s.pruned(ctx, r, o, e) })
	})
}

func (s *session) pruned(ctx context.Context, r *repo.Repository, o repo.PruneOptions, e *repo.AuditEntry) error {
	planned := false
	var printing error
	o.Planned = func(p repo.PrunePlan) {
		planned = true
		if !s.json {
			printing = s.printPrunePlan(p)
		}
	}
	rep, err := r.Prune(ctx, o)
	if e != nil {
		e.Counts = map[string]int64{
			"snapshots": int64(rep.Deleted), "packs_deleted": int64(rep.Swept.Packs), "bytes_deleted": rep.Swept.Bytes,
			"packs_marked": int64(rep.Marked.Packs), "bytes_copied": rep.Copied,
		}
	}
	if s.json && planned {
		j := pruneJSON{rep, rep.Plan.Frees(), o.DryRun, s.millis(), "success"}
		switch {
		case err != nil:
			j.Status = "failed"
		case o.DryRun:
			j.Status = "planned"
		}
		return errors.Join(err, s.printJSON(j))
	}
	if err == nil && !o.DryRun {
		printing = errors.Join(printing, s.printPruned(rep, o.Grace))
	}
	return errors.Join(err, printing)
}

// printPrunePlan prints one line for each thing that there is something to say
// of.
func (s *session) printPrunePlan(p repo.PrunePlan) error {
	var t table
	line := func(what string, bytes int64, text string) {
		if bytes != 0 {
			t.add(what, size(bytes), text)
		}
	}
	packs := func(what string, c repo.PackCount, text string) { line(what, c.Bytes, plural(c.Packs, "pack")+text) }
	packs("stored", p.All, " for "+plural(p.Snapshots, "snapshot"))
	if p.Deleted > 0 {
		t.add("snapshots", p.Deleted, "were deleted: their records go, and cannot be brought back")
	}
	packs("delete", p.Sweep, ", marked before")
	line("rescue", p.Rescue, "of marked packs is needed again: copied first")
	packs("waiting", p.Waiting, ", marked before, whose grace is not over")
	packs("mark", p.Mark, " that nothing needs")
	packs("repack", p.Repack, ", small or with much that nothing needs; "+size(p.Copy)+" of it is copied")
	if p.Seal > 0 {
		t.add("join", p.Seal, "snapshots' records into lists")
	}
	if p.Indexes > 0 {
		t.add("merge", p.Indexes, "index files")
	}
	line("too young", p.Young, "that nothing needs in packs younger than the grace: somebody may be writing")
	line("unused", p.Unused, "that nothing needs stays in packs: see --max-unused")
	line("rows", p.RowWaste, "at least, in chunks that are needed, are rows that no snapshot refers to; they go with the last snapshot that needs the chunk")
	line("frees", p.Frees(), "in the end")
	return t.write(s.out)
}

func (s *session) printPruned(rep repo.PruneReport, grace time.Duration) error {
	if rep.Swept.Packs == 0 && rep.Marked.Packs == 0 && rep.Deleted == 0 && rep.Indexes == 0 && rep.Sealed == 0 {
		return s.print("nothing to do")
	}
	if err := s.print("deleted %s, %s; marked %s, %s", plural(rep.Swept.Packs, "pack"), size(rep.Swept.Bytes),
		plural(rep.Marked.Packs, "pack"), size(rep.Marked.Bytes)); err != nil {
		return err
	}
	if rep.Marked.Packs > 0 && grace >= 0 {
		s.say("what is marked is deleted by the first prune after %s", shownTime(time.Now().Add(grace)))
	}
	return nil
}

// parseGrace reads a duration; 0 is no grace.
func parseGrace(text string) (time.Duration, error) {
	if text == "0" {
		return repo.NoGrace, nil
	}
	d, ok := relative("-" + strings.ToLower(strings.TrimSpace(text)))
	if !ok {
		return 0, usage("for example 24h, 7d, 1d12h or 0", "--grace %q is no duration", text)
	}
	if d == 0 {
		return repo.NoGrace, nil
	}
	return d, nil
}

var sizes = regexp.MustCompile(`^(\d+(?:\.\d+)?) ?([kmgt]?)b?$`)

// parseUnused reads a share, a size (in units of 1,000, as they are printed) or
// unlimited.
func parseUnused(text string) (func(int64) int64, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "unlimited" {
		return func(int64) int64 { return math.MaxInt64 }, nil
	}
	if share, ok := strings.CutSuffix(text, "%"); ok {
		if f, err := strconv.ParseFloat(share, 64); err == nil && f >= 0 && f <= 100 {
			return func(total int64) int64 { return int64(float64(total) * f / 100) }, nil
		}
	}
	if m := sizes.FindStringSubmatch(text); m != nil {
		f, err := strconv.ParseFloat(m[1], 64)
		n := f
		if m[2] != "" {
			n *= math.Pow(1000, float64(1+strings.Index("kmgt", m[2])))
		}
		if err == nil && n < math.MaxInt64 {
			return func(int64) int64 { return int64(n) }, nil
		}
	}
	return nil, usage("for example 5%, 200MB, 0 or unlimited", "--max-unused %q is neither a share nor a size", text)
}
