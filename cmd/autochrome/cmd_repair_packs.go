package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/snapshot"
)

func repairPacksCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "packs", Usage: "save what can be read of damaged packs, and fetch what is lost",
		Description: "Reads all packs. What can still be read of a damaged one is copied into a new one; what is\n" +
			"lost is taken from a copy of the repository, or from the live database where records are\n" +
			"there as they were; nothing is taken whose hash is not that of what is lost. Then damaged\n" +
			"packs are marked for deletion (prune removes them), and packs that are not there are\n" +
			"forgotten. Says what it will do before it does it.",
		Flags: append(append(repairFlags(),
			&cli.StringFlag{Name: "from", Usage: "`folder` of a repository that has the same snapshots: a copy of the files, or made with copy or mirror"},
			liveFlag("take what is lost, and what the copy does not have, from Chroma, where it is as it was"),
		), secondFlags(fromKeys.settings())...),
		Action: p.action(repairPacks),
	}
}

// packsRepairedJSON is what repair packs --json prints.
type packsRepairedJSON struct {
	repo.PackRepair
	Live     []soughtJSON `json:"live,omitempty"` // what Chroma was asked for
	Duration int64        `json:"duration_ms"`
	Status   string       `json:"status"` // planned or success
}

func repairPacks(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	if err := s.mayRepair(); err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		return s.withCopy(ctx, r, func(o repo.PackRepairOptions) error {
			return s.withLive(ctx, r, func(l *snapshot.Live) error {
				if l != nil {
					o.Find, o.Seek = l.Find, l.Seek
				}
				return s.repairing(ctx, r, func(e *repo.AuditEntry) error { return s.repairedPacks(ctx, r, o, l, e) })
			})
		})
	})
}

// withCopy opens the copy that --from names, where it names one.
func (s *session) withCopy(ctx context.Context, r *repo.Repository, fn func(repo.PackRepairOptions) error) (err error) {
	folder := s.flags.String("from")
	if folder == "" {
		return fn(repo.PackRepairOptions{})
	}
	if folder, err = folderOf("from", folder); err != nil {
		return err
	}
	from, err := s.openRepository(ctx, folder, fromKeys)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if !r.SameIDs(from) {
		return usage("such a copy has the snapshots under other ids: autochrome copy brings them here again",
			"--from %s: its ids are not those of %s", from.Location(), r.Location())
	}
	return fn(repo.PackRepairOptions{Copy: from})
}

func (s *session) repairedPacks(ctx context.Context, r *repo.Repository, o repo.PackRepairOptions, l *snapshot.Live, e *repo.AuditEntry) error {
	bar := newProgress(s.console)
	defer bar.end()
	o.Progress = func(done, all int) { bar.show("read packs", done, all) }
	o.Planned = func(x repo.PackRepair) error {
		bar.end()
		if !s.json {
			if err := s.printPackRepair(x, soughtOf(l)); err != nil {
				return err
			}
		}
		if x.Empty() {
			return nil
		}
		return s.agreed(ctx, "Repair the packs so?")
	}
	x, err := r.RepairPacks(ctx, o)
	bar.end()
	e.Counts = map[string]int64{
		"packs_marked": int64(len(x.Damaged)), "packs_forgotten": int64(len(x.Missing)), "chunks_rescued": int64(x.Rescue),
		"chunks_fetched": int64(x.Fetch), "chunks_from_live": int64(x.Found), "chunks_lost": int64(x.Lost), "records": int64(len(x.Records)),
	}
	if err := s.repairEnds(err, packsRepairedJSON{x, soughtOf(l), s.millis(), s.repairStatus()}); err != nil {
		return err
	}
	if x.Lost+len(x.Unreadable) > 0 {
		hint := "autochrome check names what they hold, and what is not named can be restored; --from a copy brings them back, --live what Chroma still has"
		switch {
		case o.Copy != nil:
			hint = "the copy does not have them either; autochrome check names what they hold, and what is not named can be restored"
		case l != nil:
			hint = "autochrome check names what they hold, and what is not named can be restored; autochrome repair snapshots makes new ones of the rest"
		}
		return unfinished(hint, "%s lost, %s of snapshots that cannot be read", plural(x.Lost, "chunk"), plural(len(x.Unreadable), "file"))
	}
	return nil
}

func (s *session) printPackRepair(x repo.PackRepair, live []soughtJSON) error {
	if x.Empty() && x.Lost+len(x.Unreadable) == 0 {
		return s.print("no pack is damaged")
	}
	var t table
	if x.Rescue > 0 {
		t.add("copy", plural(x.Rescue, "chunk"), "out of damaged packs into a new one")
	}
	if n := x.Fetch - x.Found; n > 0 {
		t.add("fetch", plural(n, "chunk"), "from the copy")
	}
	addSought(&t, live, true)
	for _, name := range x.Records {
		t.add("replace", name, "by the copy's")
	}
	for _, name := range x.Damaged {
		t.add("mark", name, "damaged: for deletion by prune")
	}
	for _, name := range x.Missing {
		t.add("forget", name, "it is not there")
	}
	if addSought(&t, live, false); x.Lost > 0 {
		t.add("lost", plural(x.Lost, "chunk"), "which nobody has")
	}
	for _, name := range x.Unreadable {
		t.add("unreadable", name, "which nobody has; it stays")
	}
	return t.write(s.out)
}
