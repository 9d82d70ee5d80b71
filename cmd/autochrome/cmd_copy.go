package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
	"autochrome/snapshot"
)

func copyCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "copy", Usage: "copy snapshots to another repository", ArgsUsage: "[ID ...]",
		Description: "Without IDs: all that are not there yet, and were not deleted there. What the other\n" +
			"repository has is not copied again. Where the two agree on ids (both plain, or made with\n" +
			"init --like) snapshots keep theirs; else the records are encoded anew, and the copies say\n" +
			"what they are copied from.",
		Flags:  append(copyFlags(), &cli.StringFlag{Name: "source", Usage: "only snapshots of this source"}),
		Action: p.action(copySnapshots),
	}
}

func mirrorCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "mirror", Usage: "copy all snapshots to another repository, and delete there what is not here any more",
		Description: "It names what it deletes, and asks. Snapshots that are held there stay.",
		Flags:       append(copyFlags(), &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "delete without asking"}),
		Action:      p.action(mirror),
	}
}

func copyFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "to", Usage: "`folder` of the other repository, which must be there"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: "show what would be done"},
	}, secondFlags(toKeys.settings())...)
}

// withOther opens the repository and the one that --to names.
func (s *session) withOther(ctx context.Context, fn func(from, to *repo.Repository) error) error {
	folder := s.flags.String("to")
	if folder == "" {
		return usage("for example --to /mnt/backup/chromadb", "%s needs --to", s.flags.Command.HelpName)
	}
	folder, err := folderOf("to", folder)
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(from *repo.Repository) (err error) {
		to, err := s.openRepository(ctx, folder, toKeys)
		if errors.Is(err, repo.ErrNoRepository) {
			return &hintedError{err, fmt.Sprintf("make it with: autochrome init --repo %s --like %s; see also --encrypt", folder, from.Location())}
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, to.Close()) }()
		if to.ID() == from.ID() {
			return usage("", "--to %s is the same repository, or a copy of its files", folder)
		}
		return fn(from, to)
	})
}

// copyJSON is what a copy came to.
type copyJSON struct {
	Repository  string       `json:"repository"`
	To          string       `json:"to"`
	DryRun      bool         `json:"dry_run,omitempty"`
	SameIDs     bool         `json:"same_ids"`
	Copied      []copiedJSON `json:"copied"`
	Damaged     []copiedJSON `json:"damaged"`
	Present     int          `json:"present"`
	Deleted     int          `json:"deleted_there"`
	Annotations int          `json:"annotations"`
	Stored      int64        `json:"bytes_stored"`
	Removed     []string     `json:"removed,omitempty"`
	Held        []string     `json:"held,omitempty"`
}

type copiedJSON struct {
	SnapshotID string `json:"snapshot_id"`
	CopyID     string `json:"copy_id,omitempty"`
	Error      string `json:"error,omitempty"`
}

func copySnapshots(ctx context.Context, s *session) error {
	words := s.flags.Args().Slice()
	return s.withOther(ctx, func(from, to *repo.Repository) error {
		o := snapshot.CopyOptions{Again: len(words) > 0}
		var err error
		if o.Snapshots, err = s.toCopy(ctx, from, words); err != nil {
			return err
		}
		return s.auditedCopy(ctx, to, "copy", func(e *repo.AuditEntry) error {
			out, err := s.copyTo(ctx, from, to, o, e)
			if err != nil {
				return err
			}
			return s.printCopy(out)
		})
	})
}

// toCopy gives the snapshots that the command names; nil: all.
func (s *session) toCopy(ctx context.Context, from *repo.Repository, words []string) ([]repo.Snapshot, error) {
	source := s.flags.String("source")
	if len(words) == 0 && source == "" {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, word := range words {
		snap, err := s.find(ctx, from, word)
		if err != nil {
			return nil, err
		}
		wanted[snap.ID.String()] = true
	}
	all, err := from.Snapshots(ctx)
	if err != nil {
		return nil, err
	}
	list := []repo.Snapshot{}
	for _, x := range all { // in order, parents first
		if wanted[x.ID.String()] || len(words) == 0 && x.Source == source {
			list = append(list, x)
		}
	}
	return list, nil
}

// auditedCopy leaves an entry in the repository that is written to, unless
// nothing is.
func (s *session) auditedCopy(ctx context.Context, to *repo.Repository, action string, fn func(e *repo.AuditEntry) error) error {
	if s.flags.Bool("dry-run") {
		return fn(new(repo.AuditEntry))
	}
	return s.audited(ctx, to, action, fn)
}

func (s *session) copyTo(ctx context.Context, from, to *repo.Repository, o snapshot.CopyOptions, e *repo.AuditEntry) (copyJSON, error) {
	o.DryRun = s.flags.Bool("dry-run")
	o.Progress = func(done, total int, x repo.Snapshot) { s.detail("%d of %d: %s", done+1, total, x.DisplayID()) }
	res, err := snapshot.Copy(ctx, from, to, o)
	out := copyJSON{
		Repository: from.Location(), To: to.Location(), DryRun: o.DryRun, SameIDs: res.SameIDs,
		Copied: []copiedJSON{}, Damaged: []copiedJSON{}, Present: res.Present, Deleted: res.Deleted, Annotations: res.Notes, Stored: res.Stored,
	}
	for _, c := range res.Copied {
		line := copiedJSON{SnapshotID: c.From.DisplayID()}
		if !o.DryRun {
			line.CopyID = c.To.DisplayID()
		}
		out.Copied = append(out.Copied, line)
	}
	for _, d := range res.Damaged {
		out.Damaged = append(out.Damaged, copiedJSON{SnapshotID: d.Snapshot.DisplayID(), Error: d.Err.Error()})
	}
	e.Counts = map[string]int64{
		"copied": int64(len(res.Copied)), "present": int64(res.Present), "damaged": int64(len(res.Damaged)),
		"annotations": int64(res.Notes), "bytes_stored": res.Stored,
	}
	return out, err
}

// printCopy prints what was copied, and is an error where something is left.
func (s *session) printCopy(out copyJSON) error {
	if err := s.writeCopy(out); err != nil {
		return err
	}
	if n := len(out.Damaged); n > 0 {
		return unfinished("see what is affected: autochrome snapshot verify "+out.Damaged[0].SnapshotID,
			"%s cannot be read whole, and so not copied", plural(n, "snapshot"))
	}
	return nil
}

func (s *session) writeCopy(out copyJSON) error {
	if s.json {
		return s.printJSON(out)
	}
	for _, c := range out.Copied {
		if c.CopyID == "" || c.CopyID == c.SnapshotID {
			if err := s.print("%s", c.SnapshotID); err != nil {
				return err
			}
		} else if err := s.print("%s  as %s", c.SnapshotID, c.CopyID); err != nil {
			return err
		}
	}
	for _, d := range out.Damaged {
		s.warn("%s: %s", d.SnapshotID, d.Error)
	}
	for _, id := range out.Removed {
		if err := s.print("%s  deleted there", id); err != nil {
			return err
		}
	}
	what := "copied"
	if out.DryRun {
		what = "would copy"
	}
	s.say("%s %s to %s, %s stored; %d there already, %d deleted there, %s", what, plural(len(out.Copied), "snapshot"),
		out.To, size(out.Stored), out.Present, out.Deleted, plural(out.Annotations, "annotation"))
	return nil
}

func mirror(ctx context.Context, s *session) error {
	if _, err := s.args(0); err != nil {
		return err
	}
	dry := s.flags.Bool("dry-run")
	if !s.inTerminal && !s.flags.Bool("yes") && !dry {
		return usage("use --yes to go on without a question, or --dry-run to see what would be deleted", "there is no terminal to ask whether snapshots may be deleted")
	}
	return s.withOther(ctx, func(from, to *repo.Repository) error {
		return s.auditedCopy(ctx, to, "mirror", func(e *repo.AuditEntry) error {
			out, err := s.copyTo(ctx, from, to, snapshot.CopyOptions{Again: true}, e)
			if err != nil {
				return err
			}
			extra, held, err := snapshot.Extra(ctx, from, to)
			if err != nil {
				return errors.Join(err, s.writeCopy(out))
			}
			for _, x := range held {
				out.Held = append(out.Held, x.DisplayID())
				s.warn("%s is held there, and stays", x.DisplayID())
			}
			if err := s.mayDelete(ctx, extra); err != nil {
				return errors.Join(err, s.writeCopy(out))
			}
			for _, x := range extra {
				if !dry {
					if err := to.Delete(ctx, x, "mirror: not in "+from.Location()+" any more"); err != nil {
						return errors.Join(err, s.writeCopy(out))
					}
				}
				out.Removed = append(out.Removed, x.DisplayID())
			}
			e.Counts["deleted"] = int64(len(out.Removed))
			return s.printCopy(out)
		})
	})
}

// mayDelete asks whether snapshots may be deleted.
func (s *session) mayDelete(ctx context.Context, list []repo.Snapshot) error {
	if len(list) == 0 || s.flags.Bool("yes") || s.flags.Bool("dry-run") {
		return nil
	}
	for _, x := range list {
		s.note("not here any more: %s %s", x.DisplayID(), x.Name)
	}
	ok, err := s.ask(ctx, bufio.NewReader(s.in), fmt.Sprintf("Delete %s there?", plural(len(list), "snapshot")))
	if err == nil && !ok {
		err = errors.New("not confirmed: nothing was deleted")
	}
	return err
}
