package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func checkCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "look for damage in the whole repository",
		Description: "Looks at every file, and at the trees of all snapshots: every chunk that one needs is\n" +
			"named by an index and lies inside a pack that is there. --read-data also reads packs\n" +
			"to the last byte: all, or a share. Damage is named with the snapshots, collections\n" +
			"and records that it touches.",
		Flags:  []cli.Flag{shareFlag()},
		Action: p.action(check),
	}
}

// checkAction is what audit entries of check say, and readTo the count in them
// that tells where the next share begins.
const (
	checkAction = "check"
	readTo      = "read_to"
)

// checkedJSON is the last object that check --json prints; see findingJSON and
// lostJSON for those before.
type checkedJSON struct {
	Type string `json:"type"` // summary
	repo.Checked
	Touched  int    `json:"damaged_snapshots"`
	Duration int64  `json:"duration_ms"`
	Status   string `json:"status"` // ok or damaged
}

func check(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	share, err := parseShare(s.flags)
	if err != nil {
		return err
	}
	err = s.withRepository(ctx, func(r *repo.Repository) error {
		if share.Bytes != nil {
			if share.After, err = lastRead(ctx, r); err != nil {
				return err
			}
		}
		return s.checked(ctx, r, share)
	})
	if d := new(repo.DamagedFileError); errors.As(err, &d) && !errors.As(err, new(*unfinishedError)) {
		return unfinished("put the file back from a copy; nothing can be read without it", "%v", err)
	}
	return err
}

func (s *session) checked(ctx context.Context, r *repo.Repository, share repo.ReadShare) error {
	rep := &checkReport{session: s, ranges: map[lostRange]*touches{}}
	bar := newProgress(s.console)
	defer bar.end()
	c, err := r.Check(ctx, repo.CheckOptions{
		Read:     share,
		Found:    rep.found,
		Progress: func(done, all int) { bar.show("check packs", done, all) },
	})
	bar.end()
	if err == nil {
		err = rep.snapshots(ctx, r, c, bar)
	}
	bar.end()
	if err = errors.Join(err, rep.failed); err != nil {
		return err
	}
	if share.Bytes != nil {
		s.noteRead(ctx, r, c)
	}
	return rep.finish(c)
}

// lastRead gives where the last check that read a share ended.
func lastRead(ctx context.Context, r *repo.Repository) (to uint64, err error) {
	err = r.AuditEntries(ctx, func(e repo.AuditEntry) error {
		if n, ok := e.Counts[readTo]; ok && e.Action == checkAction && n >= 0 {
			to = uint64(n)
		}
		return nil
	})
	if errors.Is(err, repo.ErrDamaged) {
		return to, nil // the check names it
	}
	return to, err
}

// noteRead leaves an entry that says which share was read. A repository that
// cannot be written is checked all the same.
func (s *session) noteRead(ctx context.Context, r *repo.Repository, c repo.Checked) {
	err := r.Audit(ctx, repo.AuditEntry{
		Time: s.begun, Command: s.command, Trigger: "manual", Action: checkAction, Outcome: "success", Millis: s.millis(),
		Counts: map[string]int64{"packs": int64(c.Read.Packs), "bytes": c.Read.Bytes, "damaged_files": int64(c.Damaged), readTo: int64(c.ReadTo)},
	})
	if err != nil {
		s.warn("it cannot be noted which share was read, so the next check reads the same one: %v", err)
	}
}
