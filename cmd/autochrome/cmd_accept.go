package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"autochrome/repo"
)

func acceptCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "accept", Usage: "say that a suspect snapshot is right after all", ArgsUsage: "ID",
		Description: "It may be the latest from then on, and later snapshots are judged by it: what it has\n" +
			"lost is no loss any more. One whose stored bytes are damaged has to verify first.",
		Flags:  []cli.Flag{sourceFlag()},
		Action: p.action(accept),
	}
}

func accept(ctx context.Context, s *session) error {
	args, err := s.args(0, "ID")
	if err != nil {
		return err
	}
	return s.withRepository(ctx, func(r *repo.Repository) error {
		snap, err := s.find(ctx, r, args[0])
		if err != nil {
			return err
		}
		return s.audited(ctx, r, "accept", func(e *repo.AuditEntry) error {
			e.Snapshot = &snap.ID
			notes, err := r.Annotations(ctx)
			if err != nil {
				return err
			}
			why := notes[snap.ID].Suspect(snap)
			if strings.HasPrefix(why, byVerify) {
				return &hintedError{fmt.Errorf("%s is damaged in the repository: %s", snap.DisplayID(), strings.TrimPrefix(why, byVerify)),
					"put the file back from a copy and run: autochrome snapshot verify " + snap.DisplayID()}
			}
			if why != "" {
				if err := r.Annotate(ctx, repo.Annotation{Snapshot: snap.ID, Key: repo.KeySuspect, Removed: true}); err != nil {
					return err
				}
			}
			if s.json {
				return s.printJSON(struct {
					SnapshotID string `json:"snapshot_id"`
					Was        string `json:"was_suspect"` // "": it was not
				}{snap.DisplayID(), why})
			}
			if why == "" {
				s.say("%s was not suspect", snap.DisplayID())
				return nil
			}
			return s.print("%s is not suspect any more; it was: %s", snap.DisplayID(), why)
		})
	})
}
