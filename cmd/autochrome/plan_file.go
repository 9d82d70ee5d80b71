package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"autochrome/chroma"
	"autochrome/repo"
	"autochrome/restore"
)

// maxPlan bounds the bytes of a plan's file: most of it are ids.
const maxPlan = maxIDs + 64<<20

// readPlan reads what --plan-out wrote.
func readPlan(file string) (*restore.PlanFile, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("make one: autochrome rollback ID --plan-out FILE", "--plan %s: there is no such file", file)
	}
	if err != nil {
		return nil, usage("", "--plan: %v", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPlan))
	if err != nil {
		return nil, fmt.Errorf("--plan %s: %w", file, err)
	}
	plan, err := restore.DecodePlanFile(text)
	if err != nil {
		return nil, fmt.Errorf("--plan %s: %w", file, err)
	}
	return &plan, nil
}

// ofHere demands that a plan is of this repository, snapshot and database.
func (a asked) ofHere(r *repo.Repository, t *chroma.Database) error {
	var what, is, here string
	switch p := a.plan; {
	case p == nil:
		return nil
	case p.Repository != r.ID():
		what, is, here = "repository", p.Repository, r.ID()
	case p.Tenant != t.Tenant():
		what, is, here = "tenant", p.Tenant, t.Tenant()
	case p.Database != t.Database():
		what, is, here = "database", p.Database, t.Database()
	default:
		return nil
	}
	return &hintedError{fmt.Errorf("%w: it is of another %s, %s and not %s", restore.ErrPlanFile, what, is, here),
		"name the one that it was made for with --repo, --tenant, --database and --chromadb-url"}
}

// ofSnapshot demands that the snapshot is the one that the plan was made for.
func (a asked) ofSnapshot(snap repo.Snapshot) error {
	if a.plan != nil && (a.plan.Snapshot != snap.ID.String() || a.plan.Source != snap.Source) {
		return fmt.Errorf("%w: %s is not the snapshot that it was made for", restore.ErrPlanFile, snap.DisplayID())
	}
	return nil
}

// sealed keeps what a plan does, or compares it with what was reviewed; nil:
// neither is asked.
func (s *session) sealed(a asked, keep *[]restore.Sealed) func([]restore.Sealed) error {
	switch {
	case a.plan != nil:
		return func(now []restore.Sealed) error { return restore.Drifted(a.plan.Does, now) }
	case s.flags.IsSet("plan-out"):
		return func(now []restore.Sealed) error { *keep = now; return nil }
	}
	return nil
}

// checkPlanOut refuses to write a plan over something else.
func (s *session) checkPlanOut() error {
	if !s.flags.IsSet("plan-out") {
		return nil
	}
	file := s.flags.String("plan-out")
	if file == "" {
		return usage("for example --plan-out plan.json", "--plan-out needs a file")
	}
	if _, err := os.Lstat(file); err == nil {
		return usage("name another, or remove it", "--plan-out %s: there is such a file already", file)
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return usage("", "--plan-out: %v", err)
	}
	return nil
}

// writePlan writes the plan of a dry run for review.
func (s *session) writePlan(r *repo.Repository, a asked, rep restore.Report, does []restore.Sealed) error {
	file := s.flags.String("plan-out")
	p := restore.PlanFile{
		Made: rep.Planned, Repository: r.ID(), Snapshot: rep.Snapshot.ID.String(), SnapshotID: rep.Snapshot.DisplayID(), Source: rep.Snapshot.Source,
		Tenant: rep.Snapshot.Scope.Tenant, Database: rep.Snapshot.Scope.Database, Options: a.PlanOptions, Does: does, Needs: rep.Plan.Needs,
	}
	text, err := p.Encode()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--plan-out: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("--plan-out: %w", err), os.Remove(file))
	}
	s.say("the plan is in %s; nothing was changed. Carry it out with: autochrome rollback --plan %s", file, file)
	return nil
}
