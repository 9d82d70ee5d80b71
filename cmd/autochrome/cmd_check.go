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

// checkedJSON is the last object that check --json prints; see findingJSON, lostJSON
// and lostSnapshot for those before.
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
	return s.checkRepository(ctx, func(r *repo.Repository) error {
		c, err := s.checked(ctx, r, share)
		if share.Bytes != nil && (err == nil || errors.As(err, new(*unfinishedError))) {
			s.noteRead(ctx, r, c)
		}
		return err
	})
}

// checkRepository opens the repository for a check, in which damage is a result.
func (s *session) checkRepository(ctx context.Context, fn func(*repo.Repository) error) error {
	err := s.withRepository(ctx, fn)
	if d := new(repo.DamagedFileError); errors.As(err, &d) && !errors.As(err, new(*unfinishedError)) {
		return unfinished("put the file back from a copy; nothing can be read without it", "%v", err)
	}
	return err
}

// checked checks, and prints what it finds. Where it came to the end, the error
// is nil or unfinished.
func (s *session) checked(ctx context.Context, r *repo.Repository, share repo.ReadShare) (c repo.Checked, err error) {
	if share.Bytes != nil {
		if share.After, err = lastRead(ctx, r); err != nil {
			return c, err
		}
	}
	rep := &checkReport{session: s, ranges: map[lostRange]*touches{}}
	bar := newProgress(s.console)
	defer bar.end()
	c, err = r.Check(ctx, repo.CheckOptions{
		Read:     share,
		Found:    rep.found,
		Progress: func(done, all int) { bar.show("check packs", done, all) },
	})
	bar.end()
	if err == nil {
		err = rep.unread(ctx, r, c.Unread)
	}
	if err == nil {
		err = rep.snapshots(ctx, r, c, bar)
	}
	bar.end()
	if err = errors.Join(err, rep.failed); err != nil {
		return c, err
	}
	return c, rep.finish(c)
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

// checkCounts are what an audit entry says of a check; shared: where the next
// share begins, too.
func checkCounts(c repo.Checked, shared bool) map[string]int64 {
	m := map[string]int64{"packs": int64(c.Read.Packs), "bytes": c.Read.Bytes, "damaged_files": int64(c.Damaged)}
	if shared {
		m[readTo] = int64(c.ReadTo)
	}
	return m
}

// noteRead leaves an entry that says which share was read. A repository that
// cannot be written is checked all the same.
func (s *session) noteRead(ctx context.Context, r *repo.Repository, c repo.Checked) {
	err := r.Audit(ctx, repo.AuditEntry{
		Time: s.begun, Command: s.command, Trigger: s.trigger, Action: checkAction, Outcome: "success", Millis: s.millis(),
		Counts: checkCounts(c, true),
	})
	if err != nil {
		s.warn("it cannot be noted which share was read, so the next check reads the same one: %v", err)
	}
}
